"""Pooling, forward and backward."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient
from kernels.geometry import output_size


def _cases(name, function, shape, kernel_size, stride, padding=0, quick=False):
    def pool(F, x):
        return getattr(F, function)(x, kernel_size, stride, padding)

    y = *shape[:2], *(output_size(size, kernel_size, stride, padding) for size in shape[2:])
    kind = {"max_pool2d": "maximum", "avg_pool2d": "average"}[function]
    border = f" padding {padding}" if padding else ""
    yield from _aspects(f"{name}: {kind} {kernel_size}x{kernel_size} stride {stride}{border}", pool, shape, y, quick)


def _global_cases(name, shape, quick=False):
    def pool(F, x):
        return F.adaptive_avg_pool2d(x, 1)

    yield from _aspects(f"{name}: average of whole images", pool, shape, (*shape[:2], 1, 1), quick)


def _aspects(subject, pool, shape, y, quick):
    size = "x".join(map(str, shape))
    for aspect, prepare in {FORWARD: forward(pool, shape), GRAD_INPUT: gradient(pool, shape, of=0)}.items():
        yield Case("pooling", f"{subject}, {size}", aspect, prepare, bytes=float_bytes(shape, y), quick=quick)


CASES = [
    *_cases("LeNet", "max_pool2d", (64, 6, 28, 28), 2, 2, quick=True),
    *_cases("LeNet-5", "avg_pool2d", (64, 6, 28, 28), 2, 2, quick=True),
    *_cases("AlexNet", "max_pool2d", (16, 64, 55, 55), 3, 2, quick=True),
    *_cases("AlexNet", "max_pool2d", (16, 256, 13, 13), 3, 2),
    *_cases("VGG", "max_pool2d", (4, 64, 224, 224), 2, 2),
    *_cases("GoogLeNet", "max_pool2d", (1, 480, 14, 14), 3, 1, padding=1),
    *_cases("GoogLeNet", "max_pool2d", (16, 192, 28, 28), 3, 1, padding=1),
    *_cases("ResNet", "max_pool2d", (1, 64, 112, 112), 3, 2, padding=1),
    *_cases("ResNet", "max_pool2d", (16, 64, 112, 112), 3, 2, padding=1),
    *_cases("ResNet", "avg_pool2d", (16, 512, 7, 7), 7, 7),
    *_global_cases("ResNet", (1, 512, 7, 7)),
    *_global_cases("ResNet", (16, 512, 7, 7), quick=True),
]
