"""The file with a trained network: what was saved is what is loaded, and anything else gets a sentence."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models
from minicnn.errors import InputError
from minicnn.training import weights


@pytest.fixture(params=["modern", "paper", None])
def trained(request):
    model = models.get("lenet", variant=request.param)
    return model.remember("mnist", "0123456789", model.preprocessing_for((0.1307,), (0.3081,)))


def test_what_was_saved_is_loaded(tmp_path, trained):
    weights.save(trained, tmp_path / weights.FILE)
    for path in tmp_path, tmp_path / weights.FILE, str(tmp_path):
        state = mc.random.get_state()
        loaded = weights.load(path)
        assert mc.random.get_state() == state   # none are drawn where these come
        for what in "name", "variant", "num_classes", "learned_from", "classes", "preprocessing":
            assert getattr(loaded, what) == getattr(trained, what) is not None
        x = mc.rand(2, *trained.input_shape)
        np.testing.assert_array_equal(loaded(x).detach().numpy(), trained(x).detach().numpy())


def test_number_of_classes_is_that_of_the_names(tmp_path):
    model = models.get("lenet", num_classes=3)
    weights.save(model.remember("mnist", "abc", model.preprocessing_for((0,), (1,))), tmp_path / "model")
    assert weights.load(tmp_path / "model").fc3.weight.shape == (3, 84)


def test_run_that_did_not_get_to_its_end(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="model.safetensors does not exist; this run did not get to its end; "
                                         f"go on with: python -m minicnn.train --resume {tmp_path}"):
        weights.load(tmp_path)


def test_what_is_no_run(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for path, words in ((tmp_path, "model.safetensors does not exist"), (tmp_path / "none", "none does not exist"),
                        (tmp_path / "notes.txt", "notes.txt cannot be read as a safetensors file")):
        with pytest.raises(InputError, match=f"{words}.*name the folder of a run"):
            weights.load(path)
