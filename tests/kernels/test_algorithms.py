"""Which algorithm a convolution takes."""
import numpy as np
import pytest

from kernels import cpu
from kernels.cpu import winograd
from kernels.geometry import output_shape

FLOAT32 = np.dtype(np.float32)


def chosen(x, weight, stride=1, padding=0, groups=1, dtype=FLOAT32, **settings):
    geometry = (stride, stride), (padding, padding), (1, 1)
    y = x[0], weight[0], *output_shape(x[2:], weight[2:], *geometry)
    return cpu.algorithm_of(x, weight, y, *geometry, groups, np.dtype(dtype), **settings)


@pytest.mark.parametrize("x, weight, settings, name", [
    ((64, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}, "direct"),
    ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}, "direct"),
    ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}, "winograd 4x4"),
    ((16, 512, 14, 14), (512, 512, 3, 3), {"padding": 1}, "winograd 4x4"),
    ((1, 512, 14, 14), (512, 512, 3, 3), {"padding": 1}, "winograd 2x2"),
    ((1, 128, 56, 56), (128, 128, 3, 3), {"padding": 1, "stride": 2}, "direct"),
    ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1, "dtype": np.float64}, "direct"),
    ((1, 64, 56, 56), (64, 32, 3, 3), {"padding": 1, "groups": 2}, "direct"),
    ((1, 64, 56, 56), (64, 1, 3, 3), {"padding": 1, "groups": 64}, "depthwise"),
    ((1, 64, 56, 56), (64, 1, 3, 3), {"stride": 3, "groups": 64}, "direct"),
    ((1, 256, 56, 56), (64, 256, 1, 1), {}, "matrix product"),
    ((1, 256, 6, 6), (4096, 256, 6, 6), {}, "matrix product"),
])
def test_choice(x, weight, settings, name):
    assert chosen(x, weight, **settings) == name


def test_kept_weights_cost_nothing():
    shapes = (1, 512, 14, 14), (512, 512, 3, 3)
    assert chosen(*shapes, padding=1) == "winograd 2x2" and chosen(*shapes, padding=1, kept=True) == "winograd 4x4"


def test_another_one_can_be_asked_for():
    shapes = (1, 64, 56, 56), (64, 64, 3, 3)
    with cpu.algorithm("direct"):
        assert chosen(*shapes, padding=1) == "direct"
        with cpu.algorithm("winograd 2x2"):
            assert chosen(*shapes, padding=1) == "winograd 2x2"
            assert chosen(*shapes, stride=2, padding=1) == "direct"   # where Winograd cannot
        assert chosen(*shapes, padding=1) == "direct"
    assert chosen(*shapes, padding=1) == "winograd 4x4"


def test_it_is_the_one_that_is_taken(monkeypatch):
    sizes = []
    monkeypatch.setattr(winograd, "conv2d", lambda m, *arguments: sizes.append(m))
    x, weight, y = np.zeros((1, 2, 8, 8), FLOAT32), np.zeros((3, 2, 3, 3), FLOAT32), np.zeros((1, 3, 8, 8), FLOAT32)
    for name in ("winograd 4x4", "direct", "winograd 2x2"):
        with cpu.algorithm(name):
            cpu.conv2d(x, weight, None, y, (1, 1), (1, 1), (1, 1), 1)
    assert sizes == [4, 2]


def test_a_name_that_does_not_exist():
    with pytest.raises(ValueError, match="there is no 'fft'; there are matrix product, direct, winograd 4x4"):
        with cpu.algorithm("fft"):
            pass
