"""Grad-CAM: which places of a layer's maps speak for a class; and Guided Grad-CAM.

R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh, D. Batra, "Grad-CAM: visual explanations from deep networks via
gradient-based localization", ICCV 2017, section 3. With A^k the maps of a layer, H x W pixels, and S the score of a class,

    a_k = 1 / (H W) * sum over ij of dS / dA^k_ij           what map k is worth (Equation 1)
    L   = ReLU(sum over k of a_k A^k)                       where maps that speak for the class are active (Equation 2)

As coarse as the layer's maps, L is then enlarged to the image. Multiplied by what guided backpropagation gives, it is Guided Grad-CAM:
fine as the one, and about the class as the other (section 3.1).
"""
from minicnn import functional as F
from minicnn.visualize import gradients, layers
from minicnn.visualize.guided_backpropagation import guided_backpropagation


def gradcam(objective, x, layer=None):
    """The map L of each image, enlarged to it: Tensor (N, H, W), nowhere below 0; 0 everywhere if nothing speaks for the class.

    objective  an objectives.OfModel; the paper takes the score of a class: logit("banana").of(model)
    x          Tensor (N, C, H, W), as the network takes them
    layer      a layers.Layer that has maps, or its name; None: the last convolutional one, see layer_of
    """
    maps, gradient = gradients.by_layer(objective, x, layer_of(objective, x, layer))
    return enlarged((gradient.mean((2, 3), keepdim=True) * maps).sum(1), x)


def guided_gradcam(objective, x, layer=None):
    """Guided backpropagation where Grad-CAM is: Tensor (N, C, H, W), a picture in colour. Arguments as of gradcam."""
    return guided_backpropagation(objective, x) * gradcam(objective, x, layer).unsqueeze(1)


def layer_of(objective, x, name=None):
    """The Layer of this name, which must have maps; None: the last one whose maps are not those of the classes already, before they are
    pooled: "fire9" of SqueezeNet, "conv5_3" of VGG, the last block of a ResNet. InputError if there is none."""
    if isinstance(name, layers.Layer):
        return name
    known = objective.known   # from images of another size there may come no maps, or other ones
    if x.shape[1:] != known.input_shape:
        known = layers.Listing(objective.model, x.shape[1:])
    return known.last_with_maps(pooled=False) if name is None else known.find(name, maps=True)


def enlarged(maps, x):
    """What of maps (N, H, W) is positive, in the size of the images x."""
    return F.interpolate(F.relu(maps).unsqueeze(1), x.shape[2:], mode="bilinear").squeeze(1)
