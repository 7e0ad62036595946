"""Matrix products and convolutions: what is bound by arithmetic."""
from benchmarks import networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import FORWARD, GRAD_INPUT, GRAD_WEIGHT, float_bytes
from benchmarks.cases.convolution import Layer, layers_of
from benchmarks.cuda.case import Case
from kernels.geometry import output_size

_BATCH = 32
_NETWORKS = networks.VGG16, networks.RESNET18, networks.RESNET50

# Those that are measured also without --full: something of every kind.
_QUICK = {
    Layer(3, 64, 224, 3, padding=1), Layer(64, 64, 224, 3, padding=1), Layer(128, 128, 112, 3, padding=1),
    Layer(256, 256, 56, 3, padding=1), Layer(512, 512, 28, 3, padding=1),
    Layer(3, 64, 224, 7, stride=2, padding=3), Layer(64, 64, 56, 3, padding=1), Layer(128, 128, 28, 3, padding=1),
    Layer(256, 256, 14, 3, padding=1), Layer(512, 512, 7, 3, padding=1), Layer(64, 128, 56, 3, stride=2, padding=1),
    Layer(64, 256, 56, 1), Layer(1024, 256, 14, 1), Layer(512, 1024, 28, 1, stride=2),
}


def _product(rows, columns, depth, transpose_a=False, transpose_b=False):
    """c = op(a) op(b); c is given, so nothing is allocated."""
    def prepare(contender):
        a = contender.array(random_array(*((depth, rows) if transpose_a else (rows, depth)), number=1))
        b = contender.array(random_array(*((columns, depth) if transpose_b else (depth, columns)), number=2))
        c = contender.empty((rows, columns), "float32")
        if contender.kernels:
            def multiply():
                contender.kernels.matmul(a, b, c, transpose_a, transpose_b)
                return c
        else:
            left, right = a.t() if transpose_a else a, b.t() if transpose_b else b

            def multiply():
                return contender.library.mm(left, right, out=c)
        return multiply
    return prepare


def _products(subject, aspects, rows, columns, depth, quick=True):
    for aspect, transposed in aspects.items():
        sizes = rows, columns, depth
        yield Case("matrix product", subject, aspect, _product(*sizes, *transposed), multiply_adds=rows * columns * depth,
                   bytes=float_bytes((rows, depth), (depth, columns), (rows, columns)), quick=quick)


def _square(rows, columns, depth, quick=(True, False, False, False)):
    aspects = {"a b": (False, False), "a b'": (False, True), "a' b": (True, False), "a' b'": (True, True)}
    for (aspect, transposed), in_quick in zip(aspects.items(), quick):
        yield from _products(f"{rows} x {columns} x {depth}", {aspect: transposed}, rows, columns, depth, in_quick)


def _linear(name, batch, inputs, outputs, quick=True):
    """A fully connected layer's three products: x weight', grad_y weight, grad_y' x."""
    subject = f"{name}: {inputs} to {outputs}, batch {batch}"
    yield from _products(subject, {FORWARD: (False, True)}, batch, outputs, inputs, quick)
    yield from _products(subject, {GRAD_INPUT: (False, False)}, batch, inputs, outputs, quick)
    yield from _products(subject, {GRAD_WEIGHT: (True, False)}, outputs, inputs, batch, quick)


def _convolution(layer, aspect, x_shape, weight_shape, y_shape):
    """One pass, each in the function that a backward pass would call."""
    stride, padding, dilation = (layer.stride,) * 2, (layer.padding,) * 2, (1, 1)

    def prepare(contender):
        def make(shape, number, given):
            return contender.array(random_array(*shape, number=number)) if given else contender.empty(shape, "float32")

        x, weight, y = (make(shape, number, aspect != written) for number, (shape, written) in enumerate(
            ((x_shape, GRAD_INPUT), (weight_shape, GRAD_WEIGHT), (y_shape, FORWARD))))
        if contender.kernels:
            function, arguments, result = {
                FORWARD: (contender.kernels.conv2d, (x, weight, None, y), y),
                GRAD_INPUT: (contender.kernels.conv2d_grad_input, (y, weight, x), x),
                GRAD_WEIGHT: (contender.kernels.conv2d_grad_weight, (y, x, weight), weight)}[aspect]

            def convolve():
                function(*arguments, stride, padding, dilation, 1)
                return result
        else:
            operations, more = contender.library.ops.aten, (stride, padding, dilation, False, (0, 0), 1)
            wanted = [aspect == GRAD_INPUT, aspect == GRAD_WEIGHT, False]

            def convolve():
                if aspect == FORWARD:
                    return operations.convolution(x, weight, None, *more)
                return operations.convolution_backward(y, x, weight, None, *more, wanted)[wanted.index(True)]
        return convolve
    return prepare


def _convolutions():
    users = {}
    for network in _NETWORKS:
        for layer in layers_of(network):
            users.setdefault(layer, []).append(network.name)
    for layer, names in users.items():
        yield from _passes(layer, names, _BATCH, layer in _QUICK)


def _passes(layer, names, batch, quick):
    """Forward and both gradients of a layer, but for the images' gradient, which nobody needs."""
    size = output_size(layer.size, layer.kernel_size, layer.stride, layer.padding)
    x = batch, layer.channels, layer.size, layer.size
    weight = layer.filters, layer.channels, layer.kernel_size, layer.kernel_size
    y = batch, layer.filters, size, size
    stride = f" stride {layer.stride}" * (layer.stride > 1)
    subject = (f"{', '.join(names)}: {layer.channels} to {layer.filters}, {layer.kernel_size}x{layer.kernel_size}{stride} on "
               f"{layer.size}x{layer.size}, batch {batch}")
    for aspect in (FORWARD, GRAD_INPUT, GRAD_WEIGHT)[::2 if layer.channels == 3 else 1]:
        yield Case("convolution", subject, aspect, _convolution(layer, aspect, x, weight, y),
                   batch * size ** 2 * layer.filters * layer.channels * layer.kernel_size ** 2, float_bytes(x, weight, y), quick)


PRODUCTS = [*_square(4096, 4096, 4096, (True, True, False, False)), *_square(2048, 2048, 512), *_square(1024, 1024, 1024),
            *_linear("LeNet fc1", 64, 400, 120), *_linear("AlexNet fc2", 128, 4096, 4096), *_linear("VGG-16 fc1", 32, 25088, 4096),
            *_linear("ResNet-50 fc", 64, 2048, 1000, quick=False)]
CONVOLUTIONS = [*_convolutions()]
