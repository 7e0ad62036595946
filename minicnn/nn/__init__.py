"""Networks: modules, layers, and initial weights."""
from minicnn.nn import init
from minicnn.nn.containers import ModuleList, Sequential
from minicnn.nn.layers import (
    AvgPool2d, CircularPad2d, Conv2d, ConvTranspose2d, CrossEntropyLoss, Dropout, Flatten, Linear, MaxPool2d, ReLU, ReflectionPad2d,
    ReplicationPad2d, Sigmoid, Softmax, Tanh, Upsample, ZeroPad2d,
)
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter

__all__ = ["AvgPool2d", "CircularPad2d", "Conv2d", "ConvTranspose2d", "CrossEntropyLoss", "Dropout", "Flatten", "Linear", "MaxPool2d",
           "Module", "ModuleList", "Parameter", "ReLU", "ReflectionPad2d", "ReplicationPad2d", "Sequential", "Sigmoid", "Softmax", "Tanh",
           "Upsample", "ZeroPad2d", "init"]
