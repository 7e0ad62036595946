"""Is a gradient right? Compare it with finite differences, along random directions.

For y = f(x), backward computes J^T u for a cotangent u, where J is the Jacobian of f. Differences give J v for a direction v:
(f(x + e v) - f(x - e v)) / 2e. Both are parts of one number, <v, J^T u> = <u, J v>, so one random u and one random v test the
whole Jacobian with two evaluations of f, whatever its size: a wrong entry goes unseen only if chance makes v or u blind to it.
This is the "dot-product test" of adjoint codes (Griewank & Walther, "Evaluating Derivatives", 2008).
"""
import contextlib
import inspect

import numpy as np

from minicnn.autograd import no_grad
from minicnn.tensor import Tensor


def gradcheck(function, *inputs, eps=1e-6, tolerance=1e-6, probes=2, seed=0):
    """Check what backward says about function(*inputs) against finite differences. Returns a Report: print it, test it as a
    boolean, or call its assert_passed().

    function   takes the inputs and returns one Tensor. It must give the same output for the same input (seed what is random in
               it), and be smooth around the inputs: at a kink, as ReLU's at 0 or a tie in max pooling, differences mislead.
               If it is a Module, its parameters are checked as well.
    inputs     every float64 Tensor among them is checked; float32 is refused, its differences are mostly rounding
    eps        length of the step, for inputs of size around 1
    tolerance  largest relative error that passes; about 1e-9 is what right gradients of one function show
    probes     random directions for each input
    """
    names = _argument_names(function, len(inputs))
    targets = [(name, value) for name, value in zip(names, inputs) if isinstance(value, Tensor) and value.dtype.kind == "f"]
    if hasattr(function, "named_parameters"):
        targets += function.named_parameters()
    for name, tensor in targets:
        if tensor.dtype != np.float64:
            raise TypeError(f"gradcheck: {name} is {tensor.dtype}, whose rounding drowns finite differences; "
                            "check in float64, with .double()")
        if tensor.creator is not None:
            raise ValueError(f"gradcheck: {name} is itself the result of a computation; pass {name}.detach()")
    if not targets:
        raise TypeError("gradcheck: there is no float64 Tensor among the inputs to check")
    chance = np.random.default_rng(seed)
    with _restored([tensor for _, tensor in targets]):
        check = _Check(function, inputs, chance, eps, tolerance)
        rows = [check.row(name, tensor, probes) for name, tensor in targets]
    return Report(getattr(function, "__name__", type(function).__name__), rows)


class Report:
    """What gradcheck found, one Row for each input in `rows`."""

    def __init__(self, name, rows):
        self.name, self.rows = name, rows
        self.passed = not any(row.wrong for row in rows)

    def __bool__(self):
        return self.passed

    def assert_passed(self):
        """AssertionError with the whole table if a gradient is wrong; else the report."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __str__(self):
        wrong = [row.name for row in self.rows if row.wrong]
        lines = [("input", "shape", "by backward", "by differences", "relative error", "")]
        lines += [(row.name, str(row.shape), f"{row.by_backward:+.6e}", f"{row.by_differences:+.6e}", f"{row.error:.1e}",
                   row.verdict) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*lines)]
        table = ["  ".join(cell.ljust(width) if place in (0, 1, 5) else cell.rjust(width)
                           for place, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]
        return "\n".join([f"gradcheck of {self.name}: " + (f"WRONG for {', '.join(wrong)}" if wrong else "passed"), *table])

    __repr__ = __str__


class Row:
    """One input: the slope along a random direction as backward and as differences have it, and what follows."""

    def __init__(self, name, shape, by_backward, by_differences, error, wrong, verdict):
        self.name, self.shape = name, shape
        self.by_backward, self.by_differences, self.error = by_backward, by_differences, error
        self.wrong, self.verdict = wrong, verdict


class _Check:
    """One function at one point, with one random cotangent, and the gradients that backward finds for it."""

    def __init__(self, function, inputs, chance, eps, tolerance):
        self.function, self.inputs, self.chance, self.eps, self.tolerance = function, inputs, chance, eps, tolerance
        output = function(*inputs)
        if not isinstance(output, Tensor) or output.dtype != np.float64:
            found = f"a Tensor of {output.dtype}" if isinstance(output, Tensor) else type(output).__name__
            raise TypeError(f"gradcheck: the function must return one Tensor of float64, not {found}")
        self.cotangent = chance.standard_normal(output.shape)
        # In the same way as before: without a backward to come, modules may fuse other functions (fusion.py), and round otherwise.
        if not np.array_equal(function(*inputs).array, output.array, equal_nan=True):
            raise ValueError("gradcheck: the function gives different outputs for the same inputs; seed what is random in it")
        # Differences cannot be told more finely than the outputs are rounded.
        self.noise = 8 * np.finfo(np.float64).eps * np.abs(self.cotangent * output.array).sum() / eps
        if output.requires_grad:
            output.backward(Tensor(self.cotangent))

    def projected_output(self):
        """<u, f(x)>: the number whose slopes are compared."""
        with no_grad():
            return np.vdot(self.cotangent, self.function(*self.inputs).array)

    def by_differences(self, tensor, direction):
        here, values = tensor.array, []
        for step in (self.eps, -self.eps):
            tensor.array = here + step * direction
            values.append(self.projected_output())
        tensor.array = here
        return (values[0] - values[1]) / (2 * self.eps)

    def slopes(self, tensor, direction):
        """Along the direction: by backward, by differences, and their relative error."""
        by_backward = 0.0 if tensor.grad is None else np.vdot(tensor.grad.array, direction)
        by_differences = self.by_differences(tensor, direction)
        scale = max(abs(by_backward), abs(by_differences), self.noise / self.tolerance, np.finfo(np.float64).tiny)
        return by_backward, by_differences, abs(by_backward - by_differences) / scale

    def row(self, name, tensor, probes):
        tries = [self.slopes(tensor, self.chance.standard_normal(tensor.shape)) for _ in range(probes)]
        by_backward, by_differences, error = max(tries, key=lambda slopes: np.nan_to_num(slopes[2], nan=np.inf))
        wrong = not error <= self.tolerance   # NaN is wrong
        verdict = "right" if not wrong else "WRONG: no gradient arrived" if tensor.grad is None else self.where(tensor)
        return Row(name, tensor.shape, by_backward, by_differences, error, wrong, verdict)

    def where(self, tensor):
        """Follow the larger disagreement: halve the input, probe both halves, and go on with the worse one."""
        suspects = np.arange(tensor.numel())
        while len(suspects) > 1:
            suspects = max(np.array_split(suspects, 2), key=lambda half: self.disagreement(tensor, half))
        by_backward, by_differences, _ = self.slopes(tensor, _direction(tensor, suspects, 1))
        place = tuple(int(index) for index in np.unravel_index(suspects[0], tensor.shape))
        return f"WRONG, most at {place}: backward says {by_backward:.6g}, differences {by_differences:.6g}"

    def disagreement(self, tensor, places):
        direction = _direction(tensor, places, self.chance.standard_normal(len(places)))
        by_backward, by_differences, _ = self.slopes(tensor, direction)
        return np.nan_to_num(abs(by_backward - by_differences), nan=np.inf)


def _direction(tensor, places, values):
    direction = np.zeros(tensor.shape)
    direction.flat[places] = values
    return direction


def _argument_names(function, count):
    try:
        names = [name for name, parameter in inspect.signature(getattr(function, "forward", function)).parameters.items()
                 if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):   # functions written in C need not have a signature
        names = []
    return [names[position] if position < len(names) else f"input {position}" for position in range(count)]


@contextlib.contextmanager
def _restored(tensors):
    """Inside, the tensors require a gradient and have none yet; afterwards they are what they were."""
    before = [(tensor.array, tensor.requires_grad, tensor.grad) for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.requires_grad, tensor.grad = True, None
        yield
    finally:
        for tensor, (array, requires_grad, grad) in zip(tensors, before):
            tensor.array, tensor.requires_grad, tensor.grad = array, requires_grad, grad
