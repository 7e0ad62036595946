"""What is bound by memory, at sizes beyond the GPU's cache; and one step of an optimiser."""
import math

import numpy as np

from benchmarks import networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import FLOAT, FORWARD, GRAD_INPUT, float_bytes
from benchmarks.cuda.case import Case
from benchmarks.cuda.contenders import SINGLE

_LARGE = 32, 64, 224, 224     # 411 MB: VGG-16's first images
_RESNET = 64, 64, 112, 112    # 206 MB: behind ResNet's first convolution
_STAGE_3 = 64, 1024, 14, 14
_LAST = 128, 2048, 7, 7
_INT64, _UINT8 = 8, 1         # bytes
_EPSILON = 1e-5

# name of the optimiser: its settings, and how many floats a step moves for a parameter
_OPTIMIZERS = {"SGD with momentum": ("SGD", {"momentum": 0.9}, 5), "Adam": ("Adam", {}, 7)}


def _case(group, subject, aspect, ours, theirs, inputs, outputs, bytes=None, quick=True, tolerance=1e-3):
    """ours(kernels, *inputs, *outputs) writes the outputs, the first of which is compared; theirs(torch, *inputs) returns it.

    inputs are shapes or functions that make an array, outputs are shapes or pairs (shape, dtype).
    """
    def prepare(contender):
        arrays = [contender.array(make() if callable(make) else random_array(*make, number=number)) for number, make in enumerate(inputs)]
        if contender.kernels is None:
            return lambda: theirs(contender.library, *arrays)
        made = [contender.empty(*output) if isinstance(output[-1], str) else contender.empty(output, "float32") for output in outputs]

        def compute():
            ours(contender.kernels, *arrays, *made)
            return made[0]
        return compute

    if bytes is None:
        bytes = float_bytes(*inputs, *outputs)
    return Case(group, f"{subject}, {'x'.join(map(str, inputs[0]))}" if isinstance(inputs[0], tuple) else subject, aspect, prepare,
                bytes=bytes, quick=quick, precisions=(SINGLE,), tolerance=tolerance)


def _pointwise(shape, quick=True):
    yield _case("pointwise", "copy", FORWARD, lambda kernels, x, y: _copy(x, y), lambda torch, x: x.clone(), [shape], [shape], quick=quick)
    yield _case("pointwise", "ReLU", FORWARD, lambda kernels, x, y: kernels.relu(x, y), lambda torch, x: torch.relu(x), [shape], [shape],
                quick=quick)
    yield _case("pointwise", "ReLU", GRAD_INPUT, lambda kernels, grad, y, out: kernels.relu_grad_input(grad, y, out),
                lambda torch, grad, y: torch.ops.aten.threshold_backward(grad, y, 0), [shape, shape], [shape], quick=quick)
    yield _case("pointwise", "a + b", FORWARD, lambda kernels, a, b, y: kernels.add(a, b, y), lambda torch, a, b: a + b, [shape, shape],
                [shape], quick=quick)


def _copy(x, y):
    from kernels.cuda.moving import copy

    copy(x, y)


def _batch_norm(shape, quick=True):
    channels = shape[1:2]
    subject = "batch norm in training"
    yield _case("normalisation", subject, FORWARD,
                lambda kernels, x, weight, bias, y, mean, variance: kernels.batch_norm_training(
                    x, weight, bias, None, mean, variance, y, _EPSILON, False),
                lambda torch, x, weight, bias: torch.nn.functional.batch_norm(x, None, None, weight, bias, True, eps=_EPSILON),
                [shape, channels, channels], [shape, channels, channels], float_bytes(shape, shape), quick)

    def prepare(contender):
        x, weight, bias, grad = (contender.array(random_array(*size, number=number))
                                 for number, size in enumerate((shape, channels, channels, shape)))
        if contender.kernels is None:
            operations = contender.library.ops.aten
            _, *kept, kind = operations._batch_norm_impl_index(x, weight, bias, None, None, True, 0.1, _EPSILON, True)
            mean, deviation, reserve = kept
            return lambda: operations._batch_norm_impl_index_backward(
                kind, x, grad, weight, None, None, mean, deviation, True, _EPSILON, [True, True, True], reserve)[0]
        mean, variance, grad_weight, grad_bias = (contender.empty(channels, "float32") for _ in range(4))
        y, grad_x = contender.empty(shape, "float32"), contender.empty(shape, "float32")
        contender.kernels.batch_norm_training(x, weight, bias, None, mean, variance, y, _EPSILON, False)

        def compute():
            contender.kernels.batch_norm_grad(grad, x, mean, variance, weight, None, grad_x, grad_weight, grad_bias, None, _EPSILON, True)
            return grad_x
        return compute

    yield Case("normalisation", f"{subject}, {'x'.join(map(str, shape))}", "gradients", prepare, bytes=float_bytes(shape, shape, shape),
               quick=quick, precisions=(SINGLE,))


def _max_pooling(shape, window, stride, padding, quick=True):
    out = *shape[:2], *((size + 2 * padding - window) // stride + 1 for size in shape[2:])
    name = f"maximum {window}x{window} stride {stride}"
    settings = (window,) * 2, (stride,) * 2, (padding,) * 2
    yield _case("pooling", name, FORWARD, lambda kernels, x, y, switches: kernels.max_pool2d(x, y, switches, *settings),
                lambda torch, x: torch.ops.aten.max_pool2d_with_indices(x, *settings)[0], [shape], [out, (out, "uint8")],
                float_bytes(shape, out) + _UINT8 * math.prod(out), quick)

    def prepare(contender):
        x, grad = contender.array(random_array(*shape)), contender.array(random_array(*out, number=1))
        if contender.kernels:
            y, switches, grad_x = contender.empty(out, "float32"), contender.empty(out, "uint8"), contender.empty(shape, "float32")
            contender.kernels.max_pool2d(x, y, switches, *settings)

            def compute():
                contender.kernels.max_pool2d_grad_input(grad, switches, grad_x, *settings)
                return grad_x
            return compute
        operations = contender.library.ops.aten
        _, places = operations.max_pool2d_with_indices(x, *settings)
        return lambda: operations.max_pool2d_with_indices_backward(grad, x, *settings, (1, 1), False, places)

    yield Case("pooling", f"{name}, {'x'.join(map(str, shape))}", GRAD_INPUT, prepare, quick=quick, precisions=(SINGLE,),
               bytes=float_bytes(shape, out) + _UINT8 * math.prod(out))


def _reductions():
    mean = *_LAST[:2], 1, 1
    yield _case("pooling", "mean of all pixels", FORWARD, lambda kernels, x, y: kernels.adaptive_avg_pool2d(x, y),
                lambda torch, x: x.mean((2, 3), keepdim=True), [_LAST], [mean])
    yield _case("reduction", "sum for each channel", FORWARD, lambda kernels, x, y: kernels.sum(x, y, (0, 2, 3)),
                lambda torch, x: x.sum((0, 2, 3), keepdim=True), [_RESNET], [(1, 64, 1, 1)], tolerance=1e-2)


def _softmax(rows, classes):
    logits, subject = (rows, classes), f"{rows} x {classes} classes"

    def labels():
        return np.arange(rows, dtype=np.int64) * 7 % classes

    yield _case("softmax", "log softmax", FORWARD, lambda kernels, x, y: kernels.log_softmax(x, y),
                lambda torch, x: torch.log_softmax(x, 1), [logits], [logits])
    yield _case("softmax", f"cross entropy, {subject}", FORWARD,
                lambda kernels, numbers, x, losses, probabilities: kernels.cross_entropy(x, numbers, losses, probabilities, 0.0, -100),
                lambda torch, numbers, x: torch.nn.functional.cross_entropy(x, numbers, reduction="none"),
                [labels, logits], [(rows,), logits], float_bytes(logits, logits) + rows * (_INT64 + FLOAT))


def _step(name, settings, shapes):
    def prepare(contender):
        library = contender.library
        parameters = [library.nn.Parameter(contender.tensor(random_array(*shape))) for shape in shapes]
        for parameter in parameters:
            parameter.grad = contender.tensor(random_array(*parameter.shape))
        more = {} if contender.kernels else {"fused": True}   # PyTorch's fastest form, and one that can be recorded
        if more and name == "Adam":
            more["capturable"] = parameters[0].is_cuda
        optimizer = getattr(library.optim, name)(parameters, lr=1e-3, **settings, **more)

        def step():
            optimizer.step()
            return parameters[0]
        return step
    return prepare


def _optimizers():
    shapes = _parameter_shapes(networks.RESNET50)
    for aspect, (name, settings, floats) in _OPTIMIZERS.items():
        yield Case("optimiser", f"ResNet-50's {len(shapes)} parameters", aspect, _step(name, settings, shapes),
                   bytes=floats * FLOAT * sum(map(math.prod, shapes)), precisions=(SINGLE,))


def _parameter_shapes(network):
    import minicnn

    return [parameter.shape for parameter in network.build(minicnn).parameters()]


CASES = [*_pointwise(_LARGE), *_batch_norm(_RESNET), *_batch_norm(_STAGE_3, quick=False), *_max_pooling(_RESNET, 3, 2, 1),
         *_max_pooling(_LARGE, 2, 2, 0, quick=False), *_reductions(), *_softmax(131072, 1000), *_optimizers()]
