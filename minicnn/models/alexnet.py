"""AlexNet: the network that won ILSVRC 2012.

A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012.

variant="torchvision" (the default): what the published weights fit. It is the one-column network of A. Krizhevsky, "One weird trick for
parallelizing convolutional neural networks" (2014): fewer filters in the first layer, no groups, no response normalisation, dropout
before and not after the fully connected layers. 61,100,840 parameters.

variant="paper": section 3 and Figure 2. The network was split between two GPUs, which see each other's maps only in conv3 and in the
fully connected layers: convolutions with two groups. Local response normalisation after conv1 and conv2. 60,965,224 parameters. The paper
speaks of images of 224 x 224; for its 55 x 55 maps they must be bordered by 2 pixels, as here.

The learning rate falls when the error stops falling, as it does in section 5. The loss at the start is higher than that of guessing
in the paper's variant: its initial biases of 1 keep ReLUs alive.
"""
from minicnn import functional as F, nn
from minicnn.data import photographs, transforms
from minicnn.models.classifier import Classifier, Network, Recipe
from minicnn.models.fully_convolutional import score_map


class AlexNet(Classifier):
    """(N, 3, 224, 224) -> scores (N, classes), in torchvision's form."""

    input_shape, resize = (3, 224, 224), 256
    recipe = Recipe(epochs=90, batch_size=128, optimizer="sgd", lr=0.01, weight_decay=5e-4, schedule="plateau",   # section 5
                    crop=(photographs.ScaleShorterSide(256), photographs.RandomCrop(224)),                        # section 4.1
                    augmentation=(transforms.RandomFlip(), transforms.Lighting(0.1)))
    maps_size = (6, 6)   # of what the fully connected layers see
    layer_names = {"conv1": "features.0", "pool1": "features.2", "conv2": "features.3", "pool2": "features.5", "conv3": "features.6",
                   "conv4": "features.8", "conv5": "features.10", "pool5": "features.12",
                   "fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"}

    def __init__(self, num_classes=1000):
        self.features = nn.Sequential(                       # (N, 3, 224, 224)
            nn.Conv2d(3, 64, 11, stride=4, padding=2),       # (N, 64, 55, 55)
            nn.ReLU(),
            nn.MaxPool2d(3, 2),                              # (N, 64, 27, 27)
            nn.Conv2d(64, 192, 5, padding=2),                # (N, 192, 27, 27)
            nn.ReLU(),
            nn.MaxPool2d(3, 2),                              # (N, 192, 13, 13)
            nn.Conv2d(192, 384, 3, padding=1),               # (N, 384, 13, 13)
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),               # (N, 256, 13, 13)
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),               # (N, 256, 13, 13)
            nn.ReLU(),
            nn.MaxPool2d(3, 2),                              # (N, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(self.maps_size)
        self.classifier = nn.Sequential(                     # (N, 9216)
            nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
            nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x):
        return self.classifier(F.flatten(self.avgpool(self.features(x)), 1))

    def dense(self, x):
        return score_map(self.features(x), self.classifier, self.maps_size).mean((2, 3))


def response_norm():
    """Section 3.3: x / (2 + 1e-4 sum of the squares of 5 channels)^0.75. Our alpha is for their mean, so it is 5 times as large."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


class PaperAlexNet(Classifier):
    """(N, 3, 224, 224) -> scores (N, classes), as in the paper. Layers have its names."""

    input_shape, resize, recipe, maps_size = AlexNet.input_shape, AlexNet.resize, AlexNet.recipe, AlexNet.maps_size

    def __init__(self, num_classes=1000):
        with nn.init.skipped():
            self.conv1 = nn.Conv2d(3, 96, 11, stride=4, padding=2)
            self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
            self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
            self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
            self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
            self.norm1, self.norm2 = response_norm(), response_norm()
            self.fc6 = nn.Linear(9216, 4096)
            self.fc7 = nn.Linear(4096, 4096)
            self.fc8 = nn.Linear(4096, num_classes)
            self.drop6, self.drop7 = nn.Dropout(), nn.Dropout()
        for name, layer in self.named_children():   # section 5
            if hasattr(layer, "weight"):
                nn.init.normal_(layer.weight, 0, 0.01)
                nn.init.constant_(layer.bias, 1 if name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0)

    def features(self, x):                           # (N, 3, 224, 224)
        x = self.norm1(F.relu(self.conv1(x)))        # (N, 96, 55, 55)
        x = F.max_pool2d(x, 3, 2)                    # (N, 96, 27, 27), windows overlap: section 3.4
        x = self.norm2(F.relu(self.conv2(x)))        # (N, 256, 27, 27)
        x = F.max_pool2d(x, 3, 2)                    # (N, 256, 13, 13)
        x = F.relu(self.conv3(x))                    # (N, 384, 13, 13)
        x = F.relu(self.conv4(x))                    # (N, 384, 13, 13)
        x = F.relu(self.conv5(x))                    # (N, 256, 13, 13)
        return F.max_pool2d(x, 3, 2)                 # (N, 256, 6, 6)

    def classifier(self):
        return self.fc6, nn.ReLU(), self.drop6, self.fc7, nn.ReLU(), self.drop7, self.fc8

    def forward(self, x):
        x = F.flatten(self.features(x), 1)           # (N, 9216)
        for layer in self.classifier():
            x = layer(x)
        return x                                     # (N, classes)

    def dense(self, x):
        return score_map(self.features(x), self.classifier(), self.maps_size).mean((2, 3))


def build(variant, num_classes):
    return AlexNet(num_classes) if variant == "torchvision" else PaperAlexNet(num_classes)


NETWORKS = {"alexnet": Network(build, ("torchvision", "paper"))}
