"""Guided backpropagation: the gradient by the image, but whatever is negative on its way back is cut off at each ReLU.

J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, "Striving for simplicity: the all convolutional net", ICLR 2015 workshop,
section 3.4 and Figure 1. With f = ReLU of what arrives, g the signal that comes back to it and h what goes on,

    backpropagation  h = g [f > 0]
    DeconvNet        h = g [g > 0]
    guided           h = g [f > 0] [g > 0]

What is left is where a path of units, all active and all in favour, leads up to the score. The pictures are sharp, but they are nearly the
same for each class and hardly depend on the weights of the upper layers: see sanity.py.
"""
from minicnn.visualize import gradients


def guided_backpropagation(objective, x):
    """What arrives at each image: Tensor (N, C, H, W). A picture in colour; gradients.strength makes a map of it.

    objective  an objectives.OfModel: logit("banana").of(model)
    x          Tensor (N, C, H, W), as the network takes them
    """
    return gradients.by_image(objective, x, rule="guided")[1]
