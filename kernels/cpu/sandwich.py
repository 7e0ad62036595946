"""Winograd's transforms: a small matrix of registers between two constant matrices, L d L^T.

Every lane of the registers holds another channel, so a transform is plain vector arithmetic, a few additions and multiplications by
small numbers. F(m x m, 3 x 3) for m = 2 and 4, after Lavin & Gray, "Fast algorithms for convolutional neural networks"
(CVPR 2016), where the matrices come from:

    y = A^T [ (G g G^T) * (B^T d B) ] A        d (m + 2) x (m + 2) pixels, g 3 x 3 weights, y m x m outputs, * number by number

and, because a transform's gradient is its transpose, for the weight's gradient: grad_g = G^T [ (A grad_y A^T) * (B^T d B) ] G.
"""
import math

from numba import types
from numba.extending import intrinsic

from .vector import INT64, Vectors, pointer

# Any points will do, but these two pairs, 1 / sqrt(2) and sqrt(2), halve the rounding errors of the usual 1 and 2.
_POINTS = {2: (0, 1, -1), 4: (0, 0.5 ** 0.5, -0.5 ** 0.5, 2 ** 0.5, -2 ** 0.5)}


def _matrices(m):
    """B^T, G and A^T of F(m, 3), as lists of rows.

    To multiply polynomials one may multiply their values at enough points, infinity among them, and find the product that has those
    values (Toom 1963, Cook 1966); a correlation is that, transposed. G and A evaluate polynomials with 3 and m coefficients at the
    points, B belongs to the interpolation; its denominators are in G.
    """
    points, rows = _POINTS[m], []
    for t in points:
        others = [s for s in points if s != t]
        scale = math.prod(t - s for s in others)
        rows.append(([*_polynomial(others), 0], [t ** i / scale for i in range(3)], [t ** i for i in range(m)]))
    rows.append((_polynomial(points), [0, 0, 1], [0] * (m - 1) + [1]))   # infinity: the highest coefficients
    # Rounded, so that numbers which differ in sign only, do so exactly: _combine looks for them.
    from_input, from_weight, from_output = [[[round(number, 12) for number in row] for row in matrix] for matrix in zip(*rows)]
    return from_input, from_weight, _transposed(from_output)


def _polynomial(roots):
    """The coefficients of the product of all (x - root), the constant first."""
    coefficients = [1]
    for root in roots:
        coefficients = [low - root * high for low, high in zip([0, *coefficients], [*coefficients, 0])]
    return coefficients


def _transposed(matrix):
    return [list(column) for column in zip(*matrix)]


def _sandwich(matrices):
    """Make the intrinsic

        transform(m, source, s0, source_row, source_column, target, t0, target_row, target_column)

    which writes L d L^T, L being matrices[m]. One register holds number (i, j) of d for as many channels as it has lanes; it is
    read from source[s0 + i * source_row + j * source_column] on, and written likewise. All arrays are flat.
    """
    @intrinsic
    def transform(typing, m, source, s0, source_row, source_column, target, t0, target_row, target_column):
        n = types.int64
        signature = types.void(n, source, n, n, n, target, n, n, n)

        def generate(context, b, signature, arguments):
            m, source, s0, source_row, source_column, target, t0, target_row, target_column = arguments
            v = Vectors(context, b, signature.args[1].dtype)
            source = pointer(context, b, signature.args[1], source, s0)
            target = pointer(context, b, signature.args[5], target, t0)
            for size, matrix in matrices.items():
                with b.if_then(b.icmp_signed("==", m, INT64(size))):
                    inner = range(len(matrix[0]))
                    columns = []   # L d, a column of d after the other
                    for j in inner:
                        column = v.at(source, b.mul(source_column, INT64(j)))
                        columns.append(_combine(v, matrix, [v.load(v.at(column, b.mul(source_row, INT64(i)))) for i in inner]))
                    for i in range(len(matrix)):
                        row = v.at(target, b.mul(target_row, INT64(i)))
                        for j, value in enumerate(_combine(v, matrix, [columns[k][i] for k in inner])):
                            v.store(value, v.at(row, b.mul(target_column, INT64(j))))
            return context.get_dummy_value()

        return signature, generate

    return transform


def _combine(v, matrix, x):
    """The product of a matrix of numbers and a vector of registers.

    For points t and -t, two rows (of the transposed matrices: two columns) differ only in the sign of every second number. What
    they share is worked out once: (even + odd, even - odd).
    """
    columns = [list(column) for column in zip(*matrix)]
    pairs = [(first, second) for second in range(len(columns)) for first in range(second) if columns[second] == _mirrored(columns[first])]
    if pairs:
        plus, minus = list(x), list(x)
        for first, second in pairs:
            plus[first], minus[first] = v.builder.fadd(x[first], x[second]), v.builder.fsub(x[first], x[second])
        seconds = dict(pairs).values()
        first_or_single = [k for k in range(len(x)) if k not in seconds]
        # The columns of a pair are equal in even rows, which take the sum of their numbers, and opposite in odd ones.
        return [_weighted_sum(v, [row[k] for k in first_or_single], [(minus if i % 2 else plus)[k] for k in first_or_single])
                for i, row in enumerate(matrix)]
    results = {}
    for row in matrix:
        if _mirrored(row) in matrix and row != _mirrored(row):
            even, odd = [_weighted_sum(v, row[parity::2], x[parity::2]) for parity in (0, 1)]
            results.setdefault(tuple(row), v.builder.fadd(even, odd))
            results.setdefault(tuple(_mirrored(row)), v.builder.fsub(even, odd))
        else:
            results[tuple(row)] = _weighted_sum(v, row, x)
    return [results[tuple(row)] for row in matrix]


def _mirrored(numbers):
    return [-number if place % 2 else number for place, number in enumerate(numbers)]


def _weighted_sum(v, factors, x):
    """Sum of factors[k] x[k]: what is multiplied by 1 comes first, so that the rest are multiply-adds."""
    total = None
    for factor, register in sorted(zip(factors, x), key=lambda term: (term[0] != 1, term[0] != -1)):
        if factor == 0:
            continue
        if total is None:
            total = register if factor == 1 else v.builder.fmul(v.constant(factor), register)
        elif abs(factor) == 1:
            total = v.builder.fadd(total, register) if factor == 1 else v.builder.fsub(total, register)
        else:
            total = v.multiply_add(v.constant(factor), register, total)
    return total


_from_input, _from_weight, _to_output = [dict(zip(_POINTS, matrices)) for matrices in zip(*map(_matrices, _POINTS))]
transform_input = _sandwich(_from_input)
transform_weight = _sandwich(_from_weight)
transform_output = _sandwich(_to_output)
transform_grad_output = _sandwich({m: _transposed(matrix) for m, matrix in _to_output.items()})
transform_grad_weight = _sandwich({m: _transposed(matrix) for m, matrix in _from_weight.items()})
