"""Residual networks for small images.

K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2: a convolution, three stages of
2n convolutions each with 16, 32 and 64 filters, and a fully connected layer: 6n + 2 layers. Without the shortcuts they are the plain
networks, which get worse when they get deeper.

variant="paper" (the default): shortcuts of option A throughout, so that ResNet and plain network have the same parameters. Blocks,
options and "paper-a", "paper-b", "paper-c" are those of resnet.py.

Images are normalised by the mean and deviation of each channel, where the paper subtracts the mean of each pixel. ResNet-110 begins
with a learning rate that rises during the first epoch, where the paper takes a tenth of it until the error is below 80 %.
"""
from functools import partial

from minicnn import functional as F, nn
from minicnn.data import transforms
from minicnn.models.classifier import Network, Recipe
from minicnn.models.resnet import BasicBlock, PlainBlock, Residual, initialise, make_stage


class CifarResNet(Residual):
    """(N, 3, 32, 32) -> scores (N, classes)."""

    input_shape = (3, 32, 32)
    recipe = Recipe(epochs=164, batch_size=128, optimizer="sgd", lr=0.1, weight_decay=1e-4, schedule="steps",
                    augmentation=(transforms.RandomShift(4), transforms.RandomFlip()))   # 64,000 steps, less at 32,000 and 48,000

    def __init__(self, block, n, num_classes=10, option="a"):
        with nn.init.skipped():   # drawn by `initialise`
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.layer1 = make_stage(block, option, 16, 16, n, stride=1)
            self.layer2 = make_stage(block, option, 16, 32, n, stride=2)
            self.layer3 = make_stage(block, option, 32, 64, n, stride=2)
        self.fc = nn.Linear(64, num_classes)
        initialise(self)
        if n >= 18:
            self.recipe = self.recipe._replace(warmup_epochs=1)

    def stem(self, x):                             # (N, 3, 32, 32)
        return F.relu(self.bn1(self.conv1(x)))     # (N, 16, 32, 32)
    # layer1                                         (N, 16, 32, 32)
    # layer2                                         (N, 32, 16, 16)
    # layer3                                         (N, 64, 8, 8)
    # head                                           (N, classes)


def build(block, layers, variant, num_classes):
    option = None if block is PlainBlock else variant[-1] if variant.startswith("paper-") else "a"
    return CifarResNet(block, (layers - 2) // 6, num_classes, option)


DEPTHS = (20, 32, 44, 56, 110)
VARIANTS = ("paper", "paper-a", "paper-b", "paper-c")
NETWORKS = {f"resnet{layers}": Network(partial(build, BasicBlock, layers), VARIANTS, 10) for layers in DEPTHS}
NETWORKS |= {f"plain{layers}": Network(partial(build, PlainBlock, layers), ("paper",), 10) for layers in DEPTHS[:4]}
