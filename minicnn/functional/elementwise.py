"""Arithmetic element by element, made differentiable. Operands broadcast; their gradients are summed back to their shapes."""
from minicnn import arithmetic
from minicnn.arithmetic import sum_to
from minicnn.autograd import Function
from minicnn.device import full, is_number
from minicnn.functional.activation import where_positive


class Binary(Function):
    """A subclass gives the gradients for operands of the broadcast shape, as grad_a and grad_b."""

    def backward(self, gradient):
        return tuple([sum_to(part(gradient), shape) if needed else None
                      for part, shape, needed in zip((self.grad_a, self.grad_b), self.input_shapes, self.needs_gradient)])


class Add(Binary):
    def forward(self, a, b):
        return arithmetic.add(a, b)

    def grad_a(self, gradient):
        return gradient

    def grad_b(self, gradient):
        return gradient


class Subtract(Binary):
    def forward(self, a, b):
        return arithmetic.subtract(a, b)

    def grad_a(self, gradient):
        return gradient

    def grad_b(self, gradient):
        return arithmetic.negative(gradient)


class Multiply(Binary):
    def forward(self, a, b):
        needs_a, needs_b = self.needs_gradient
        self.a, self.b = (a if needs_b else None), (b if needs_a else None)
        return arithmetic.multiply(a, b)

    def grad_a(self, gradient):
        return arithmetic.multiply(gradient, self.b)

    def grad_b(self, gradient):
        return arithmetic.multiply(gradient, self.a)


class Divide(Binary):
    """With y = a / b: slope 1 / b in a, -y / b in b."""

    def forward(self, a, b):
        y = arithmetic.divide(a, b)
        self.b, self.y = b, (y if self.needs_gradient[1] else None)
        return y

    def grad_a(self, gradient):
        return arithmetic.divide(gradient, self.b)

    def grad_b(self, gradient):
        return arithmetic.negative(arithmetic.divide(arithmetic.multiply(gradient, self.y), self.b))


class Power(Binary):
    """With y = a^b: slope b a^(b - 1) in a, y log(a) in b. Where a constant factor is 0, so is the slope, even if the formula
    says 0 * infinity: at a = 0 for b = 0, and at a = 0 for b > 0 in b."""

    def forward(self, a, b):
        y = arithmetic.power(a, b)
        self.a, self.b, self.y = a, b, (y if self.needs_gradient[1] else None)
        return y

    def grad_a(self, gradient):
        slope = arithmetic.multiply(arithmetic.power(self.a, arithmetic.subtract(self.b, 1)), self.b)
        if not (is_number(self.b) and self.b):
            slope = _zero_unless(arithmetic.absolute(self.b), slope)
        return arithmetic.multiply(gradient, slope)

    def grad_b(self, gradient):
        slope = arithmetic.multiply(self.y, arithmetic.log(self.a))
        if not (is_number(self.a) and self.a):
            sign = arithmetic.sign(self.b)
            below = arithmetic.subtract(arithmetic.absolute(sign), sign)   # positive where b is negative
            slope = _zero_unless(arithmetic.add(below, arithmetic.absolute(self.a)), slope)
        return arithmetic.multiply(gradient, slope)


def _zero_unless(condition, slope):
    """slope where the condition, which broadcasts, is positive or NaN, and 0 where it is 0."""
    return where_positive(slope, arithmetic.add(full(slope, 0), condition))


class Negative(Function):
    def forward(self, x):
        return arithmetic.negative(x)

    def backward(self, gradient):
        return (arithmetic.negative(gradient),)


class Exp(Function):
    def forward(self, x):
        self.y = arithmetic.exp(x)
        return self.y

    def backward(self, gradient):
        return (arithmetic.multiply(gradient, self.y),)


class Log(Function):
    def forward(self, x):
        self.x = x
        return arithmetic.log(x)

    def backward(self, gradient):
        return (arithmetic.divide(gradient, self.x),)


class Sqrt(Function):
    """With y = sqrt(x): slope 1 / (2 y)."""

    def forward(self, x):
        self.y = arithmetic.sqrt(x)
        return self.y

    def backward(self, gradient):
        return (arithmetic.divide(gradient, arithmetic.multiply(self.y, 2)),)


class Absolute(Function):
    """Slope 0 at 0."""

    def forward(self, x):
        self.x = x
        return arithmetic.absolute(x)

    def backward(self, gradient):
        return (arithmetic.multiply(gradient, arithmetic.sign(self.x)),)


def add(a, b):
    return Add()(a, b)


def subtract(a, b):
    return Subtract()(a, b)


def multiply(a, b):
    return Multiply()(a, b)


def divide(a, b):
    return Divide()(a, b)


def power(a, b):
    """a^b, NaN for a negative base with a broken exponent."""
    return Power()(a, b)


def negative(x):
    return Negative()(x)


def exp(x):
    return Exp()(x)


def log(x):
    """The natural logarithm."""
    return Log()(x)


def sqrt(x):
    return Sqrt()(x)


def absolute(x):
    return Absolute()(x)
