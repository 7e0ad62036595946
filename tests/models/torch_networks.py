"""The networks once more, in PyTorch, for comparison. Parameters have the names that torchvision's published weights have.

    network = make("resnet50")      without memory for its parameters, until a state is assigned to it
"""
import torch
from torch import nn

VGG_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
RESNET_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def make(name):
    with torch.device("meta"):
        if name == "alexnet":
            return AlexNet()
        if name == "googlenet":
            return GoogLeNet()
        if name.startswith("resnet"):
            return ResNet(int(name[6:]))
        return VGG(VGG_STAGES[int(name[3:5])], name.endswith("_bn"))


class AlexNet(nn.Sequential):
    def __init__(self):
        relu, pool = nn.ReLU(), nn.MaxPool2d(3, 2)
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), relu, pool, nn.Conv2d(64, 192, 5, 1, 2), relu, pool,
            nn.Conv2d(192, 384, 3, 1, 1), relu, nn.Conv2d(384, 256, 3, 1, 1), relu, nn.Conv2d(256, 256, 3, 1, 1), relu, pool)
        self.flat = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(9216, 4096), relu, nn.Dropout(), nn.Linear(4096, 4096), relu, nn.Linear(4096, 1000))


class VGG(nn.Sequential):
    def __init__(self, stages, batch_norm):
        super().__init__()
        layers, channels = [], 3
        for filters, count in zip((64, 128, 256, 512, 512), stages):
            for _ in range(count):
                layers += [nn.Conv2d(channels, filters, 3, 1, 1), *[nn.BatchNorm2d(filters)] * batch_norm, nn.ReLU()]
                channels = filters
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.flat = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000))


class Unit(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels, filters, size, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, stride, size // 2, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=1e-3)
        self.relu = nn.ReLU()


class Inception(nn.Module):
    def __init__(self, channels, a, b0, b, c0, c, d):
        super().__init__()
        self.branch1 = Unit(channels, a, 1)
        self.branch2 = nn.Sequential(Unit(channels, b0, 1), Unit(b0, b, 3))
        self.branch3 = nn.Sequential(Unit(channels, c0, 1), Unit(c0, c, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), Unit(channels, d, 1))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.children()], 1)


class Auxiliary(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.fc1, self.fc2 = Unit(channels, 128, 1), nn.Linear(2048, 1024), nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.conv(nn.functional.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.fc2(self.fc1(x).relu())


class GoogLeNet(nn.Module):
    """Without dropout."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = Unit(3, 64, 7, 2), Unit(64, 64, 1), Unit(64, 192, 3)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1, self.aux2, self.fc = Auxiliary(512), Auxiliary(528), nn.Linear(1024, 1000)

    def forward(self, x):
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        x = pool(self.conv3(self.conv2(pool(self.conv1(x)))))
        at_4a = self.inception4a(pool(self.inception3b(self.inception3a(x))))
        at_4d = self.inception4d(self.inception4c(self.inception4b(at_4a)))
        x = nn.functional.max_pool2d(self.inception4e(at_4d), 2, 2)
        x = self.fc(self.inception5b(self.inception5a(x)).mean((2, 3)))
        return (x, self.aux1(at_4a), self.aux2(at_4d)) if self.training else x


class Block(nn.Module):
    """A basic block, or a bottleneck where width is four times less than filters; always with the stride in a 3 x 3 convolution."""

    def __init__(self, channels, width, filters, stride):
        super().__init__()
        shapes = [(channels, width, 3, stride), (width, width, 3, 1)]
        if filters != width:
            shapes = [(channels, width, 1, 1), (width, width, 3, stride), (width, filters, 1, 1)]
        self.count = len(shapes)
        for number, (before, after, size, step) in enumerate(shapes, 1):
            setattr(self, f"conv{number}", nn.Conv2d(before, after, size, step, size // 2, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm2d(after))
        if stride != 1 or channels != filters:
            self.downsample = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = y.relu() if number < self.count else y
        return (y + self.downsample(x)).relu()


class ResNet(nn.Sequential):
    def __init__(self, layers):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        channels = 64
        for number, count in enumerate(RESNET_STAGES[layers]):
            width = 64 * 2 ** number
            filters = 4 * width if layers >= 50 else width
            blocks = [Block(channels if i == 0 else filters, width, filters, 2 if i == 0 and number else 1) for i in range(count)]
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
            channels = filters
        self.avgpool, self.flat = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.fc = nn.Linear(channels, 1000)
