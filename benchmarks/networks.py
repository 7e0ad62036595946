"""The lecture's networks, written as users write them: build(library) makes one of minicnn's layers, or PyTorch's, or benchmarks.graph's.

Their forms are those of torchvision, so that layers are the ones for which people know figures:

    LeNet             LeCun et al., 1998, with ReLU and maximum pooling
    AlexNet           Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (2014)
    VGG-16            Simonyan & Zisserman, ICLR 2015, configuration D
    GoogLeNet         Szegedy et al., CVPR 2015, with batch normalisation, 3x3 in place of 5x5, without the auxiliary classifiers
    ResNet-18, -50    He et al., CVPR 2016; the stride of a bottleneck is in its 3x3 convolution
    CIFAR ResNet-20   the same, section 4.2, with projections as shortcuts where the size changes (option B)
    SqueezeNet        Iandola et al., 2016, as its authors published it afterwards, version 1.1
"""
from typing import Callable, NamedTuple

import numpy as np

from benchmarks.arrays import random_array
from benchmarks.graph import Graph


def lenet(library):
    nn = library.nn
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def alexnet(library):
    nn = library.nn
    return nn.Sequential(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
                         nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
                         nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
                         nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
                         nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
                         nn.AdaptiveAvgPool2d(6), nn.Flatten(),
                         nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(),
                         nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


def vgg16(library):
    nn = library.nn
    layers, channels = [], 3
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(),
                         nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(),
                         nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000))


def googlenet(library):
    nn = library.nn

    def convolution(channels, filters, kernel_size, stride=1, padding=0):
        return nn.Sequential(nn.Conv2d(channels, filters, kernel_size, stride, padding, bias=False), nn.BatchNorm2d(filters, eps=0.001),
                             nn.ReLU())

    class Inception(nn.Module):
        def __init__(self, channels, one, reduce3, three, reduce5, five, pooled):
            super().__init__()
            self.branch1 = convolution(channels, one, 1)
            self.branch2 = nn.Sequential(convolution(channels, reduce3, 1), convolution(reduce3, three, 3, padding=1))
            self.branch3 = nn.Sequential(convolution(channels, reduce5, 1), convolution(reduce5, five, 3, padding=1))
            self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), convolution(channels, pooled, 1))

        def forward(self, x):
            return library.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)

    return nn.Sequential(convolution(3, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, ceil_mode=True),
                         convolution(64, 64, 1), convolution(64, 192, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True),
                         Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64),
                         nn.MaxPool2d(3, 2, ceil_mode=True),
                         Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64),
                         Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64),
                         Inception(528, 256, 160, 320, 32, 128, 128), nn.MaxPool2d(2, 2, ceil_mode=True),
                         Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 1000))


def _shortcut(nn, channels, filters, stride):
    """The identity where shapes agree (None), else a projection."""
    if stride == 1 and channels == filters:
        return None
    return nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))


def _basic_block(nn):
    class BasicBlock(nn.Module):
        def __init__(self, channels, filters, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.relu = nn.ReLU()
            self.downsample = _shortcut(nn, channels, filters, stride)

        def forward(self, x):
            identity = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            return self.relu(out + identity)

    return BasicBlock


def _bottleneck(nn):
    class Bottleneck(nn.Module):
        def __init__(self, channels, filters, stride):
            super().__init__()
            width = filters // 4
            self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, filters, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(filters)
            self.relu = nn.ReLU()
            self.downsample = _shortcut(nn, channels, filters, stride)

        def forward(self, x):
            identity = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.relu(self.bn2(self.conv2(out)))
            out = self.bn3(self.conv3(out))
            return self.relu(out + identity)

    return Bottleneck


def _stages(nn, block, channels, stages):
    """The blocks of stages, each a pair (filters, how many blocks); from the second stage on, the first block halves the image."""
    blocks = []
    for stage, (filters, count) in enumerate(stages):
        for number in range(count):
            blocks.append(block(channels, filters, stride=2 if stage > 0 and number == 0 else 1))
            channels = filters
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _resnet(nn, block, stages):
    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU()
            self.maxpool = nn.MaxPool2d(3, 2, padding=1)
            self.stages = _stages(nn, block, 64, stages)
            self.fc = nn.Linear(stages[-1][0], 1000)

        def forward(self, x):
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            return self.fc(self.stages(x))

    return ResNet()


def resnet18(library):
    return _resnet(library.nn, _basic_block(library.nn), ((64, 2), (128, 2), (256, 2), (512, 2)))


def resnet50(library):
    return _resnet(library.nn, _bottleneck(library.nn), ((256, 3), (512, 4), (1024, 6), (2048, 3)))


def cifar_resnet20(library):
    nn = library.nn

    class ResNet20(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.relu = nn.ReLU()
            self.stages = _stages(nn, _basic_block(nn), 16, ((16, 3), (32, 3), (64, 3)))
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            return self.fc(self.stages(self.relu(self.bn1(self.conv1(x)))))

    return ResNet20()


def squeezenet(library):
    nn = library.nn

    def convolution(channels, filters, kernel_size, stride=1, padding=0):
        return nn.Sequential(nn.Conv2d(channels, filters, kernel_size, stride, padding), nn.ReLU())

    class Fire(nn.Module):
        def __init__(self, channels, squeezed, expanded):
            super().__init__()
            self.squeeze = convolution(channels, squeezed, 1)
            self.expand1x1 = convolution(squeezed, expanded, 1)
            self.expand3x3 = convolution(squeezed, expanded, 3, padding=1)

        def forward(self, x):
            x = self.squeeze(x)
            return library.cat([self.expand1x1(x), self.expand3x3(x)], 1)

    features = nn.Sequential(convolution(3, 64, 3, stride=2), nn.MaxPool2d(3, 2, ceil_mode=True),
                             Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True),
                             Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True),
                             Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))
    return nn.Sequential(features, nn.Dropout(), convolution(512, 1000, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Network(NamedTuple):
    name: str
    build: Callable       # build(library) -> the network
    input_shape: tuple    # (C, H, W)
    classes: int = 1000

    def graph(self, batch=1):
        """Its layers, for a batch of images, as a Graph."""
        from benchmarks import graph

        return Graph(self.build(graph), (batch, *self.input_shape))


LENET = Network("LeNet", lenet, (1, 28, 28), classes=10)
ALEXNET = Network("AlexNet", alexnet, (3, 224, 224))
VGG16 = Network("VGG-16", vgg16, (3, 224, 224))
GOOGLENET = Network("GoogLeNet", googlenet, (3, 224, 224))
RESNET18 = Network("ResNet-18", resnet18, (3, 224, 224))
RESNET50 = Network("ResNet-50", resnet50, (3, 224, 224))
CIFAR_RESNET20 = Network("CIFAR ResNet-20", cifar_resnet20, (3, 32, 32), classes=10)
SQUEEZENET = Network("SqueezeNet", squeezenet, (3, 224, 224))
ALL = {network.name: network for network in (LENET, ALEXNET, VGG16, GOOGLENET, RESNET18, RESNET50, CIFAR_RESNET20, SQUEEZENET)}


def make(framework, network):
    """The network in a framework, with the weights that it has in all of them."""
    model = network.build(framework.library)
    state = model.state_dict()
    model.load_state_dict({name: framework.library.tensor(_initial(name, tuple(tensor.shape))) if len(tensor.shape) else tensor
                           for name, tensor in state.items()})
    return framework.network(model)


def _initial(name, shape):
    """Weights after He et al. (ICCV 2015), biases around 0; batch normalisation that takes a little off, so that the sums at the
    ends of a ResNet's blocks grow moderately, with running statistics that are not the batch's own."""
    values = random_array(*shape, number=name)
    if len(shape) > 1:
        return values * np.float32((2 * shape[0] / values.size) ** 0.5)
    if name.endswith("running_var"):
        return np.exp(np.float32(0.2) * values)
    return np.float32(0.1) * values + np.float32(0.9 if name.endswith("weight") else 0)
