"""Files of safetensors: what other programs write and read, what we do, and what is neither."""
import numpy as np
import pytest
from safetensors.numpy import load_file

from minicnn.errors import InputError, RunError
from minicnn.state import safetensors

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "number": np.array(3), "empty": np.zeros((0, 2)),
          "flags": np.array([True, False])}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape


def test_what_was_written_is_read_by_us_and_by_others(path):
    safetensors.write(path, ARRAYS, minicnn={"name": "lenet"})
    same(load_file(path), ARRAYS)
    about, arrays = safetensors.read(path)
    same(arrays, ARRAYS)
    assert about == {"minicnn": '{"name": "lenet"}'}
    assert safetensors.read_about(path, "minicnn", "")[0] == {"name": "lenet"}


def test_arrays_that_lie_across(path):
    safetensors.write(path, {"t": ARRAYS["a"].T, "part": ARRAYS["a"][:, ::2]})
    same(safetensors.read(path)[1], {"t": ARRAYS["a"].T, "part": ARRAYS["a"][:, ::2]})


def test_halves_become_float32(torch, path):
    """Among others, so that a wrong place in the file would be seen."""
    from safetensors.torch import save_file

    tensors = {"a": torch.randn(5), "half": torch.randn(3, 2).half(), "b": torch.randn(2, 3).bfloat16(), "c": torch.randn(()).bfloat16(),
               "d": torch.zeros(0, 2).bfloat16(), "z": torch.arange(4)}
    save_file(tensors, path)
    found = safetensors.read(path)[1]
    same(found, {name: (tensor.float() if tensor.is_floating_point() else tensor).numpy() for name, tensor in tensors.items()})


def test_numbers_of_eight_bits_are_refused(torch, path):
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2).to(torch.float8_e4m3fn)}, path)
    with pytest.raises(InputError, match="keeps w in numbers of a kind .F8_E4M3. that minicnn does not know"):
        safetensors.read(path)


@pytest.mark.parametrize("value", [[1.0, 2.0], 3, "text", None, {"nested": ARRAYS["a"]}, np.float32(1)])
def test_only_arrays_are_written(path, value):
    with pytest.raises(InputError, match=f"'x' is a {type(value).__name__}: save model.state_dict"):
        safetensors.write(path, {"a": ARRAYS["a"], "x": value})
    assert not path.exists()


def test_folder_that_is_not_there(path):
    with pytest.raises(RunError, match="cannot be written: No such file"):
        safetensors.write(path.parent / "none" / path.name, ARRAYS)


def test_beginning_is_known(path):
    safetensors.write(path, ARRAYS)
    contents = path.read_bytes()
    assert safetensors.begins(contents[:64], len(contents))
    assert not safetensors.begins(contents[:64], 50)   # the header would reach beyond the end
    assert not safetensors.begins(b"PK\x03\x04" + bytes(60), 1000) and not safetensors.begins(b"", 0)


def test_file_of_others_has_nothing_about_us(path):
    safetensors.write(path, ARRAYS, other=1)
    with pytest.raises(InputError, match="was not written by minicnn for this purpose; so do that"):
        safetensors.read_about(path, "minicnn", "so do that")
    with pytest.raises(InputError, match="none does not exist; so do that"):
        safetensors.read_about(path.with_name("none"), "minicnn", "so do that")


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.9])
def test_cut_off(path, share):
    safetensors.write(path, ARRAYS)
    contents = path.read_bytes()
    path.write_bytes(contents[:int(share * len(contents))])
    with pytest.raises(InputError, match="model.safetensors cannot be read as a safetensors file"):
        safetensors.read(path)
