"""Every function and its gradient on a device, the simulator, against the CPU: that all of the way from tensors to kernels leads there."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F

DEVICE = "cuda-simulator"


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def positive(*shape):
    return abs(images(*shape)) + 0.5


PLACES = np.array([[0, 2], [2, 2]])
MASK = np.array([True, False, True])
CASES = {
    "add": (lambda a, b: a + b, images(2, 3), images(3)),
    "subtract": (lambda a, b: a - b, images(2, 3), images(2, 1)),
    "multiply": (lambda a, b: a * b, images(2, 3), images(2, 3)),
    "divide": (lambda a, b: a / b, images(2, 3), positive(2, 3)),
    "numbers": (lambda a: 2 / (1 - 3 * (a + 1) / 4) - a ** 2, images(2, 3)),
    "power": (lambda a, b: a ** b, positive(2, 3), images(2, 3)),
    "power of zero": (lambda a, b: a ** b, np.float32([0, 0, 2]), np.float32([0, 2, 0])),
    "power of a number": (lambda a: 2 ** a, images(2, 3)),
    "zeroth power": (lambda a: a ** 0, np.float32([0, 1, 2])),
    "negative": (lambda a: -a, images(5)),
    "exp log sqrt": (lambda a: a.exp().log().sqrt(), positive(5)),
    "abs": (lambda a: abs(a), images(5)),
    "relu": (F.relu, images(2, 3)),
    "leaky_relu": (F.leaky_relu, images(2, 3)),
    "tanh sigmoid": (lambda a: F.sigmoid(F.tanh(a)), images(2, 3)),
    "sum": (lambda a: a.sum((0, 2)), images(2, 3, 4)),
    "mean": (lambda a: a.mean(1, keepdim=True), images(2, 3, 4)),
    "max": (lambda a: a.max(1).values, images(2, 3, 4)),
    "softmax": (lambda a: F.softmax(a, 0), images(3, 4)),
    "log_softmax": (lambda a: F.log_softmax(a, 1), images(3, 4)),
    "cross_entropy": (lambda a: F.cross_entropy(a, mc.tensor(np.array([1, 0, 3])).to(a.device), label_smoothing=0.1), images(3, 4)),
    "ignored labels": (lambda a: F.cross_entropy(a, mc.tensor(np.array([1, -100, 3])).to(a.device)), images(3, 4)),
    "mse_loss": (F.mse_loss, images(3, 4), images(3, 4, seed=1)),
    "matmul": (lambda a, b: a @ b, images(2, 3), images(3, 4)),
    "linear": (F.linear, images(2, 3), images(4, 3), images(4)),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, 2, 1), images(1, 2, 4, 4), images(2, 2, 3, 3), images(2)),
    "depthwise": (lambda x, w: F.conv2d(x, w, groups=2), images(1, 2, 4, 4), images(2, 1, 3, 3)),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2), images(1, 2, 2, 2), images(2, 2, 3, 3), images(2)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, 2, 1), images(1, 2, 4, 4)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), images(1, 2, 4, 4)),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), images(1, 2, 4, 4)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), images(1, 2, 4, 4)),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), images(1, 2, 2, 3)),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), images(2, 3, 2, 2), images(3), images(3)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), images(1, 4, 2, 2)),
    "pad": (lambda x: F.pad(x, (1, 2), "reflect"), images(2, 4)),
    "cat": (lambda a, b: F.cat([a, b], 1), images(2, 3), images(2, 1)),
    "stack": (lambda a, b: F.stack([a, b], 1), images(2, 3), images(2, 3)),
    "reshape permute": (lambda a: a.reshape(3, 2, 4).permute(2, 0, 1).flatten(1), images(2, 3, 4)),
    "transpose": (lambda a: a.T.unsqueeze(0).squeeze(), images(3, 4)),
    "slices": (lambda a: a[1:, ::-1, None, ..., 2], images(2, 3, 4)),
    "places": (lambda a: a[PLACES], images(3, 4)),
    "places in an axis": (lambda a: a[:, PLACES], images(2, 3)),
    "mask": (lambda a: a[MASK], images(3, 4)),
    "double": (lambda a: a.double().float(), images(3)),
    "clone": (lambda a: a.clone(), images(3)),
    "to": (lambda a: a.cpu().to(a.device), images(3)),
}


def run(function, arrays, where):
    """The output, and the gradients of the inputs."""
    leaves = [mc.tensor(array, requires_grad=True) for array in arrays]
    for leaf in leaves:
        leaf.array = leaf.detach().to(where).array
    output = function(*leaves)
    assert output.device == where
    output.backward(mc.tensor(images(*output.shape, seed=7)).to(where))
    return [output.detach().cpu().numpy(), *[leaf.grad.cpu().numpy() for leaf in leaves]]


@pytest.mark.parametrize("name", CASES)
def test_device_agrees_with_cpu(name):
    function, *arrays = CASES[name]
    for found, expected in zip(run(function, arrays, DEVICE), run(function, arrays, "cpu")):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_dropout_is_that_of_the_cpu():
    x = images(40)
    results = []
    for where in ("cpu", DEVICE):
        mc.manual_seed(3)
        results.append(F.dropout(mc.tensor(x).to(where)).cpu().numpy())
    np.testing.assert_array_equal(*results)


def test_values_without_gradients():
    x = images(3, 4)
    on_device, on_host = mc.tensor(x).to(DEVICE), mc.tensor(x)
    for question in (lambda t: t.argmax(), lambda t: t.argmax(0), lambda t: t.argmax(1, keepdim=True), lambda t: t > 0, lambda t: t == t,
                     lambda t: (t <= t.mean()).sum(), lambda t: t.long(), lambda t: (t > 0).sum(1), lambda t: t != 1):
        found, expected = question(on_device), question(on_host)
        assert found.device == DEVICE and found.dtype == expected.dtype
        np.testing.assert_array_equal(found.cpu().numpy(), expected.numpy())
    assert on_device[0, 1].item() == x[0, 1] and on_device.tolist() == x.tolist() and bool(on_device[0, 0] == x[0, 0])


def test_labels_are_checked():
    logits = mc.tensor(images(2, 3)).to(DEVICE)
    with pytest.raises(IndexError, match="label 3 in row 1 is no class"):
        F.cross_entropy(logits, mc.tensor(np.array([0, 3])).to(DEVICE))
    made_there = mc.tensor(np.array([0.0, 1.0])).to(DEVICE).long()
    assert np.isfinite(F.cross_entropy(logits, made_there).item())
