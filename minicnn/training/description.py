"""A network in one line."""
import numpy as np

from minicnn import Tensor, no_grad, watch


def describe(name, model):
    """Its layers with weights, parameters, and multiply-adds for one image, counted where they happen; it is put into evaluation mode."""
    count = []
    with no_grad(), watch(lambda function, inputs, output: count.append(function.multiply_adds)):
        model.eval()(Tensor(np.zeros((1, *model.input_shape), np.float32)))
    layers = sum(multiply_adds > 0 for multiply_adds in count)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return f"{name}: {layers} layers with weights, {parameters:,} parameters, {sum(count):,} multiply-adds per image"
