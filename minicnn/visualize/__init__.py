"""Seeing what a network sees: its features, what it reacts to, and what it would like to see. The lecture's chapter "Visualizing CNNs".

    python -m minicnn.visualize gradcam photo.jpg

Each method is a file here, with its formula and its paper, and works on any network that minicnn.models can make or that you have made
from modules. What they share:

    layers.py      the layers of a network by name, and what one of them gives
    classes.py     classes by name
    objectives.py  what of a network is looked at: logit("banana") + 0.2 * channel("fire9", 3)
    gradients.py   the gradient of that by the image, through ReLUs by one of three rules
    strongest.py   the patches, among many images, that a map answers to most; crops.py cuts photographs into such images

A network is never changed for good: after a call it is as it was before. `commands/` has what a person runs, `pictures/` what is drawn.
"""
from minicnn.visualize.objectives import channel, logit, probability, unit, whole

__all__ = ["channel", "logit", "probability", "unit", "whole"]
