"""Classes by name, by number, and what is said of those that are not there."""
import numpy as np
import pytest

from minicnn import models, nn
from minicnn.errors import InputError
from minicnn.models import imagenet
from minicnn.visualize import classes


def lenet(*names):
    return models.get("lenet", num_classes=len(names)).remember("shapes", names, None)


@pytest.mark.parametrize("wanted, expected", [
    ("banana", "banana"), ("BANANA", "banana"), ("Egyptian cat", "Egyptian cat"), ("egyptian cat", "Egyptian cat"),
    ("n07753592", "banana"), (954, "banana"), ("954", "banana"), (np.int64(954), "banana"), ("tabby cat", "tabby")])
def test_ways_to_name_a_class_of_imagenet(squeezenet, wanted, expected):
    number = classes.find(squeezenet, wanted)
    assert classes.name(squeezenet, number) == expected == imagenet.names()[number]


@pytest.mark.parametrize("wanted, sentence", [
    ("bananna", "ImageNet has no class 'bananna': did you mean 'banana'"),
    ("Egyptian", "ImageNet has no class 'Egyptian': did you mean 'Egyptian cat'"),
    ("qqqqq", "ImageNet has no class 'qqqqq': minicnn.models.imagenet.names() lists all"),
    ("domestic cat", "'domestic cat' is 5 of ImageNet's classes: choose "),
    ("dog", " or one of "), (1000, "there is no class 1000: the network tells 1000 classes apart, 0 to 999"), (-1, "there is no class -1")])
def test_classes_that_imagenet_has_not(squeezenet, wanted, sentence):
    with pytest.raises(InputError) as problem:
        classes.find(squeezenet, wanted)
    assert sentence in str(problem.value)


def test_kinds_are_named_and_the_others_counted(squeezenet):
    with pytest.raises(InputError) as problem:
        classes.find(squeezenet, "dog")
    kinds = [imagenet.names()[place] for place in imagenet.descendants("dog")]
    assert str(problem.value) == (f"'dog' is {len(kinds)} of ImageNet's classes: choose " + " or ".join(map(repr, kinds[:5])) +
                                  f", or one of {len(kinds) - 5} others")


def test_classes_of_a_network_of_one_s_own():
    model = lenet("Circle", "square", "three corners")
    assert [classes.find(model, name) for name in ("circle", "SQUARE", "three corners", 2, "1")] == [0, 1, 2, 2, 1]
    assert [classes.name(model, number) for number in range(3)] == ["Circle", "square", "three corners"]
    for wanted, sentence in [("squares", "the network knows no class 'squares': did you mean 'square'?"),
                             ("corner", "the network knows no class 'corner': did you mean 'three corners'?"),
                             ("xyz", "the network knows no class 'xyz': Circle, square, three corners"),
                             (3, "there is no class 3: the network tells 3 classes apart, 0 to 2")]:
        with pytest.raises(InputError) as problem:
            classes.find(model, wanted)
        assert str(problem.value) == sentence


def test_names_that_are_numbers_go_before_places_but_integers_are_places():
    model = lenet("3", "1", "0")
    assert [classes.find(model, wanted) for wanted in ("3", "1", "0", "2")] == [0, 1, 2, 2]
    assert [classes.find(model, wanted) for wanted in (0, 1, 2)] == [0, 1, 2]


def test_networks_that_have_never_been_told():
    model = models.get("lenet")
    assert classes.find(model, 9) == classes.find(model, "9") == 9 and classes.name(model, 9) == "9"
    with pytest.raises(InputError, match="there is no class 10: the network tells 10 classes apart, 0 to 9"):
        classes.find(model, 10)
    with pytest.raises(InputError, match="there is no class banana: the network tells 10"):
        classes.find(model, "banana")
    own = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    assert classes.find(own, 2, count=3) == 2 and classes.name(own, 2) == "2"
    with pytest.raises(InputError, match="tells 3 classes apart"):
        classes.find(own, 3, count=3)
