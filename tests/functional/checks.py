"""Three questions that every differentiable function must answer, each written once.

    TestReLU = three_questions(case("relu", (2, 3, 4)))

A case is a function, named as in minicnn.functional and PyTorch or given as a lambda that works on tensors of both, and the
shapes of its inputs (an array stands for itself, labels say). Values are evenly spaced and shuffled: no two are equal, none is 0.
"""
import numpy as np
import pytest

import kernels.reference
import minicnn as mc
from minicnn import device, functional


class Case:
    def __init__(self, function, *inputs, low=-2.0, high=2.1, torch=None, as_list=False, **settings):
        self.function, self.torch_function, self.settings = function, torch or function, settings
        self.as_list = as_list   # does the function take its tensors as one list?
        chance = np.random.default_rng(0)
        self.inputs = [given if isinstance(given, np.ndarray) else
                       chance.permutation(np.linspace(low, high, int(np.prod(given)))).reshape(given) for given in inputs]

    def __str__(self):
        name = self.function if isinstance(self.function, str) else "expression"
        return " ".join([name, *(str(array.shape) for array in self.inputs), *(f"{k}={v}" for k, v in self.settings.items())])

    def __call__(self, *tensors):
        function = getattr(functional, self.function) if isinstance(self.function, str) else self.function
        return function(*([tensors] if self.as_list else tensors), **self.settings)

    def typed_inputs(self, dtype):
        return [array.astype(dtype) if array.dtype.kind == "f" else array for array in self.inputs]

    def output_and_gradients(self, dtype):
        """As arrays: what the function gives, and what a random cotangent's backward puts into each floating-point input."""
        inputs = [mc.tensor(array, requires_grad=array.dtype.kind == "f") for array in self.typed_inputs(dtype)]
        output = self(*inputs)
        output.backward(mc.tensor(_cotangent(output.shape, dtype)))
        return [output.detach().numpy(), *(tensor.grad.numpy() for tensor in inputs if tensor.requires_grad)]

    def torch_output_and_gradients(self, torch, dtype):
        inputs = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in self.typed_inputs(dtype)]
        function = self.torch_function
        if isinstance(function, str):
            function = getattr(torch.nn.functional, function, None) or getattr(torch, function)
        output = function(*([inputs] if self.as_list else inputs), **self.settings)
        output.backward(torch.tensor(_cotangent(tuple(output.shape), dtype)))
        return [output.detach().numpy(), *(tensor.grad.numpy() for tensor in inputs if tensor.requires_grad)]


case = Case


def three_questions(*cases):
    """A test class: what it asks of each case is in the names of its functions."""
    @pytest.mark.parametrize("case", cases, ids=str)
    class Questions:
        def test_gradients_agree_with_differences(self, case):
            inputs = [mc.tensor(array) for array in case.typed_inputs(np.float64)]
            mc.gradcheck(case, *inputs).assert_passed()

        def test_output_and_gradients_are_those_of_torch(self, case, torch):
            close(case.output_and_gradients(np.float64), case.torch_output_and_gradients(torch, np.float64), 1e-11)

        def test_output_and_gradients_are_those_of_the_reference_kernels(self, case):
            with device.use_kernels(kernels.reference):
                expected = case.output_and_gradients(np.float32)
            close(case.output_and_gradients(np.float32), expected, 2e-6)

    return Questions


def close(found, expected, tolerance):
    """Arrays are the same but for rounding, which is measured against the largest value in each."""
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max(initial=1))


def _cotangent(shape, dtype):
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)
