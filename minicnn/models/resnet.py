"""Residual networks: layers that learn what to add to their input.

K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016: the networks for ImageNet, Table 1.
(resnet_cifar.py has those of section 4.2.)

variant="torchvision" (the default): what the published weights fit. In a bottleneck the 3 x 3 convolution has the stride, where the
paper has it in the first 1 x 1: a little more work, and better by half a per cent. Shortcuts are those of option B.

variant="paper": the stride is in the first 1 x 1 convolution. "paper-a", "paper-b", "paper-c" choose the shortcut where shapes differ
(section 3.3 and Table 3):

    A  the identity, with zeros for the channels that there are more, and every other pixel
    B  a projection, a 1 x 1 convolution, where shapes differ; the identity elsewhere
    C  projections everywhere

"paper" is B, which the paper's deeper networks have; its ResNet-18 and -34 of Table 2 have A. Without shortcuts these two are plain18 and
plain34, with which the paper compares them.

The learning rate falls when the error stops falling, as the paper has it.
"""
from functools import partial

from minicnn import functional as F, nn
from minicnn.data import photographs, transforms
from minicnn.models.classifier import Classifier, Network, Recipe


class BasicBlock(nn.Module):
    """(N, channels, H, W) -> (N, width, H / stride, W / stride): two 3 x 3 convolutions, and the shortcut around them. Figure 5, left."""

    expansion = 1   # filters out of a block of width 1

    def __init__(self, channels, width, stride, downsample):
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def residual(self, x):
        """What is learned: F in equation 1."""
        x = F.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))

    def shortcut(self, x):
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x):
        shortcut = self.shortcut(x)
        return F.relu(self.residual(x) + shortcut)


class PlainBlock(BasicBlock):
    """The same two convolutions without a shortcut: Figure 3, middle."""

    def forward(self, x):
        return F.relu(self.residual(x))


class Bottleneck(BasicBlock):
    """(N, channels, H, W) -> (N, 4 width, H / stride, W / stride): 1 x 1 to fewer channels, 3 x 3, 1 x 1 to more. Figure 5, right."""

    expansion = 4
    strides = staticmethod(lambda stride: (1, stride))   # of the first 1 x 1 and of the 3 x 3

    def __init__(self, channels, width, stride, downsample):
        first, second = self.strides(stride)
        self.conv1 = nn.Conv2d(channels, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


class PaperBottleneck(Bottleneck):
    """With its stride where the paper has it."""

    strides = staticmethod(lambda stride: (stride, 1))


class ZeroPadding(nn.Module):
    """Option A: (N, channels, H, W) -> (N, filters, H / stride, W / stride) with nothing to learn."""

    def __init__(self, channels, filters, stride):
        self.more, self.stride = filters - channels, stride

    def forward(self, x):
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.more))

    def extra_repr(self):
        return f"{self.more} more channels, stride={self.stride}"


def make_shortcut(option, channels, filters, stride):
    """The module in a shortcut; None for the identity. option: "a", "b", "c", or None for a block without a shortcut."""
    if option is None or option != "c" and channels == filters and stride == 1:
        return None
    if option == "a":
        return ZeroPadding(channels, filters, stride)
    return nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))


def make_stage(block, option, channels, width, count, stride):
    """`count` blocks at one size, of which the first may reduce it."""
    filters = width * block.expansion
    shapes = [(channels, stride)] + [(filters, 1)] * (count - 1)
    return nn.Sequential(*(block(before, width, step, make_shortcut(option, before, filters, step)) for before, step in shapes))


def initialise(network):
    """Convolutions after He et al., "Delving deep into rectifiers" (ICCV 2015), so that gradients keep their size."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Residual(Classifier):
    """What the networks for ImageNet and for CIFAR share: `stem`, then blocks in stages, then the mean over positions and `fc`."""

    def stages(self):
        """The stages, each a Sequential of blocks: layer1, layer2, ..."""
        return [module for name, module in self.named_children() if name.startswith("layer")]

    def blocks(self):
        """All blocks in order."""
        return [block for stage in self.stages() for block in stage]

    def head(self, x):
        return self.fc(F.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks():
            x = block(x)
        return self.head(x)


class ResNet(Residual):
    """(N, 3, 224, 224) -> scores (N, classes)."""

    input_shape, resize = (3, 224, 224), 256
    recipe = Recipe(epochs=120, batch_size=256, optimizer="sgd", lr=0.1, weight_decay=1e-4, schedule="plateau",   # section 3.4
                    crop=(photographs.ScaleShorterSide((256, 480)), photographs.RandomCrop(224)),
                    augmentation=(transforms.RandomFlip(), transforms.Lighting(0.1)))

    def __init__(self, block, counts, num_classes=1000, option="b"):
        with nn.init.skipped():   # drawn by `initialise`
            self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.layer1 = make_stage(block, option, 64, 64, counts[0], stride=1)
            self.layer2 = make_stage(block, option, 64 * block.expansion, 128, counts[1], stride=2)
            self.layer3 = make_stage(block, option, 128 * block.expansion, 256, counts[2], stride=2)
            self.layer4 = make_stage(block, option, 256 * block.expansion, 512, counts[3], stride=2)
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialise(self)

    # With basic blocks; bottlenecks have four times as many channels from layer1 on.
    def stem(self, x):                         # (N, 3, 224, 224)
        x = F.relu(self.bn1(self.conv1(x)))    # (N, 64, 112, 112)
        return F.max_pool2d(x, 3, 2, 1)        # (N, 64, 56, 56)
    # layer1                                     (N, 64, 56, 56)
    # layer2                                     (N, 128, 28, 28)
    # layer3                                     (N, 256, 14, 14)
    # layer4                                     (N, 512, 7, 7)
    # head                                       (N, classes)


# Table 1: how many blocks there are in conv2_x to conv5_x.
COUNTS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def build(layers, variant, num_classes):
    block = BasicBlock if layers < 50 else Bottleneck if variant == "torchvision" else PaperBottleneck
    option = variant[-1] if variant.startswith("paper-") else "b"
    return ResNet(block, COUNTS[layers], num_classes, option)


def build_plain(layers, variant, num_classes):
    return ResNet(PlainBlock, COUNTS[layers], num_classes, option=None)


VARIANTS = ("torchvision", "paper", "paper-a", "paper-b", "paper-c")
NETWORKS = {f"resnet{layers}": Network(partial(build, layers), VARIANTS) for layers in COUNTS}
NETWORKS |= {f"plain{layers}": Network(partial(build_plain, layers), ("paper",)) for layers in (18, 34)}
