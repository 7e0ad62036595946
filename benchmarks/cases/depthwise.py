"""Depthwise and transposed convolutions: layers of MobileNet and EfficientNet, of U-Net and of generators."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, GRAD_WEIGHT, Case, float_bytes, forward, gradient
from kernels.geometry import output_size, transposed_output_size


def _cases(group, name, convolve, batch, size, out, channels, filters, weight, multiply_adds, quick):
    x, y = (batch, channels, size, size), (batch, filters, out, out)
    passes = {FORWARD: forward(convolve, x, weight), GRAD_INPUT: gradient(convolve, x, weight, of=0),
              GRAD_WEIGHT: gradient(convolve, x, weight, of=1)}
    for aspect, prepare in passes.items():
        yield Case(group, f"{name} on {size}x{size}, batch {batch}", aspect, prepare, multiply_adds, float_bytes(x, weight, y), quick)


def _depthwise(channels, size, kernel_size=3, stride=1, batches=(1, 16), quick=0):
    """`quick`: the batch that is measured also without --full."""
    def convolve(F, x, weight):
        return F.conv2d(x, weight, None, stride, kernel_size // 2, 1, channels)

    out = output_size(size, kernel_size, stride, kernel_size // 2)
    name = f"{channels}, {kernel_size}x{kernel_size}" + f" stride {stride}" * (stride > 1)
    for batch in batches:
        yield from _cases("depthwise", name, convolve, batch, size, out, channels, channels,
                          (channels, 1, kernel_size, kernel_size), batch * channels * (out * kernel_size) ** 2, batch == quick)


def _transposed(channels, filters, size, kernel_size, padding, batches, quick=0):
    def convolve(F, x, weight):
        return F.conv_transpose2d(x, weight, None, 2, padding)

    out = transposed_output_size(size, kernel_size, 2, padding, 0)
    for batch in batches:
        yield from _cases("transposed", f"{channels} to {filters}, {kernel_size}x{kernel_size} stride 2", convolve, batch, size,
                          out, channels, filters, (channels, filters, kernel_size, kernel_size),
                          batch * channels * filters * (size * kernel_size) ** 2, batch == quick)


CASES = [
    *_depthwise(32, 14, batches=(2,)),
    *_depthwise(32, 112, quick=1),
    *_depthwise(128, 56, quick=16),
    *_depthwise(512, 14, quick=16),
    *_depthwise(960, 7),
    *_depthwise(64, 112, stride=2, quick=16),
    *_depthwise(240, 28, kernel_size=5),
    *_transposed(8, 4, 14, 2, 0, batches=(2,)),
    *_transposed(128, 64, 56, 2, 0, batches=(1, 16), quick=1),
    *_transposed(256, 128, 16, 4, 1, batches=(16,), quick=16),
]
