"""Small networks of every kind of block, with normalisations as after training."""
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.models.resnet import BasicBlock, Bottleneck, PlainBlock, Residual, make_stage

KINDS = {"a": (BasicBlock, "a"), "b": (BasicBlock, "b"), "c": (BasicBlock, "c"), "bottleneck": (Bottleneck, "b"),
         "plain": (PlainBlock, None)}


class Small(Residual):
    """Three blocks and two at half the size; (N, 3, 8, 8) -> scores (N, 4)."""

    input_shape = (3, 8, 8)

    def __init__(self, kind):
        block, option = KINDS[kind]
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.layer1 = make_stage(block, option, 8, 8, 3, stride=1)
        self.layer2 = make_stage(block, option, 8 * block.expansion, 16, 2, stride=2)
        self.fc = nn.Linear(16 * block.expansion, 4)

    def stem(self, x):
        return self.conv1(x).relu()


@pytest.fixture
def small():
    """small(kind) -> a network in evaluation mode whose scores differ from image to image."""
    def make(kind):
        mc.manual_seed(0)
        model = Small(kind)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = 1.0   # one batch tells all
                layer.bias.copy_(0.5 * mc.randn(layer.num_features))
        model(mc.randn(64, 3, 8, 8))
        scores = model.eval()(mc.randn(64, 3, 8, 8))
        model.fc.bias.copy_(model.fc.bias - scores.mean(0))   # else one class would win everywhere
        return model
    return make
