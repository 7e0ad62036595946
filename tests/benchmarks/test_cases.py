"""Every case is the same computation in every framework, and as large as it says."""
import numpy as np
import pytest

import minicnn
from benchmarks import cases, frameworks
from benchmarks.cases import Case, matmul
from benchmarks.cases.case import GRAD_INPUT, float_bytes, gradient, random_array

SMALL = [case for case in cases.ALL if case.multiply_adds < 2e7 and case.bytes < 3e6]


def result(case, name):
    with frameworks.FRAMEWORKS[name]() as framework:
        return case.prepare(framework)().detach().numpy().copy()


def assert_close(ours, other):
    np.testing.assert_allclose(ours, other, rtol=1e-3, atol=1e-5 * abs(other).max())   # sums of up to 50,000 products in float32


def id_of(case):
    return cases.key_of(case)


def test_names_are_different():
    assert len({id_of(case) for case in cases.ALL}) == len(cases.ALL)
    assert all(cases.get(id_of(case)) is case for case in cases.ALL)


def test_small_cases_are_of_every_kind():
    assert {case.group for case in SMALL} == {case.group for case in cases.ALL}


@pytest.mark.parametrize("case", SMALL, ids=id_of)
def test_minicnn_and_the_definition_agree(case):
    assert_close(result(case, "minicnn"), result(case, "NumPy"))


@pytest.mark.parametrize("case", SMALL, ids=id_of)
def test_minicnn_and_pytorch_agree(case, torch):
    assert_close(result(case, "minicnn"), result(case, "PyTorch"))


def test_the_definition_runs_on_its_own_kernels():
    with frameworks.numpy() as framework:
        assert minicnn.device.kernels_for() is framework.kernels
        assert framework.kernels.__name__ == "kernels.reference"


@pytest.mark.parametrize("case", [case for case in SMALL if case.multiply_adds and case.aspect == "forward"], ids=id_of)
def test_multiply_adds_are_those_that_autograd_counts(case):
    with frameworks.minicnn() as framework:
        program, counted = case.prepare(framework), []
        with minicnn.watch(lambda function, inputs, output: counted.append(function.multiply_adds)):
            program()
    assert sum(counted) == case.multiply_adds


def test_a_training_step_is_three_forward_passes_without_the_gradient_of_the_images():
    forward, step = (next(case for case in cases.ALL if (case.subject, case.aspect) == ("LeNet, batch 64", aspect))
                     for aspect in ("forward", "training step"))
    assert forward.multiply_adds == 64 * 416_520
    assert step.multiply_adds == 64 * (3 * 416_520 - 117_600)


def test_bytes_are_those_of_inputs_and_outputs():
    relu = [case for case in cases.ALL if case.subject == "ReLU, LeNet: 64x6x28x28"]
    assert [case.bytes for case in relu] == [2 * 4 * 64 * 6 * 28 * 28, 3 * 4 * 64 * 6 * 28 * 28]
    assert float_bytes((2, 3), (5,)) == 44
    adam = next(case for case in cases.ALL if "61,706" in case.subject and case.aspect == "Adam")
    assert adam.bytes == 7 * 4 * 61_706


def test_a_gradient_can_be_taken_again_and_is_the_same():
    case = next(case for case in SMALL if case.group == "convolution" and case.aspect == GRAD_INPUT)
    with frameworks.minicnn() as framework:
        program = case.prepare(framework)
        first = program().numpy().copy()
        np.testing.assert_array_equal(program().numpy(), first)


def test_only_the_gradient_in_question_is_taken():
    seen = []

    def product(F, x, weight):
        seen.append((x.requires_grad, weight.requires_grad))
        return F.linear(x, weight)

    with frameworks.minicnn() as framework:
        for of in (0, 1):
            gradient(product, (2, 3), (4, 3), of=of)(framework)
    assert seen == [(True, False), (False, True)]


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_the_large_product_has_four_transpositions(monkeypatch, torch, transpose_a, transpose_b):
    monkeypatch.setattr(matmul, "_SIZE", 20)
    a, b = (random_array(20, 20, number=number) for number in (1, 2))
    case = Case("", "", "", matmul._product(transpose_a, transpose_b))
    expected = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    for name in ("minicnn", "PyTorch"):
        assert_close(result(case, name), expected)


def test_random_arrays_are_the_same_in_every_process():
    assert random_array(2, 2).dtype == np.float32
    np.testing.assert_array_equal(random_array(2, 3), random_array(2, 3))
    assert not np.array_equal(random_array(2, 3), random_array(2, 3, number=1))
    assert random_array().shape == ()


def test_large_cases_are_not_for_plain_numpy():
    large = next(case for case in cases.ALL if case.multiply_adds > 1e9)
    assert not large.on_definition and SMALL[0].on_definition
