"""Saliency maps: how much the score of a class changes with each pixel.

K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising image classification models and saliency maps",
ICLR 2014 workshop (arXiv:1312.6034, 2013), section 3. Near an image x the score is nearly linear, S(x + d) = S(x) + w . d, and

    w = dS / dx,    M_ij = max_c |w_cij|

so M is large where the least change of a pixel changes the score most.
"""
from minicnn.visualize import gradients


def saliency(objective, x):
    """The map M of each image: Tensor (N, H, W), nowhere below 0.

    objective  an objectives.OfModel; the paper takes the score of a class, logit("banana").of(model), and not its probability, which
               also rises when the scores of other classes fall
    x          Tensor (N, C, H, W), as the network takes them
    """
    return gradients.strength(gradients.by_image(objective, x)[1])
