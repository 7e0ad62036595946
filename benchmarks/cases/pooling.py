"""Pooling, forward and backward."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient
from kernels.geometry import output_size


def _cases(name, function, shape, kernel_size, stride, quick):
    def pool(F, x):
        return getattr(F, function)(x, kernel_size, stride)

    y = *shape[:2], *(output_size(size, kernel_size, stride, 0) for size in shape[2:])
    kind = {"max_pool2d": "maximum", "avg_pool2d": "average"}[function]
    size = "x".join(map(str, shape))
    for aspect, prepare in {FORWARD: forward(pool, shape), GRAD_INPUT: gradient(pool, shape, of=0)}.items():
        yield Case("pooling", f"{name}: {kind} {kernel_size}x{kernel_size} stride {stride}, {size}", aspect, prepare,
                   bytes=float_bytes(shape, y), quick=quick)


CASES = [
    *_cases("LeNet", "max_pool2d", (64, 6, 28, 28), 2, 2, quick=True),
    *_cases("LeNet-5", "avg_pool2d", (64, 6, 28, 28), 2, 2, quick=True),
    *_cases("AlexNet", "max_pool2d", (16, 64, 55, 55), 3, 2, quick=True),
    *_cases("VGG", "max_pool2d", (4, 64, 224, 224), 2, 2, quick=False),
    *_cases("ResNet", "avg_pool2d", (16, 512, 7, 7), 7, 7, quick=False),
]
