"""Grad-CAM++: Grad-CAM with weights by which each of several things of a class counts, however small it is.

A. Chattopadhay, A. Sarkar, P. Howlader, V. N. Balasubramanian, "Grad-CAM++: generalized gradient-based visual explanations for deep
convolutional networks", WACV 2018, section 3. In Grad-CAM a map that finds the thing in many places outweighs one that finds it in few.
Here positions are weighted so that each map would count alike (Equations 5, 10 and 11), with Y a function of the score S:

    w_k     = sum over ij of alpha^k_ij ReLU(dY / dA^k_ij)
    alpha^k = d2Y/dA2 / (2 d2Y/dA2 + sum over ab of A^k_ab d3Y/dA3)         all three at ij
    L       = ReLU(sum over k of w_k A^k)

They take Y = exp(S). Above the last convolution a network of ReLUs is linear in pieces, so S has no higher derivatives, and with
g = dS/dA the n-th derivative of Y is exp(S) g^n (Equations 16 to 19). Then exp(S) cancels, and so does g^2:

    alpha^k_ij = g^2 / (2 g^2 + g^3 sum A^k) = 1 / (2 + g sum A^k)          where g is not 0; there it is 0

In w_k the factor exp(S) is left out: it makes all of L larger, and L is about places.
"""
from minicnn import functional as F
from minicnn.errors import InputError
from minicnn.visualize import gradients
from minicnn.visualize.gradcam import enlarged, layer_of


def gradcam_plus_plus(objective, x, layer=None):
    """The map L of each image, enlarged to it: Tensor (N, H, W), nowhere below 0; 0 everywhere if nothing speaks for the class.

    objective  an objectives.OfModel: the score of a class, logit("banana").of(model); of a probability the formulas do not hold
    x          Tensor (N, C, H, W), as the network takes them
    layer      the name of a layer that has maps, after ReLU in the paper; None: the last convolutional one, see gradcam.layer_of
    """
    maps, gradient = gradients.by_layer(objective, x, layer_of(objective, x, layer))
    return enlarged((weights(maps, gradient) * maps).sum(1), x)


def weights(maps, gradient):
    """The w_k / exp(S) of maps (N, C, H, W), of which dS/dA is the gradient: Tensor (N, C, 1, 1).

    alpha is needed only where g is positive. After ReLU its denominator is at least 2 there; InputError if negative maps make it 0.
    """
    positive = F.relu(gradient)
    denominators = 2 + positive * maps.sum((2, 3), keepdim=True)
    if (-denominators).max().item() >= 0:
        raise InputError("the weights of Grad-CAM++ have no meaning for maps as negative as these: choose a layer that ends with ReLU")
    return (positive / denominators).sum((2, 3), keepdim=True)
