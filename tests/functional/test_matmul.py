"""F.matmul and F.linear."""
import re

import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestMatmul = three_questions(
    case("matmul", (3, 4), (4, 5)),
    case("matmul", (3, 4), (4,)),
    case("matmul", (4,), (4, 5)),
    case("matmul", (4,), (4,)),
    case("matmul", (2, 3, 4), (4, 5)),
    case("matmul", (0, 4), (4, 5)),
    case("matmul", (37, 65), (65, 33)),
    case(lambda a, b: a @ b.T, (3, 4), (5, 4)),
)

TestLinear = three_questions(
    case("linear", (5, 4), (3, 4), (3,)),
    case("linear", (5, 4), (3, 4)),
    case("linear", (4,), (3, 4), (3,)),
    case("linear", (2, 5, 4), (3, 4), (3,)),
    case("linear", (0, 4), (3, 4), (3,)),
)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=re.escape("matmul: shapes (3, 4) and (5, 4) do not fit")):
        mc.zeros(3, 4) @ mc.zeros(5, 4)
    with pytest.raises(ValueError, match=re.escape("weight (3, 4) must have the shape (N, K) and x (5, 6) the shape (..., K)")):
        F.linear(mc.zeros(5, 6), mc.zeros(3, 4))
    with pytest.raises(ValueError, match=re.escape("bias (4,) must have one value for each of the 3 rows of weight (3, 4)")):
        F.linear(mc.zeros(5, 4), mc.zeros(3, 4), mc.zeros(4))


def test_multiply_adds_are_counted():
    counted = []
    with mc.watch(lambda function, inputs, output: counted.append(function.multiply_adds)):
        mc.zeros(3, 4) @ mc.zeros(4, 5)
        F.linear(mc.zeros(7, 4), mc.zeros(5, 4))
    assert counted == [3 * 4 * 5, 7 * 4 * 5]
