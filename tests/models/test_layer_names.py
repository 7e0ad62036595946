"""The papers' names of layers lead to modules of the right kind, in the right order, and none is left out."""
import re

import pytest

from minicnn import models, nn

KINDS = {"conv": nn.Conv2d, "pool": (nn.MaxPool2d, nn.AdaptiveAvgPool2d), "fc": nn.Linear}


@pytest.mark.parametrize("name", ["alexnet", "squeezenet", "vgg11", "vgg11_lrn", "vgg13", "vgg16", "vgg16_1x1", "vgg16_bn", "vgg19"])
def test_names_lead_to_modules(name, monkeypatch):
    for draw in ("normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_", "xavier_uniform_"):
        monkeypatch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor, raising=False)   # the values do not matter, and take long
    model = models.get(name)
    modules = dict(model.named_modules())
    found = [modules[path] for path in model.layer_names.values()]
    for paper, module in zip(model.layer_names, found):
        kind = re.match("[a-z]+", paper)[0]
        assert isinstance(module, KINDS[kind]) if kind in KINDS else type(module).__name__ == kind.capitalize(), paper
    order = list(modules.values())
    places = [next(place for place, one in enumerate(order) if one is module) for module in found]
    assert places == sorted(places) and len(set(places)) == len(places)
    inside = {id(part) for module in found for part in module.modules()}
    assert all(id(module) in inside for module in order if isinstance(module, (nn.Conv2d, nn.Linear, nn.MaxPool2d)))


def test_names_that_people_know():
    vgg16 = models.get("vgg16").layer_names
    assert list(vgg16)[:4] == ["conv1_1", "conv1_2", "pool1", "conv2_1"]
    assert vgg16["conv5_3"] == "features.28" and vgg16["fc8"] == "classifier.6"
    assert models.get("alexnet").layer_names["conv5"] == "features.10"
    assert models.get("squeezenet").layer_names["fire9"] == "features.12"
