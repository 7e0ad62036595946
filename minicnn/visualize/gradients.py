"""The gradient of an objective by the image: what many methods begin with. No gradient of a weight is computed on the way."""
from minicnn.autograd import grad
from minicnn.errors import InputError
from minicnn.functional import relu_rule
from minicnn.nn import frozen
from minicnn.tensor import Tensor
from minicnn.visualize import layers


def by_image(objective, x, rule="backprop"):
    """The value of an objective for images, and its gradient by them: Tensors (N,) and (N, C, H, W).

    objective  an objectives.OfModel: minicnn.visualize.logit("banana").of(model)
    x          Tensor (N, C, H, W), as the network takes them
    rule       what goes back through ReLU: minicnn.functional.relu_rule
    """
    with frozen(objective.model), relu_rule(rule):
        leaf = Tensor(x.settle(), requires_grad=True)
        value = objective(leaf)
        gradient, = grad(value.sum(), [leaf])
    return value.detach(), gradient


def by_layer(objective, x, layer):
    """What a layer gives for images, and the gradient of an objective by it: two Tensors of one shape, (N, C, H, W) or (N, K).

    layer  a layers.Layer that the objective depends on, or InputError
    """
    if layer.place > max(above.place for above in objective.layers):
        raise InputError(f"layer {layer.name!r} comes after what is asked about, {objective.layers[-1].name!r}: choose one before that")
    with frozen(objective.model):
        leaf = Tensor(x.settle(), requires_grad=True)
        output, *others = layers.outputs(objective.model, leaf, [layer, *objective.layers])
        value = objective.value(dict(zip(objective.layers, others)))
        gradient, = grad(value.sum(), [output])
    return output.detach(), gradient


def strength(gradient):
    """The absolute value, the largest of the colour channels: (N, C, H, W) -> (N, H, W). Simonyan et al. (2013), section 3.1."""
    return gradient.abs().amax(1)
