"""Things asked for by name."""
import pytest

from minicnn.errors import InputError
from minicnn.registry import Registry


def test_registry():
    models = Registry("model")

    @models.register("lenet")
    def lenet():
        return "LeNet"
    models.register("alexnet")(str)

    assert models.get("lenet") is lenet and models.names() == ["alexnet", "lenet"]
    with pytest.raises(InputError, match="there is no model called 'lenett': did you mean 'lenet'. Known: alexnet, lenet."):
        models.get("lenett")
    with pytest.raises(InputError, match="there is no model called 'xyz': Known: alexnet, lenet."):
        models.get("xyz")
    with pytest.raises(ValueError, match="there is a model called 'lenet' already"):
        models.register("lenet")(str)
