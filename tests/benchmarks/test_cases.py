"""Every case is the same computation in every framework, and as large as it says."""
import numpy as np
import pytest

import minicnn
from benchmarks import arrays, cases, frameworks, networks
from benchmarks.arrays import random_array
from benchmarks.cases import Case, convolution, matmul
from benchmarks.cases import networks as network_cases
from benchmarks.cases.case import GRAD_INPUT, float_bytes, gradient
from benchmarks.frameworks import CHANNELS_LAST, PYTORCH
from benchmarks.suite import difference

SMALL = [case for case in cases.ALL if case.multiply_adds < 5e6 and case.bytes < 5e6]


def result(case, name):
    with frameworks.FRAMEWORKS[name]() as framework:
        return framework.numpy(case.prepare(framework)()).copy()


def assert_close(ours, other):
    np.testing.assert_allclose(ours, other, rtol=1e-3, atol=1e-5 * abs(other).max())   # sums of up to 50,000 products in float32


def id_of(case):
    return cases.key_of(case)


def test_names_are_different():
    assert len({id_of(case) for case in cases.ALL}) == len(cases.ALL)
    assert all(cases.get(id_of(case)) is case for case in cases.ALL)


def test_small_cases_are_of_every_kind():
    assert {case.group for case in SMALL} == {case.group for case in cases.ALL} - {"visualize"}


@pytest.mark.parametrize("case", SMALL, ids=id_of)
def test_minicnn_and_the_definition_agree(case):
    assert_close(result(case, "minicnn"), result(case, "NumPy"))


@pytest.mark.parametrize("case", SMALL, ids=id_of)
def test_minicnn_and_pytorch_agree(case, torch):
    assert_close(result(case, "minicnn"), result(case, "PyTorch"))


@pytest.mark.parametrize("case", [case for case in SMALL if case.is_for(CHANNELS_LAST)][::4], ids=id_of)
def test_the_layout_changes_nothing(case, torch):
    assert_close(result(case, CHANNELS_LAST), result(case, "PyTorch"))


@pytest.mark.parametrize("case", [case for case in cases.ALL if case.group == "visualize"], ids=id_of)
def test_what_a_network_sees_is_the_same_in_pytorch(case, torch):
    ours = result(case, "minicnn")
    assert np.linalg.norm(ours) > 0
    for name in PYTORCH, CHANNELS_LAST:
        assert difference(ours, result(case, name)) < case.tolerance


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
    forward, step = (cases.get(f"network: LeNet, batch 64: {aspect}") for aspect in ("forward", "training step"))
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


def test_large_random_arrays_repeat_themselves_out_of_step(monkeypatch):
    monkeypatch.setattr(arrays, "_PERIOD", 7)
    matrix = random_array(5, 3)
    np.testing.assert_array_equal(matrix.ravel()[7:14], matrix.ravel()[:7])
    assert len(np.unique(matrix[:, 0])) == 5


def test_large_cases_are_not_for_plain_numpy():
    large = next(case for case in cases.ALL if case.multiply_adds > 1e9)
    assert not large.is_for("NumPy") and SMALL[0].is_for("NumPy")


def frameworks_of(key):
    return [name for name in frameworks.FRAMEWORKS if cases.get(key).is_for(name)]


def test_a_case_says_whom_it_is_for():
    everywhere = ["minicnn", "PyTorch", "PyTorch channels_last"]
    assert frameworks_of("network: ResNet-18, batch 1: forward") == [*everywhere, "torch.compile", "onnxruntime", "float64"]
    assert frameworks_of("network: ResNet-18, batch 16: training step") == [*everywhere, "torch.compile"]
    assert frameworks_of("convolution: LeNet: 1 to 6, 5x5 on 28x28, batch 1: forward") == [*everywhere, "NumPy", "float64"]
    assert frameworks_of("softmax: softmax cross entropy: 64 x 10 classes: forward") == ["minicnn", "PyTorch", "NumPy"]


def test_convolutions_are_those_of_the_networks():
    subjects = {case.subject for case in cases.ALL if case.group == "convolution"}
    assert {"VGG-16: 3 to 64, 3x3 on 224x224, batch 1", "ResNet-50: 128 to 128, 3x3 stride 2 on 56x56, batch 16",
            "ResNet-18, ResNet-50: 64 to 64, 3x3 on 56x56, batch 1", "LeNet: 6 to 16, 5x5 on 14x14, batch 64",
            "GoogLeNet, ResNet-18, ResNet-50: 3 to 64, 7x7 stride 2 on 224x224, batch 16"} <= subjects
    assert [len(convolution.layers_of(network)) for network in (networks.LENET, networks.VGG16, networks.RESNET18)] == [2, 9, 11]
    assert all(len([case for case in cases.ALL if case.subject == subject]) == 3 for subject in subjects)


def test_a_convolution_knows_its_geometry():
    case = cases.get("convolution: AlexNet: 3 to 64, 11x11 stride 4 on 224x224, batch 16: forward")
    assert case.geometry == ((16, 3, 224, 224), (64, 3, 11, 11), (4, 4), (2, 2), (1, 1), 1)


def test_what_is_measured_quickly_is_in_the_networks():
    quick = {case.subject for case in cases.ALL if case.group == "convolution" and case.quick}
    assert len(quick) == len(convolution.QUICK)


def test_the_first_training_step_is_without_dropout_the_others_with_it():
    def small(library):
        nn = library.nn
        return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10))

    network = networks.Network("small", small, (1, 28, 28), classes=10)
    with frameworks.minicnn() as framework:
        step = network_cases._training_step(network, 2)(framework)
        first, *others = (step().numpy().copy() for _ in range(3))
        np.testing.assert_array_equal(network_cases._training_step(network, 2)(framework)().numpy(), first)
    # With two images, both have lost a pixel with a probability of 1/4, and then its weights have no gradient.
    dropped = [(gradient == 0).all(0).sum() for gradient in (first, *others)]
    assert dropped[0] == 0 and all(100 < count < 300 for count in dropped[1:])
