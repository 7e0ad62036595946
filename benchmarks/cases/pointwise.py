"""What goes number by number or row by row: bound by memory, not by arithmetic."""
import numpy as np

from benchmarks.cases.case import FLOAT, FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient, random_array

_INT64 = 8   # bytes

# Where in a network they stand: name, shape.
_SMALL, _LARGE = ("LeNet", (64, 6, 28, 28)), ("ResNet", (16, 64, 112, 112))


def _activation(name):
    def function(F, x):
        return getattr(F, name)(x)
    return function


def _activation_cases():
    for title, name, places in (("ReLU", "relu", (_SMALL, _LARGE)), ("leaky ReLU", "leaky_relu", (_LARGE,)),
                                ("tanh", "tanh", (_SMALL, _LARGE)), ("sigmoid", "sigmoid", (_LARGE,))):
        for network, shape in places:
            subject, function = f"{title}, {network}: {'x'.join(map(str, shape))}", _activation(name)
            yield Case("activation", subject, FORWARD, forward(function, shape), bytes=float_bytes(shape, shape))
            yield Case("activation", subject, GRAD_INPUT, gradient(function, shape, of=0), bytes=float_bytes(shape, shape, shape))


def _dropout(shape):
    """Of zeros, so that frameworks agree although each drops others."""
    def prepare(framework):
        x = framework.library.tensor(np.zeros(shape, np.float32))
        return lambda: framework.F.dropout(x, 0.5, training=True)
    return prepare


def _dropout_cases():
    for network, shape in (("LeNet", (64, 120)), ("AlexNet", (128, 4096))):
        subject = f"dropout, {network}: {'x'.join(map(str, shape))}"
        yield Case("activation", subject, FORWARD, _dropout(shape), bytes=float_bytes(shape, shape))


def _arithmetic_cases():
    for network, shape in (_SMALL, _LARGE):
        place, per_channel = f"{network}: {'x'.join(map(str, shape))}", (1, shape[1], 1, 1)
        yield Case("arithmetic", f"a + b, {place}", FORWARD, forward(lambda F, a, b: a + b, shape, shape),
                   bytes=float_bytes(shape, shape, shape))
        yield Case("arithmetic", f"a * b[channel], {place}", FORWARD, forward(lambda F, a, b: a * b, shape, per_channel),
                   bytes=float_bytes(shape, shape))
        yield Case("arithmetic", f"a ** 1.5, {place}", FORWARD, _power(shape), bytes=float_bytes(shape, shape))


def _power(shape):
    """Of a number that is not negative."""
    def prepare(framework):
        x = framework.library.tensor(np.abs(random_array(*shape)))
        return lambda: x ** 1.5
    return prepare


def _sum_cases():
    for name, axes, shape in (("bias gradient, LeNet", (0, 2, 3), (64, 6, 28, 28)), ("bias gradient, ResNet", (0, 2, 3), (16, 64, 56, 56)),
                              ("global mean, ResNet", (2, 3), (16, 512, 7, 7)), ("rows of 10", (1,), (10_000, 10))):
        def total(F, x, axes=axes):
            return x.sum(axes)
        yield Case("reduction", f"sum, {name}: {'x'.join(map(str, shape))}", FORWARD, forward(total, shape), bytes=float_bytes(shape))


def _cross_entropy(rows, classes, backward):
    """The mean loss, or its gradient with respect to the logits."""
    def prepare(framework):
        labels = framework.library.tensor(np.arange(rows, dtype=np.int64) * 7 % classes)

        def loss(F, logits):
            return F.cross_entropy(logits, labels)
        return (gradient(loss, (rows, classes), of=0) if backward else forward(loss, (rows, classes)))(framework)
    return prepare


def _cross_entropy_cases():
    for rows, classes in ((64, 10), (256, 1000)):
        subject, logits, labels = f"softmax cross entropy: {rows} x {classes} classes", rows * classes * FLOAT, rows * _INT64
        yield Case("softmax", subject, FORWARD, _cross_entropy(rows, classes, backward=False), bytes=logits + labels)
        yield Case("softmax", subject, GRAD_INPUT, _cross_entropy(rows, classes, backward=True), bytes=2 * logits + labels)


CASES = [*_activation_cases(), *_dropout_cases(), *_arithmetic_cases(), *_sum_cases(), *_cross_entropy_cases()]
