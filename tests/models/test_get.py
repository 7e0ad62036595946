"""models.get: a network by its name, in the form that is asked for."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.errors import InputError
from tests.models.comparison import build, images


def shapes(network):
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def test_names():
    assert models.names() == sorted(models.names())
    assert {"alexnet", "googlenet", "lenet", "plain18", "plain20", "plain56", "resnet110", "resnet152", "resnet18", "resnet20", "vgg11_lrn",
            "vgg16", "vgg16_1x1", "vgg19_bn", "zfnet"} <= set(models.names())


def test_networks_know_their_name_and_variant():
    for wish, variant in ("torchvision", "torchvision"), ("paper", "paper"), (None, "torchvision"):
        network = build("resnet18", variant=wish)
        assert (network.name, network.variant) == ("resnet18", variant)
    assert build("resnet20").variant == "paper" and build("lenet").variant == "modern" and build("zfnet").variant == "paper"


@pytest.mark.parametrize("name, variant, last", [
    ("alexnet", None, ["classifier.6"]), ("alexnet", "paper", ["fc8"]), ("zfnet", None, ["fc8"]), ("vgg11_bn", None, ["classifier.6"]),
    ("vgg16_1x1", None, ["classifier.6"]), ("googlenet", None, ["fc", "aux1.fc2", "aux2.fc2"]), ("googlenet", "paper-trunk", ["fc"]),
    ("resnet18", None, ["fc"]), ("resnet50", "paper", ["fc"]), ("plain34", None, ["fc"]), ("resnet20", None, ["fc"]),
    ("lenet", None, ["fc3"])])
def test_the_number_of_classes_changes_the_last_layers_only(name, variant, last):
    usual, small = shapes(build(name, variant=variant)), shapes(build(name, variant=variant, num_classes=7))
    changed = {key for key in usual if usual[key] != small[key]}
    assert usual.keys() == small.keys() and changed == {f"{layer}.{kind}" for layer in last for kind in ("weight", "bias")}
    assert all(small[key] == (7, *usual[key][1:]) for key in changed)


@pytest.mark.parametrize("name", [name for name in models.names() if name != "lenet"])
def test_every_variant_has_as_many_scores_as_classes(name):
    for variant in variants(name):
        network = build(name, variant=variant, num_classes=3)
        assert (network.name, network.variant) == (name, variant)
        last = [tensor for key, tensor in network.named_parameters() if key.endswith("bias")][-1]
        assert last.shape == (3,)


def variants(name):
    """What the error message says there is."""
    with pytest.raises(InputError) as caught:
        build(name, variant="?")
    return str(caught.value).partition("it has ")[2].replace(" and ", ", ").replace("'", "").split(", ")


@pytest.mark.parametrize("name", ["lenet", "resnet20", "resnet18"])
def test_networks_of_one_seed_are_equal(name):
    def weights(seed):
        mc.manual_seed(seed)
        return np.concatenate([parameter.array.ravel() for parameter in models.get(name).parameters() if parameter.ndim > 1])

    assert np.array_equal(weights(3), weights(3)) and (weights(3) != weights(4)).all()


def test_no_weights_are_drawn_where_others_come(tmp_path):
    """Every number comes from the file, and none from the generator."""
    mc.manual_seed(0)
    first = models.get("resnet20")
    mc.save(first.state_dict(), tmp_path / "weights.safetensors")
    state = mc.random.get_state()
    second = models.get("resnet20", weights=tmp_path / "weights.safetensors")
    assert mc.random.get_state() == state
    assert all(np.array_equal(tensor.numpy(), second.state_dict()[name].numpy()) for name, tensor in first.state_dict().items())
    assert models.get("resnet20").conv1.weight.array.any()


def test_scores_are_cross_entropy_s():
    network = build("resnet20", num_classes=3)
    scores = mc.tensor(images(4, 3))
    assert network.loss(scores, mc.tensor([0, 1, 2, 0])).item() == mc.functional.cross_entropy(scores, mc.tensor([0, 1, 2, 0])).item()
    assert network.main_scores(scores) is scores
    assert network.classes is None and network.preprocessing is None


def test_preprocessing_has_the_network_s_size():
    assert build("resnet18").preprocessing_for((0.4, 0.5, 0.6), (0.2, 0.2, 0.2)) == ((224, 224), (0.4, 0.5, 0.6), (0.2, 0.2, 0.2), 256)
    assert build("resnet20").preprocessing_for((0.4, 0.5, 0.6), (0.2, 0.2, 0.2)) == ((32, 32), (0.4, 0.5, 0.6), (0.2, 0.2, 0.2), None)


def test_wrong_wishes_get_a_sentence():
    for name, nearest in ("resnet51", "resnet5"), ("vgg-16", "vgg16"), ("AlexNet", "alexnet"), ("zfnett", "zfnet"):
        with pytest.raises(InputError, match=f"no model called '{name}': did you mean '{nearest}"):
            models.get(name)
    with pytest.raises(InputError, match=r"no model called 'transformer': Known: alexnet, .*zfnet\.$"):
        models.get("transformer")
    with pytest.raises(InputError, match="^resnet18 has no variant 'papre'; "
                                         "it has 'torchvision', 'paper', 'paper-a', 'paper-b' and 'paper-c'$"):
        models.get("resnet18", variant="papre")
    with pytest.raises(InputError, match="^zfnet has no variant 'torchvision'; it has 'paper'$"):
        models.get("zfnet", variant="torchvision")
    for classes in 0, -1:
        with pytest.raises(InputError, match=f"resnet20 cannot have {classes} classes: choose 1 or more"):
            models.get("resnet20", num_classes=classes)
