"""Winograd's transforms of one line, F(4, 3): six numbers of the input, three of the filter or four of the output.

A two-dimensional transform is this one for the columns of a tile, and then for its rows. With the points 0, +-a, +-b and infinity,
a = 1 / sqrt(2) and b = sqrt(2), which halve the rounding errors of the usual +-1 and +-2,

          [ 1   0  -5/2   0   1  0 ]        [   1        0      0   ]        [ 1   1    1    1     1   0 ]
          [ 0 -2a   -2    a   1  0 ]        [ -2/3  -2a/3    -1/3   ]  A^T = [ 0   a   -a    b    -b   0 ]
    B^T = [ 0  2a   -2   -a   1  0 ]    G = [ -2/3   2a/3    -1/3   ]        [ 0  1/2  1/2   2     2   0 ]
          [ 0 -b/2 -1/2   b   1  0 ]        [  1/6    b/6     1/3   ]        [ 0  a/2 -a/2  2b   -2b   1 ]
          [ 0  b/2 -1/2  -b   1  0 ]        [  1/6   -b/6     1/3   ]
          [ 0   1    0  -5/2  0  1 ]        [   0      0       1    ]

Rows for t and -t share their even and their odd terms, so each pair takes one sum and one difference. The gradient of a transform is its
transpose. Where the matrices come from: Lavin & Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016).
"""
from numba import cuda, float32

_A, _B = float32(0.5 ** 0.5), float32(2 ** 0.5)
_HALF, _TWO, _FIVE_HALVES = float32(0.5), float32(2), float32(2.5)
_THIRD, _TWO_THIRDS, _SIXTH = float32(1 / 3), float32(2 / 3), float32(1 / 6)


@cuda.jit(device=True)
def from_input(x0, x1, x2, x3, x4, x5):
    """B^T x"""
    even, odd = x4 - _TWO * x2, _A * (x3 - _TWO * x1)
    even_b, odd_b = x4 - _HALF * x2, _B * (x3 - _HALF * x1)
    return x0 - _FIVE_HALVES * x2 + x4, even + odd, even - odd, even_b + odd_b, even_b - odd_b, x1 - _FIVE_HALVES * x3 + x5


@cuda.jit(device=True)
def from_filter(g0, g1, g2):
    """G g"""
    even, odd = -_TWO_THIRDS * (g0 + _HALF * g2), -_TWO_THIRDS * _A * g1
    even_b, odd_b = _SIXTH * (g0 + _TWO * g2), _SIXTH * _B * g1
    return g0, even + odd, even - odd, even_b + odd_b, even_b - odd_b, g2


@cuda.jit(device=True)
def to_output(s0, s1, s2, s3, s4, s5):
    """A^T s"""
    sum_a, difference_a, sum_b, difference_b = s1 + s2, _A * (s1 - s2), s3 + s4, _B * (s3 - s4)
    return (s0 + sum_a + sum_b, difference_a + difference_b, _HALF * sum_a + _TWO * sum_b,
            _HALF * difference_a + _TWO * difference_b + s5)


@cuda.jit(device=True)
def from_grad_output(g0, g1, g2, g3):
    """A g"""
    even, odd = g0 + _HALF * g2, _A * (g1 + _HALF * g3)
    even_b, odd_b = g0 + _TWO * g2, _B * (g1 + _TWO * g3)
    return g0, even + odd, even - odd, even_b + odd_b, even_b - odd_b, g3


@cuda.jit(device=True)
def to_grad_filter(u0, u1, u2, u3, u4, u5):
    """G^T u"""
    sum_a, sum_b = _TWO_THIRDS * (u1 + u2), _SIXTH * (u3 + u4)
    return (u0 - sum_a + sum_b, _SIXTH * _B * (u3 - u4) - _TWO_THIRDS * _A * (u1 - u2),
            _TWO * sum_b - _HALF * sum_a + u5)
