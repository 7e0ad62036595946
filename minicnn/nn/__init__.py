"""Networks: modules, layers, and initial weights."""
from minicnn.nn import init
from minicnn.nn.containers import ModuleList, Sequential
from minicnn.nn.layers import (
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, CircularPad2d, Conv2d, ConvTranspose2d, CrossEntropyLoss, Dropout, Flatten,
    LeakyReLU, Linear, MaxPool2d, ReLU, ReflectionPad2d, ReplicationPad2d, Sigmoid, Softmax, Tanh, Upsample, ZeroPad2d,
)
from minicnn.nn.modes import evaluating, frozen
from minicnn.nn.module import Module
from minicnn.nn.normalization import BatchNorm1d, BatchNorm2d, LocalResponseNorm
from minicnn.nn.parameter import Parameter

__all__ = ["AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "CircularPad2d", "Conv2d",
           "ConvTranspose2d", "CrossEntropyLoss", "Dropout", "Flatten", "LeakyReLU", "Linear", "LocalResponseNorm",
           "MaxPool2d", "Module", "ModuleList", "Parameter", "ReLU", "ReflectionPad2d", "ReplicationPad2d", "Sequential",
           "Sigmoid", "Softmax", "Tanh", "Upsample", "ZeroPad2d", "evaluating", "frozen", "init"]
