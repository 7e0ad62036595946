"""What goes number by number or row by row: bound by memory, not by arithmetic."""
import numpy as np

from benchmarks.cases.case import FLOAT, FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient

_INT64 = 8   # bytes


def _relu(F, x):
    return F.relu(x)


def _relu_cases():
    for name, shape in {"LeNet": (64, 6, 28, 28), "ResNet": (16, 64, 112, 112)}.items():
        subject = f"ReLU, {name}: {'x'.join(map(str, shape))}"
        yield Case("activation", subject, FORWARD, forward(_relu, shape), bytes=float_bytes(shape, shape))
        yield Case("activation", subject, GRAD_INPUT, gradient(_relu, shape, of=0), bytes=float_bytes(shape, shape, shape))


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


CASES = [*_relu_cases(), *_cross_entropy_cases()]
