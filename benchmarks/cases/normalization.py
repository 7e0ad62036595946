"""Batch normalisation in training, and AlexNet's local response normalisation."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, TWO_LAYOUTS, Case, float_bytes, forward, gradient


def _batch_norm(F, x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def _local_response_norm(F, x):
    return F.local_response_norm(x, 5)


def _cases(subject, function, shape, *others, quick=True):
    subject = f"{subject}, {'x'.join(map(str, shape))}"
    yield Case("normalisation", subject, FORWARD, forward(function, shape, *others), bytes=float_bytes(shape, shape), quick=quick,
               others=TWO_LAYOUTS)
    yield Case("normalisation", subject, GRAD_INPUT, gradient(function, shape, *others, of=0), bytes=float_bytes(shape, shape, shape),
               quick=quick, others=TWO_LAYOUTS)


def _batch_norm_cases(name, shape, quick=True):
    channels = shape[1:2]
    return _cases(f"batch norm, {name}", _batch_norm, shape, channels, channels, quick=quick)


CASES = [
    *_batch_norm_cases("CIFAR ResNet-20", (128, 16, 32, 32)),
    *_batch_norm_cases("ResNet", (16, 64, 112, 112), quick=False),
    *_batch_norm_cases("ResNet stage 1", (16, 64, 56, 56)),
    *_batch_norm_cases("ResNet stage 2", (16, 128, 28, 28)),
    *_batch_norm_cases("ResNet-50", (16, 1024, 14, 14), quick=False),
    *_batch_norm_cases("ResNet-18", (16, 512, 7, 7), quick=False),
    *_cases("local response norm, AlexNet", _local_response_norm, (16, 64, 55, 55)),
    *_cases("local response norm, AlexNet", _local_response_norm, (1, 64, 55, 55), quick=False),
]
