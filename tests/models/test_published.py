"""Weights from servers and files into networks: the whole way, from what PyTorch wrote to the scores, and all that goes wrong on it."""
import hashlib
import io
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.errors import InputError, RunError
from minicnn.models import alexnet, googlenet, imagenet, lenet, published, resnet, resnet_cifar, squeezenet, vgg, zfnet
from minicnn.models.classifier import Preprocessing
from minicnn.models.published import PUBLISHED
from minicnn.training import weights
from tests.data.mirror import Mirror, running


# The table

def test_every_network_in_torchvision_s_form_has_published_weights():
    families = (alexnet, googlenet, lenet, resnet, resnet_cifar, squeezenet, vgg, zfnet)
    torchvision_s = {name for family in families for name, network in family.NETWORKS.items() if "torchvision" in network.variants}
    assert set(PUBLISHED) == torchvision_s


@pytest.mark.parametrize("name, entry", PUBLISHED.items(), ids=PUBLISHED)
def test_entries_are_whole(name, entry):
    assert re.fullmatch(name + r"(1_1|-owt)?-[0-9a-f]{8}\.pth", entry.file)
    assert entry.checksum == "sha256:" + entry.file[-12:-4]
    assert len(entry.addresses) >= 2 and all(re.fullmatch(r"https://[^ ]+/" + entry.file, address) for address in entry.addresses)
    assert 50 < entry.top1 < 80 < entry.top5 + 1 < 96 and len({len(entry.mean), len(entry.std), 3}) == 1


def test_googlenet_s_images_are_normalised_as_its_weights_expect():
    """torchvision normalises as for the other networks, and once more in the network (transform_input)."""
    pixels = np.random.default_rng(0).random((100, 3))
    mean, std = (np.array(numbers) for numbers in (PUBLISHED["alexnet"].mean, PUBLISHED["alexnet"].std))
    twice = (pixels - mean) / std * (std / 0.5) + (mean - 0.5) / 0.5
    np.testing.assert_allclose((pixels - PUBLISHED["googlenet"].mean) / PUBLISHED["googlenet"].std, twice, atol=1e-12)


# From a server

def state_of(torch, network, seed=1):
    """A PyTorch state dict with random weights that fits a network."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(tensor.shape, generator=generator) * 0.05 if tensor.dtype == np.float32 else torch.tensor(7)
            for name, tensor in network.state_dict().items()}


def written(torch, value, form="zip"):
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=form == "zip")
    return file.getvalue()


def has(network, state):
    return all(np.array_equal(tensor.numpy(), state[name].numpy()) for name, tensor in network.state_dict().items())


@pytest.fixture(scope="module")
def state(torch):
    return state_of(torch, models.get("squeezenet", variant="torchvision"))


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """serve(contents, server, ...) publishes them as SqueezeNet's weights on these servers; returns where the file will lie."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path))

    def serve(contents, *servers):
        entry = PUBLISHED["squeezenet"]._replace(file=f"squeezenet1_1-{hashlib.sha256(contents).hexdigest()[:8]}.pth")
        monkeypatch.setitem(PUBLISHED, "squeezenet", entry)
        monkeypatch.setattr(published, "_PLACES", [server.folder for server in servers])
        return tmp_path / "weights" / entry.file
    return serve


def get(**settings):
    return models.get("squeezenet", variant="torchvision", weights="imagenet", **settings)


@pytest.mark.parametrize("form", ["zip", "older"])
def test_published_weights_are_fetched_once_and_bring_what_they_expect(torch, state, serve, form):
    contents = written(torch, state, form)
    with running(Mirror(contents)) as server:
        path = serve(contents, server)
        for _ in range(2):
            model = get()
            assert has(model, state)
            assert model.classes == imagenet.names() and len(model.classes) == 1000 and model.learned_from == "imagenet"
            assert model.preprocessing == Preprocessing((224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 256)
        assert server.ranges == [None] and path.read_bytes() == contents


def test_second_address_helps_when_the_first_is_down(torch, state, serve):
    contents = written(torch, state)
    with running(Mirror(contents)) as gone:
        pass   # it has been there
    with running(Mirror(contents)) as busy, running(Mirror(contents)) as second:
        busy.status = 503
        serve(contents, gone, busy, second)
        assert has(get(), state)
        assert len(busy.ranges) == len(second.ranges) == 1


def test_cut_connection_is_taken_up(torch, state, serve):
    contents = written(torch, state)
    with running(Mirror(contents)) as server:
        server.cut_after = 2_000_000
        serve(contents, server)
        assert has(get(), state)
        assert server.ranges == [None, "bytes=2000000-", "bytes=4000000-"]


@pytest.mark.parametrize("fault, words", [
    ({"body": b"something else"}, "sent a file with a wrong checksum"), ({"status": 404}, "answered 404"),
    ({"body": b"<!DOCTYPE html><html>"}, "sent a web page"), ({"kind": "text/html"}, "sent a web page"),
])
def test_what_does_not_arrive_is_told_and_not_kept(torch, state, serve, fault, words):
    contents = written(torch, state)
    with running(Mirror(contents)) as server:
        path = serve(contents, server)
        vars(server).update(fault)
        with pytest.raises(RunError, match=f"could not download {path.name} .*{words}.*put the file into {path.parent} yourself"):
            get()
        assert not path.exists()


def test_file_in_the_cache_that_is_damaged(torch, state, serve):
    path = serve(b"whatever")
    path.parent.mkdir()
    path.write_bytes(written(torch, state)[:1000])
    with pytest.raises(InputError, match=f"^{path} is no .pth file, or a damaged one .*if it is deleted, it is downloaded again"):
        get()


def test_published_weights_of_another_network(torch, state, serve):
    contents = written(torch, {"features.0.weight": torch.ones(1), "more": torch.ones(1)})
    with running(Mirror(contents)) as server:
        serve(contents, server)
        with pytest.raises(InputError, match="missing: features.0.bias, .*unexpected: more; .*features.0.weight is .1,. instead of"):
            get()


def test_other_numbers_of_classes_are_refused_before_anything_is_fetched(serve):
    serve(b"")
    with pytest.raises(InputError, match="weights of squeezenet tell the 1000 classes of ImageNet apart, .* does not fit 10 classes: take"):
        get(num_classes=10)


def test_networks_without_published_weights():
    with pytest.raises(InputError, match="no published weights for lenet; there are some for alexnet, googlenet, .*vgg19_bn$"):
        models.get("lenet", weights="imagenet")
    with pytest.raises(InputError, match="published weights of resnet18 are for its variant 'torchvision', not for 'paper-a'"):
        models.get("resnet18", variant="paper-a", weights="imagenet")


def test_embedded_weights_need_no_network(monkeypatch):
    monkeypatch.setattr(published, "fetch", None)
    model = models.get("squeezenet", weights="imagenet")
    assert model.classes[285] == "Egyptian cat" and model.preprocessing.size == (227, 227) and model.learned_from == "imagenet"
    with pytest.raises(InputError, match="does not fit 3 classes"):
        models.get("squeezenet", weights="imagenet", num_classes=3)


# From files

@pytest.fixture(scope="module")
def resnet18(torch):
    return state_of(torch, models.get("resnet18"), seed=2)


@pytest.mark.parametrize("form", ["zip", "older"])
@pytest.mark.parametrize("wrap", [
    lambda state: state, lambda state: {"state_dict": state, "epoch": 3}, lambda state: {"model": state},
    lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    lambda state: {"epoch": 90, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}, "optimizer": {"lr": 0.1}},
], ids=["plain", "state_dict", "model", "DataParallel", "both"])
def test_state_dicts_as_people_save_them(torch, tmp_path, form, wrap):
    state = state_of(torch, models.get("resnet20"))
    (tmp_path / "w.pth").write_bytes(written(torch, wrap(state), form))
    model = models.get("resnet20", weights=tmp_path / "w.pth")
    assert has(model, state) and model.classes is None and model.preprocessing is None


def test_large_network_from_pytorch(torch, tmp_path, resnet18):
    """Without the counters of batches, as the files of 2017 are."""
    state = {name: tensor for name, tensor in resnet18.items() if not name.endswith("num_batches_tracked")}
    (tmp_path / "resnet18.pth").write_bytes(written(torch, state, "older"))
    model = models.get("resnet18", weights=str(tmp_path / "resnet18.pth"))
    assert has(model, {name: torch.tensor(0) for name in resnet18} | state)
    state.pop("layer3.0.bn1.running_var")
    (tmp_path / "resnet18.pth").write_bytes(written(torch, state))
    with pytest.raises(InputError, match="resnet18.pth does not fit resnet18: .*missing: layer3.0.bn1.running_var$"):
        models.get("resnet18", weights=tmp_path / "resnet18.pth")


def test_googlenet_without_its_auxiliary_classifiers_takes_the_whole_state(torch, tmp_path):
    whole = models.get("googlenet", num_classes=3)
    state = state_of(torch, whole)
    (tmp_path / "w.pth").write_bytes(written(torch, state))
    assert has(models.get("googlenet", num_classes=3, weights=tmp_path / "w.pth"), state)
    assert has(models.get("googlenet", variant="torchvision-trunk", num_classes=3, weights=tmp_path / "w.pth"), state)


def test_state_dict_in_safetensors(tmp_path):
    model = models.get("resnet20")
    mc.save(model.state_dict(), tmp_path / "w.safetensors")
    loaded = models.get("resnet20", weights=tmp_path / "w.safetensors")
    assert has(loaded, model.state_dict()) and loaded.classes is None
    with pytest.raises(InputError, match="w.safetensors does not fit resnet20: .*fc.weight is .10, 64. instead of .3, 64."):
        models.get("resnet20", num_classes=3, weights=tmp_path / "w.safetensors")


@pytest.fixture
def run(tmp_path):
    """A folder as training leaves it."""
    model = models.get("resnet20", num_classes=3)
    preprocessing = Preprocessing((32, 32), (0.5,) * 3, (0.2,) * 3, 36)
    weights.save(model.remember("folder:x", "abc", preprocessing), tmp_path / weights.FILE)
    return tmp_path


def test_own_weights_bring_their_classes_and_preprocessing(run):
    for path in (run, run / weights.FILE):
        model = models.get("resnet20", num_classes=3, weights=path)
        assert model.classes == ("a", "b", "c") and model.learned_from == "folder:x"
        assert model.preprocessing == Preprocessing((32, 32), (0.5,) * 3, (0.2,) * 3, 36)


@pytest.mark.parametrize("name, settings, words", [
    ("resnet20", {}, "resnet20 .variant 'paper', 3 classes., not of resnet20 .variant 'paper', 10 classes.: ask for that network"),
    ("resnet32", {"num_classes": 3}, "resnet20 .variant 'paper', 3 classes., not of resnet32 "),
    ("resnet20", {"num_classes": 3, "variant": "paper-b"}, "resnet20 .variant 'paper', 3 classes., not of resnet20 .variant 'paper-b'"),
])
def test_own_weights_of_another_network(run, name, settings, words):
    with pytest.raises(InputError, match=f"model.safetensors holds the weights of {words}"):
        models.get(name, weights=run, **settings)


@pytest.mark.parametrize("about", ["nonsense", 3, {"name": "resnet20"},
                                   {"name": "resnet20", "variant": 3, "data": "x", "classes": ["a"],
                                    "preprocessing": {"size": 1, "mean": 1, "std": 1}},
                                   {"name": "resnet20", "variant": None, "data": "x", "classes": ["a"], "preprocessing": {"mean": [3]}},
                                   {"name": "resnet20", "variant": None, "classes": ["a"],
                                    "preprocessing": {"size": [1], "mean": [1], "std": [1]}}])
def test_weights_that_say_nonsense_of_themselves(tmp_path, about):
    from minicnn.state import safetensors

    safetensors.write(tmp_path / "w.safetensors", {"a": np.ones(1)}, minicnn=about)
    with pytest.raises(InputError, match="what .*w.safetensors says of itself makes no sense"):
        models.get("resnet20", weights=tmp_path / "w.safetensors")


@pytest.mark.parametrize("value", [[1, 2], {"epoch": 3}, {"state_dict": [1]}, 3, {"a": {"b": None}}])
def test_files_without_a_state_dict(torch, tmp_path, value):
    (tmp_path / "w.pth").write_bytes(written(torch, value))
    with pytest.raises(InputError, match="w.pth holds no state dict"):
        models.get("lenet", weights=tmp_path / "w.pth")


@pytest.mark.parametrize("name", ["imagenets", "runs/none", "weights.pth"])
def test_weights_that_are_nowhere(name):
    with pytest.raises(InputError, match=f"there are no weights '{name}': they can be 'imagenet', or the path of"):
        models.get("lenet", weights=name)


def test_folder_without_weights(tmp_path):
    with pytest.raises(InputError, match="model.safetensors does not exist"):
        models.get("lenet", weights=tmp_path)
