"""Convolutions to test kernels on, small enough for the simulator: images, channels and filters of a group, groups, size, kernel_size,
stride, padding, dilation."""
from hypothesis import strategies as st

from kernels.geometry import output_shape
from tests.kernels.agreement import numbers


@st.composite
def convolutions(draw, longest=6, most_groups=2):
    """Any that fit."""
    def pair(least, most):
        return draw(st.tuples(st.integers(least, most), st.integers(least, most)))

    kernel_size, stride, padding, dilation = pair(1, 3), pair(1, 3), pair(0, 2), pair(1, 2)
    size = tuple(draw(st.integers(least, max(least, longest)))
                 for least in (max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel_size, padding, dilation)))
    images, channels, filters, groups = (draw(st.integers(least, most)) for least, most in [(0, 2), (1, 3), (1, 4), (1, most_groups)])
    return images, channels, filters, groups, size, kernel_size, stride, padding, dilation


def operands(case, seed, dtype):
    """x, weight, bias, grad_y."""
    images, channels, filters, groups, size, *window = case
    shapes = ((images, groups * channels, *size), (groups * filters, channels, *window[0]), (groups * filters,),
              (images, groups * filters, *output_shape(size, *window)))
    return [numbers(seed + i, shape, dtype) for i, shape in enumerate(shapes)]
