"""A network in one line."""
from minicnn import models


def describe(name, model):
    """Its layers with weights, parameters, and multiply-adds for one image."""
    counted = models.summary(model)
    layers = sum(row.multiply_adds > 0 for row in counted.rows)
    return f"{name}: {layers} layers with weights, {counted.parameters:,} parameters, {counted.multiply_adds:,} multiply-adds per image"
