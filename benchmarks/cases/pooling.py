"""Pooling, forward and backward."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, TWO_LAYOUTS, Case, float_bytes, forward, gradient
from kernels.geometry import output_size


def _windows(name, function, shape, kernel_size, stride, padding=0, quick=True):
    def pool(F, x):
        return getattr(F, function)(x, kernel_size, stride, padding)

    y = *shape[:2], *(output_size(size, kernel_size, stride, padding) for size in shape[2:])
    kind = {"max_pool2d": "maximum", "avg_pool2d": "average"}[function]
    return _cases(f"{name}: {kind} {kernel_size}x{kernel_size} stride {stride}", pool, shape, y, quick)


def _all_pixels(name, shape, quick=True):
    def pool(F, x):
        return F.adaptive_avg_pool2d(x, 1)

    return _cases(f"{name}: average of all pixels", pool, shape, (*shape[:2], 1, 1), quick)


def _cases(subject, pool, shape, y, quick):
    subject = f"{subject}, {'x'.join(map(str, shape))}"
    for aspect, prepare in {FORWARD: forward(pool, shape), GRAD_INPUT: gradient(pool, shape, of=0)}.items():
        yield Case("pooling", subject, aspect, prepare, bytes=float_bytes(shape, y), quick=quick, others=TWO_LAYOUTS)


CASES = [
    *_windows("LeNet", "max_pool2d", (64, 6, 28, 28), 2, 2),
    *_windows("LeNet-5", "avg_pool2d", (64, 6, 28, 28), 2, 2, quick=False),
    *_windows("AlexNet", "max_pool2d", (16, 64, 55, 55), 3, 2),
    *_windows("VGG", "max_pool2d", (4, 64, 224, 224), 2, 2, quick=False),
    *_windows("ResNet", "max_pool2d", (16, 64, 112, 112), 3, 2, padding=1, quick=False),
    *_windows("GoogLeNet", "max_pool2d", (16, 256, 28, 28), 3, 1, padding=1, quick=False),
    *_all_pixels("ResNet", (16, 512, 7, 7)),
]
