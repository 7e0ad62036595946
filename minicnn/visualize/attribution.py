"""The methods that explain by gradients, under one roof: METHODS["Grad-CAM"](objective, x) is a Tensor (N, H, W) or (N, C, H, W).

`by_pixel` makes a map of either: a number for each pixel, the larger the more the pixel has to do with the objective. So methods can be
compared: side by side, by what is left when weights are random (sanity.py), and by whether the pixels that they name are those that
the network needs (deletion_insertion.py).
"""
from minicnn.visualize import gradients
from minicnn.visualize.gradcam import gradcam, guided_gradcam
from minicnn.visualize.gradcam_plus_plus import gradcam_plus_plus
from minicnn.visualize.guided_backpropagation import guided_backpropagation
from minicnn.visualize.integrated_gradients import integrated_gradients
from minicnn.visualize.smoothgrad import smoothgrad


def _gradient(objective, x):
    return gradients.by_image(objective, x)[1]


def _integrated_gradients(objective, x):
    return integrated_gradients(objective, x).attributions.sum(1)


METHODS = {"gradient": _gradient, "SmoothGrad": smoothgrad, "integrated gradients": _integrated_gradients,
           "guided backpropagation": guided_backpropagation, "Grad-CAM": gradcam, "Grad-CAM++": gradcam_plus_plus,
           "Guided Grad-CAM": guided_gradcam}


def by_pixel(found):
    """A map (N, H, W) of what a method gives: gradients.strength of what has colour channels; the gradient becomes a saliency map."""
    return gradients.strength(found) if found.ndim == 4 else found
