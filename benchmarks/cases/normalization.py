"""Normalisation: of batches, in training and in evaluation, and of local responses."""
from benchmarks.cases.case import FORWARD, GRAD_INPUT, Case, float_bytes, forward, gradient, random_array

_GROUP = "normalisation"
_LAYERS = {"ResNet stage 1": (16, 64, 56, 56), "ResNet stage 2": (16, 128, 28, 28), "ResNet stage 4": (16, 512, 7, 7),
           "CIFAR ResNet stage 1": (128, 16, 32, 32), "a fully connected layer": (128, 1024)}


def _batch_norm(shape, training):
    """The layer, its output or all three of its gradients; those of the input are compared."""
    def prepare(framework):
        layer = _make_layer(framework, shape, training)
        x = framework.library.tensor(random_array(*shape))

        def normalize():
            with framework.library.no_grad():
                return layer(x)
        return normalize
    return prepare


def _batch_norm_backward(shape):
    def prepare(framework):
        layer = _make_layer(framework, shape, training=True)
        x = framework.library.tensor(random_array(*shape), requires_grad=True)
        y, upstream = layer(x), framework.library.tensor(random_array(*shape, number=1))

        def backward():
            x.grad = layer.weight.grad = layer.bias.grad = None
            y.backward(upstream, retain_graph=True)
            return x.grad
        return backward
    return prepare


def _make_layer(framework, shape, training):
    nn = framework.library.nn
    return (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(shape[1]).train(training)


def _batch_norm_cases():
    for name, shape in _LAYERS.items():
        subject = f"batch norm, {name}: {'x'.join(map(str, shape))}"
        yield Case(_GROUP, subject, "forward in training", _batch_norm(shape, True), bytes=float_bytes(shape, shape))
        yield Case(_GROUP, subject, "backward in training", _batch_norm_backward(shape), bytes=float_bytes(shape, shape, shape))
        yield Case(_GROUP, subject, "forward in evaluation", _batch_norm(shape, False), bytes=float_bytes(shape, shape))


def _local_response_norm(F, x):
    return F.local_response_norm(x, 5, 1e-4, 0.75, 2.0)


def _local_response_norm_cases():
    for name, shape in {"AlexNet conv1": (16, 64, 55, 55), "AlexNet conv2": (16, 192, 27, 27)}.items():
        subject = f"local response norm, {name}: {'x'.join(map(str, shape))}"
        yield Case(_GROUP, subject, FORWARD, forward(_local_response_norm, shape), bytes=float_bytes(shape, shape))
        yield Case(_GROUP, subject, GRAD_INPUT, gradient(_local_response_norm, shape, of=0), bytes=float_bytes(shape, shape, shape))


CASES = [*_batch_norm_cases(), *_local_response_norm_cases()]
