from minicnn import models
from minicnn.training.description import describe


def test_multiply_adds_are_those_of_the_layers():
    convolutions = 6 * 25 * 28 * 28 + 16 * 150 * 10 * 10
    connected = 400 * 120 + 120 * 84 + 84 * 10
    assert describe("lenet", models.get("lenet")) == (
        f"lenet: 5 layers with weights, 61,706 parameters, {convolutions + connected:,} multiply-adds per image")
