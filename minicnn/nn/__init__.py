"""Networks: modules, layers, and initial weights."""
from minicnn.nn import init
from minicnn.nn.containers import ModuleList, Sequential
from minicnn.nn.layers import (
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Conv2d, CrossEntropyLoss, Dropout, Flatten, LeakyReLU, Linear, MaxPool2d,
    ReLU, Sigmoid, Softmax, Tanh,
)
from minicnn.nn.module import Module
from minicnn.nn.normalization import BatchNorm1d, BatchNorm2d, LocalResponseNorm
from minicnn.nn.parameter import Parameter

__all__ = ["AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv2d", "CrossEntropyLoss",
           "Dropout", "Flatten", "LeakyReLU", "Linear", "LocalResponseNorm", "MaxPool2d", "Module", "ModuleList", "Parameter",
           "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh", "init"]
