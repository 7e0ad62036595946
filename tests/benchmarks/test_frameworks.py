"""Who is compared, and what each of them makes of tensors and networks."""
import numpy as np
import pytest

from benchmarks import frameworks, networks
from minicnn.errors import RunError

IMAGES = np.ones((2, 3, 4, 4), np.float32)


def small(library):
    nn = library.nn
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Dropout())


def test_available_are_those_whose_packages_are_installed(monkeypatch):
    installed = set()
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", installed.__contains__)
    assert frameworks.available() == ["minicnn", "NumPy"]
    installed |= {"torch", "onnxruntime"}
    assert frameworks.available() == ["minicnn", "PyTorch", "PyTorch channels_last", "torch.compile", "NumPy", "float64"]
    assert frameworks.missing() == {"onnxruntime": "there is no package onnx: pip install -e '.[reference]'"}
    installed.add("onnx")
    assert frameworks.available() == list(frameworks.FRAMEWORKS)


def test_ours_come_first():
    assert next(iter(frameworks.FRAMEWORKS)) == frameworks.OURS


def test_pytorch_writes_over_what_relu_gets(torch):
    with frameworks.pytorch() as framework:
        _, relu, dropout = framework.network(small(framework.library))
    assert relu.inplace and not dropout.inplace


def test_channels_last_is_how_images_and_filters_lie_in_memory(torch):
    with frameworks.channels_last() as framework:
        assert framework.tensor(IMAGES).is_contiguous(memory_format=torch.channels_last)
        assert framework.tensor(np.ones((2, 3), np.float32)).is_contiguous()
        convolution, relu, _ = framework.network(small(framework.library))
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last) and relu.inplace


def test_float64_is_float64_throughout(torch):
    with frameworks.float64() as framework:
        model = framework.network(small(framework.library)).eval()
        assert framework.numpy(model(framework.tensor(IMAGES))).dtype == np.float64


def test_torch_compile_says_why_it_does_not_work(torch, monkeypatch):
    def compile(function):
        raise RuntimeError("no compiler\nand a long story")

    monkeypatch.setattr(torch, "compile", compile)
    with pytest.raises(RunError, match="^it does not work here: RuntimeError: no compiler$"), frameworks.torch_compile():
        pass


def test_torch_compile_compiles_networks(torch, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    with frameworks.torch_compile() as framework:
        model = networks.make(framework, networks.LENET)
    assert compiled[1] is model and model[1].inplace
