"""GoogLeNet: Inception modules, which look at several scales at once.

C. Szegedy, W. Liu, Y. Jia, et al., "Going deeper with convolutions", CVPR 2015 (arXiv 1409.4842), Table 1 and Figures 2 and 3.

variant="torchvision" (the default): what the published weights fit. Against the paper, every convolution is followed by batch normalisation
instead of having a bias, nothing is normalised across channels, the 5 x 5 convolutions are 3 x 3, the last maximum is over 2 x 2, the
auxiliary classifiers average to 4 x 4 and keep 30 % of their numbers, and dropout at the end takes 20 %. 13,004,888 parameters.

variant="paper": as the paper has it. Its auxiliary classifiers average windows of 5 x 5 in steps of 3; dropout at the end takes 40 %.

"torchvision-trunk" and "paper-trunk" are without the auxiliary classifiers, which only training needs (6,624,904 parameters in
torchvision's form); they take the state of the whole network and leave that part out.

In training, `forward` gives three sets of scores, and `loss` adds the auxiliary losses with a weight of 0.3. The paper trains with
asynchronous SGD and gives neither batch size nor rate: these are those with which the BVLC repeated it in Caffe; the final weights were an
average over time, which --ema is for.
"""
from minicnn import functional as F, nn
from minicnn.data import photographs, transforms
from minicnn.models.alexnet import response_norm
from minicnn.models.classifier import Classifier, Network, Recipe

AUXILIARY_WEIGHT = 0.3   # section 5

# Table 1: filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
MODULES = {
    "3a": (192, (64, 96, 128, 16, 32, 32)),
    "3b": (256, (128, 128, 192, 32, 96, 64)),
    "4a": (480, (192, 96, 208, 16, 48, 64)),
    "4b": (512, (160, 112, 224, 24, 64, 64)),
    "4c": (512, (128, 128, 256, 24, 64, 64)),
    "4d": (512, (112, 144, 288, 32, 64, 64)),
    "4e": (528, (256, 160, 320, 32, 128, 128)),
    "5a": (832, (256, 160, 320, 32, 128, 128)),
    "5b": (832, (384, 192, 384, 48, 128, 128)),
}


class BiasConvolution(nn.Module):
    """The paper's convolution: with a bias, then ReLU."""

    def __init__(self, channels, filters, kernel_size, stride=1, padding=0):
        with nn.init.skipped():
            self.conv = nn.Conv2d(channels, filters, kernel_size, stride, padding)
        nn.init.xavier_uniform_(self.conv.weight)
        nn.init.constant_(self.conv.bias, 0.2)

    def forward(self, x):
        return F.relu(self.conv(x))


class NormalizedConvolution(nn.Module):
    """torchvision's: with batch normalisation, then ReLU."""

    def __init__(self, channels, filters, kernel_size, stride=1, padding=0):
        with nn.init.skipped():
            self.conv = nn.Conv2d(channels, filters, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=0.001)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class NaiveInception(nn.Module):
    """Figure 2 (a): (N, channels, H, W) -> (N, one + three + five + channels, H, W).

    Because the pooled maps are handed on, there are more from module to module, and the 5 x 5 convolutions take more and more work.
    """

    def __init__(self, channels, one, three, five, convolution=BiasConvolution):
        self.branch1 = convolution(channels, one, 1)
        self.branch2 = convolution(channels, three, 3, padding=1)
        self.branch3 = convolution(channels, five, 5, padding=2)

    def forward(self, x):
        return F.cat([self.branch1(x), self.branch2(x), self.branch3(x), F.max_pool2d(x, 3, 1, 1)], 1)


class Inception(nn.Module):
    """Figure 2 (b), with dimension reduction: (N, channels, H, W) -> (N, one + three + five + pooled, H, W).

    large  the size of the larger kernels: 5, and 3 in torchvision's form
    """

    def __init__(self, channels, one, reduce3, three, reduce5, five, pooled, convolution=BiasConvolution, large=5):
        self.branch1 = convolution(channels, one, 1)
        self.branch2 = nn.Sequential(convolution(channels, reduce3, 1), convolution(reduce3, three, 3, padding=1))
        self.branch3 = nn.Sequential(convolution(channels, reduce5, 1), convolution(reduce5, five, large, padding=large // 2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), convolution(channels, pooled, 1))

    def forward(self, x):
        return F.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class AuxiliaryClassifier(nn.Module):
    """Section 5: (N, channels, 14, 14) -> scores (N, classes). Its gradient reaches the lower layers by a shorter way."""

    def __init__(self, channels, num_classes, convolution, pool):
        self.pool = pool                           # (N, channels, 4, 4)
        self.conv = convolution(channels, 128, 1)  # (N, 128, 4, 4)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x):
        x = F.flatten(self.conv(self.pool(x)), 1)
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


class GoogLeNet(Classifier):
    """(N, 3, 224, 224) -> scores (N, classes); in training, with auxiliary classifiers, these and the two sets of theirs."""

    input_shape, resize = (3, 224, 224), 256
    recipe = Recipe(epochs=64, batch_size=32, optimizer="sgd", lr=0.01, weight_decay=2e-4, schedule="exponential",   # section 6
                    crop=(photographs.RandomResizedCrop(224),),
                    augmentation=(transforms.RandomFlip(), transforms.ColourJitter(0.4, 0.4, 0.4)))
    convolution, large, dropout_probability = NormalizedConvolution, 3, 0.2
    layer_names = {**{f"conv{number}": f"conv{number}.conv" for number in (1, 2, 3)},
                   **{f"inception{name}": f"inception{name}" for name in MODULES}}

    def __init__(self, num_classes=1000, auxiliary=True):
        convolution = self.convolution
        self.conv1 = convolution(3, 64, 7, stride=2, padding=3)
        self.conv2 = convolution(64, 64, 1)
        self.conv3 = convolution(64, 192, 3, padding=1)
        for name, (channels, filters) in MODULES.items():
            setattr(self, f"inception{name}", Inception(channels, *filters, convolution, self.large))
        self.aux1 = self.auxiliary_classifier(512, num_classes) if auxiliary else None
        self.aux2 = self.auxiliary_classifier(528, num_classes) if auxiliary else None
        self.dropout = nn.Dropout(self.dropout_probability)
        self.fc = nn.Linear(1024, num_classes)

    def auxiliary_classifier(self, channels, num_classes):
        return AuxiliaryClassifier(channels, num_classes, self.convolution, nn.AdaptiveAvgPool2d(4))

    def stem(self, x):                                       # (N, 3, 224, 224)
        x = self.conv1(x)                                    # (N, 64, 112, 112)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)            # (N, 64, 56, 56)
        x = self.conv3(self.conv2(x))                        # (N, 192, 56, 56)
        return F.max_pool2d(x, 3, 2, ceil_mode=True)         # (N, 192, 28, 28)

    def last_pool(self, x):
        return F.max_pool2d(x, 2, 2, ceil_mode=True)

    def forward(self, x):
        x = self.stem(x)                                     # (N, 192, 28, 28)
        x = self.inception3b(self.inception3a(x))            # (N, 480, 28, 28)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)            # (N, 480, 14, 14)
        at_4a = self.inception4a(x)                          # (N, 512, 14, 14)
        x = self.inception4c(self.inception4b(at_4a))        # (N, 512, 14, 14)
        at_4d = self.inception4d(x)                          # (N, 528, 14, 14)
        x = self.inception4e(at_4d)                          # (N, 832, 14, 14)
        x = self.last_pool(x)                                # (N, 832, 7, 7)
        x = self.inception5b(self.inception5a(x))            # (N, 1024, 7, 7)
        x = F.flatten(F.adaptive_avg_pool2d(x, 1), 1)        # (N, 1024)
        scores = self.fc(self.dropout(x))                    # (N, classes)
        if self.training and self.aux1 is not None:
            return scores, self.aux1(at_4a), self.aux2(at_4d)
        return scores

    def main_scores(self, scores):
        return scores[0] if isinstance(scores, tuple) else scores

    def loss(self, scores, labels):
        if not isinstance(scores, tuple):
            return F.cross_entropy(scores, labels)
        main, first, second = (F.cross_entropy(part, labels) for part in scores)
        return main + AUXILIARY_WEIGHT * (first + second)

    def load_state_dict(self, state_dict, strict=True):
        """As Module.load_state_dict; without auxiliary classifiers, what is for them is left out."""
        if self.aux1 is None:
            state_dict = {name: value for name, value in state_dict.items() if not name.startswith(("aux1.", "aux2."))}
        return super().load_state_dict(state_dict, strict)


class PaperGoogLeNet(GoogLeNet):
    """The same with the paper's parts."""

    convolution, large, dropout_probability = BiasConvolution, 5, 0.4

    def __init__(self, num_classes=1000, auxiliary=True):
        super().__init__(num_classes, auxiliary)
        self.norm1, self.norm2 = response_norm(), response_norm()

    def auxiliary_classifier(self, channels, num_classes):
        return AuxiliaryClassifier(channels, num_classes, self.convolution, nn.AvgPool2d(5, 3))

    def stem(self, x):                                       # (N, 3, 224, 224)
        x = self.conv1(x)                                    # (N, 64, 112, 112)
        x = self.norm1(F.max_pool2d(x, 3, 2, ceil_mode=True))   # (N, 64, 56, 56)
        x = self.norm2(self.conv3(self.conv2(x)))            # (N, 192, 56, 56)
        return F.max_pool2d(x, 3, 2, ceil_mode=True)         # (N, 192, 28, 28)

    def last_pool(self, x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)


def build(variant, num_classes):
    form, _, trunk = variant.partition("-")
    return (GoogLeNet if form == "torchvision" else PaperGoogLeNet)(num_classes, auxiliary=not trunk)


NETWORKS = {"googlenet": Network(build, ("torchvision", "paper", "torchvision-trunk", "paper-trunk"))}
