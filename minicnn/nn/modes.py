"""A network as it is looked at: in evaluation mode, and with weights that nobody learns. Afterwards it is as it was."""
import contextlib


@contextlib.contextmanager
def evaluating(model):
    """Inside the `with`, the network is in evaluation mode; afterwards each of its modules is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield model.eval()
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def frozen(model):
    """Inside the `with`, no parameter learns: gradients go through the network to its input, and none of weights are computed."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad = False
    try:
        yield model
    finally:
        for parameter in learning:
            parameter.requires_grad = True
