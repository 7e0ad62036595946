"""What moves numbers more than it works on them: resampling, padding, concatenation."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient


def _cases(group, subject, function, shape, y, quick):
    for aspect, prepare in {FORWARD: forward(function, shape), GRAD_INPUT: gradient(function, shape, of=0)}.items():
        yield Case(group, subject, aspect, prepare, bytes=float_bytes(shape, y), quick=quick)


def _resampling(shape, factor, mode, quick=False):
    def resample(F, x):
        return F.interpolate(x, scale_factor=factor, mode=mode)

    y = *shape[:2], *(int(size * factor) for size in shape[2:])
    return _cases("resampling", f"{mode} x{factor}: {_name(shape)}", resample, shape, y, quick)


def _padding(shape, width, mode, quick=False):
    def pad(F, x):
        return F.pad(x, (width,) * 4, mode)

    y = *shape[:2], *(size + 2 * width for size in shape[2:])
    return _cases("padding", f"{mode}, {width} wide: {_name(shape)}", pad, shape, y, quick)


def _concatenation(name, batch, channels, size, quick=False):
    """PyTorch has `cat` not among its functions, but at the top."""
    shapes, y = [(batch, number, size, size) for number in channels], (batch, sum(channels), size, size)
    subject = f"{name}: {' + '.join(map(str, channels))} channels on {size}x{size}, batch {batch}"

    def prepare(build, **settings):
        return lambda framework: build(lambda F, *parts: framework.library.cat(parts, 1), *shapes, **settings)(framework)

    for aspect, prepared in {FORWARD: prepare(forward), GRAD_INPUT: prepare(gradient, of=0)}.items():
        yield Case("concatenation", subject, aspect, prepared, bytes=float_bytes(*shapes, y), quick=quick)


def _name(shape):
    return "x".join(map(str, shape))


CASES = [
    *_resampling((2, 8, 28, 28), 2, "nearest"),
    *_resampling((16, 64, 28, 28), 2, "nearest", quick=True),
    *_resampling((16, 64, 28, 28), 2, "bilinear", quick=True),
    *_resampling((1, 256, 28, 28), 2, "bilinear"),
    *_resampling((4, 3, 512, 512), 0.4375, "bilinear"),
    *_padding((2, 8, 28, 28), 2, "reflect"),
    *_padding((16, 64, 56, 56), 1, "constant", quick=True),
    *_padding((16, 64, 56, 56), 1, "reflect", quick=True),
    *_concatenation("LeNet's size", 2, (6, 16), 14),
    *_concatenation("GoogLeNet 3a", 1, (64, 128, 32, 32), 28),
    *_concatenation("GoogLeNet 3a", 16, (64, 128, 32, 32), 28, quick=True),
    *_concatenation("U-Net", 2, (64, 64), 224),
]
