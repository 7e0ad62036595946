"""DeconvNet: the passes of Zeiler & Fergus written out, PyTorch, and what a projection may touch."""
import numpy as np
import pytest

import minicnn as mc
from kernels import reference
from minicnn import functional as F, models, nn
from minicnn.data import photographs
from minicnn.errors import InputError
from minicnn.training.seeing import look
from minicnn.visualize import deconvnet, layers
from minicnn.visualize.strongest import strongest


class Small(nn.Module):
    """Three convolutions; a pooling with windows that overlap, and one without; a row of numbers."""

    input_shape = (2, 13, 11)

    def __init__(self):
        mc.manual_seed(0)
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(2, 5, 3, padding=1), nn.Conv2d(5, 6, 3, padding=1), nn.Conv2d(6, 4, 3)
        self.conv3.bias.copy_(np.full(4, 0.8))   # so that no map is 0 everywhere
        self.fc = nn.Linear(4 * 2 * 1, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 3, 2)             # (N, 5, 6, 5)
        x = F.relu(self.conv3(F.relu(self.conv2(x))))             # (N, 4, 4, 3)
        x = F.max_pool2d(x, 2)                                    # (N, 4, 2, 1)
        return self.fc(F.flatten(x, 1))


@pytest.fixture
def small():
    return Small()


def images(model, count=3):
    return mc.tensor(np.random.default_rng(1).standard_normal((count, *model.input_shape)).astype(np.float32))


def written_out(model, x, channel, position):
    """The passes up and down, in the reference kernels: switches, then unpool, rectify, filter. From conv3's map `channel`."""
    def convolve(x, layer, padding):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        y = np.zeros((len(x), len(weight), *(size + 2 * padding - 2 for size in x.shape[2:])), np.float32)
        reference.conv2d(x, weight, bias, y, (1, 1), (padding, padding), (1, 1), 1)
        return y

    def filter_transposed(signal, layer, shape, padding):
        down = np.zeros(shape, np.float32)
        reference.conv2d_grad_input(signal, layer.weight.detach().numpy(), down, (1, 1), (padding, padding), (1, 1), 1)
        return down

    first = np.maximum(convolve(x, model.conv1, 1), 0)
    pooled = np.zeros((*first.shape[:2], 6, 5), np.float32)
    switches = np.zeros(pooled.shape, np.uint8)
    reference.max_pool2d(first, pooled, switches, (3, 3), (2, 2), (0, 0))
    second = np.maximum(convolve(pooled, model.conv2, 1), 0)
    third = np.maximum(convolve(second, model.conv3, 0), 0)

    alone = np.zeros_like(third)
    alone[:, channel, position[0], position[1]] = third[:, channel, position[0], position[1]]
    signal = filter_transposed(np.maximum(alone, 0), model.conv3, second.shape, 0)
    signal = filter_transposed(np.maximum(signal, 0), model.conv2, pooled.shape, 1)
    unpooled = np.zeros_like(first)
    reference.max_pool2d_grad_input(signal, switches, unpooled, (3, 3), (2, 2), (0, 0))
    return third, filter_transposed(np.maximum(unpooled, 0), model.conv1, x.shape, 1)


@pytest.mark.parametrize("channel", range(4))
def test_it_is_unpooling_rectifying_and_filtering(small, channel):
    x = images(small, 1)
    maps = written_out(small, x.numpy(), channel, (0, 0))[0][0, channel]
    position = np.unravel_index(maps.argmax(), maps.shape)
    _, expected = written_out(small, x.numpy(), channel, position)
    found = deconvnet.project(small, x, layers.find(small, "conv3"), channel)
    assert tuple(found.positions[0]) == position
    assert found.activations[0] == pytest.approx(maps.max(), rel=1e-5) and maps.max() > 0
    np.testing.assert_allclose(found.signal.numpy(), expected, rtol=1e-4, atol=1e-5 * abs(expected).max())
    assert abs(expected).max() > 0
    by_rule = {rule: deconvnet.project(small, x, layers.find(small, "conv3"), channel, rule=rule).signal.numpy()
               for rule in ("backprop", "guided")}
    assert all(abs(other - expected).max() > 0.01 * abs(expected).max() for other in by_rule.values())


def test_each_image_has_a_unit_of_its_own(small):
    x, layer = images(small), layers.find(small, "conv3")
    channels, positions = [3, 0, 2], [(1, 2), (0, 0), (3, 1)]
    together = deconvnet.project(small, x, layer, channels, positions)
    np.testing.assert_array_equal(together.positions, positions)
    for place in range(3):
        alone = deconvnet.project(small, x[place:place + 1], layer, channels[place], positions[place:place + 1])
        np.testing.assert_allclose(together.signal.numpy()[place], alone.signal.numpy()[0], rtol=1e-4, atol=1e-6)
        assert together.activations[place] == pytest.approx(alone.activations[0], rel=1e-5)


def test_backprop_is_the_gradient_times_the_activation(small):
    x = images(small, 1)
    found = deconvnet.project(small, x, layers.find(small, "conv3"), 1, rule="backprop")
    row, column = found.positions[0]
    leaf = mc.tensor(x.numpy(), requires_grad=True)
    output, = layers.outputs(small, leaf, [layers.find(small, "conv3")])
    gradient, = mc.grad(output[0, 1, int(row), int(column)], [leaf])
    np.testing.assert_allclose(found.signal.numpy(), found.activations[0] * gradient.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name, channel, position", [("conv2", 1, (2, 1)), ("conv3", 0, (0, 0)), ("conv1", 4, (0, 10)),
                                                     ("conv1", 2, (6, 5))])
def test_it_touches_only_what_the_unit_sees(small, name, channel, position):
    x, layer = images(small, 2), layers.find(small, name)
    signal = deconvnet.project(small, x, layer, channel, [position] * 2, rule="backprop").signal.numpy()
    top, left, bottom, right = layer.seen_from(*position)
    inside = np.zeros(signal.shape, bool)
    inside[:, :, max(top, 0):bottom, max(left, 0):right] = True
    assert not signal[~inside].any()
    every = sum(abs(deconvnet.project(small, x, layer, channel, [position] * 2, rule).signal.numpy()) for rule in F.activation.RULES)
    assert not every[~inside].any() and not inside.all()


def test_a_row_of_numbers_can_be_projected_too(small):
    x = images(small, 2)
    found = deconvnet.project(small, x, layers.find(small, "fc"), 2)
    np.testing.assert_allclose(found.activations, small(x).detach().numpy()[:, 2], rtol=1e-4)
    assert found.positions.tolist() == [[0, 0], [0, 0]] and found.signal.shape == x.shape


def test_the_network_is_left_as_it_was(small):
    small.train()
    small.fc.weight.requires_grad = False
    before = {name: value.numpy().copy() for name, value in small.state_dict().items()}
    deconvnet.project(small, images(small), layers.find(small, "conv3"), 0)
    assert small.training and small.conv1.training
    assert [parameter.requires_grad for parameter in small.parameters()] == [True] * 6 + [False, True]
    assert all(parameter.grad is None for parameter in small.parameters())
    assert all(np.array_equal(before[name], value.numpy()) for name, value in small.state_dict().items())


def test_an_unknown_map(small):
    with pytest.raises(InputError, match="layer 'conv3' has channels 0 to 3, and no channel 4"):
        deconvnet.project(small, images(small), layers.find(small, "conv3"), 4)
    with pytest.raises(InputError, match="layer 'conv3' has channels 0 to 3, and no channel -1"):
        deconvnet.project(small, images(small), layers.find(small, "conv3"), [0, 1, -1])
    with pytest.raises(InputError, match="maps of layer 'conv3' are 4 x 3 pixels, counted from 0, and have none at"):
        deconvnet.project(small, images(small, 1), layers.find(small, "conv3"), 0, [(4, 0)])


def test_answers_project_what_was_found(small):
    x, layer = images(small, 6), layers.find(small, "conv3")
    found, = strongest(small, [(layer, 1)], x.numpy(), 3)
    answers = deconvnet.answers(small, layer, 1, found)
    assert [answer.strong for answer in answers] == found
    for answer in answers:
        one = deconvnet.project(small, mc.tensor(answer.strong.x[None]), layer, 1)
        np.testing.assert_allclose(answer.signal, one.signal.numpy()[0], rtol=1e-4, atol=1e-6)
        assert one.activations[0] == pytest.approx(answer.strong.activation, rel=1e-5)
    assert deconvnet.answers(small, layer, 1, []) == []


def test_on_another_device(small):
    x = mc.tensor(images(small, 1).numpy()[:, :, :9, :9])
    layer = layers.find(small, "conv3")
    expected = deconvnet.project(small, x, layer, 2)
    found = deconvnet.project(small.to("cuda-simulator"), x.to("cuda-simulator"), layer, 2)
    assert found.signal.device == "cuda-simulator"
    np.testing.assert_allclose(found.signal.cpu().numpy(), expected.signal.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found.positions, expected.positions)


@pytest.fixture(scope="module")
def squeezenet():
    return models.get("squeezenet", weights="imagenet").eval()


def in_torch(torch, network, x, name, channel):
    """A map of a fire module of SqueezeNet, and what its maximum is projected to, by a ReLU that rectifies what comes back."""
    class Rectified(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, gradient):
            return gradient.clamp(min=0)

    weights = {key: torch.from_numpy(value.numpy()) for key, value in network.state_dict().items()}
    relu = Rectified.apply

    def convolve(x, key, **settings):
        return relu(torch.nn.functional.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"], **settings))

    leaf = torch.from_numpy(x).requires_grad_()
    y = convolve(leaf, "features.0", stride=2, padding=1)
    names = {path: paper for paper, path in network.layer_names.items()}
    for place in range(2, 13):
        if place in (2, 5, 8):
            y = torch.nn.functional.max_pool2d(y, 3, 2)
        else:
            y = convolve(y, f"features.{place}.squeeze")
            y = torch.cat([convolve(y, f"features.{place}.expand1x1"), convolve(y, f"features.{place}.expand3x3", padding=1)], 1)
        if names[f"features.{place}"] == name:
            break
    maps = y[0, channel]
    maps.max().mul(maps.max().detach()).backward()
    return maps.detach().numpy(), leaf.grad.numpy()


@pytest.mark.parametrize("name, channel", [("fire3", 70), ("fire5", 195), ("fire9", 426)])
def test_squeezenet_in_pytorch_agrees(torch, squeezenet, name, channel):
    x = look(squeezenet, photographs.EXAMPLES / "chelsea.jpg").x
    maps, signal = in_torch(torch, squeezenet, x.numpy(), name, channel)
    found = deconvnet.project(squeezenet, x, layers.find(squeezenet, name), channel)
    assert tuple(found.positions[0]) == np.unravel_index(maps.argmax(), maps.shape)
    assert found.activations[0] == pytest.approx(maps.max(), rel=1e-4)
    assert np.linalg.norm(found.signal.numpy() - signal) <= 1e-4 * np.linalg.norm(signal)
