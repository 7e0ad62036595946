"""Networks with weights that cost little to make, and the comparison with PyTorch that all of them must stand."""
import numpy as np

import kernels.cpu
import minicnn as mc
from minicnn import models, nn


def build(name, **wishes):
    """models.get without drawing initial weights: they are zeros."""
    with nn.init.skipped():
        return models.get(name, **wishes)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def images(*shape):
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def random_state(shapes):
    """{name: array} for {name: shape}, so that signals keep their size. Batch normalisations are neither new nor far from it; the
    last of each block of a ResNet is weak, because what many blocks add would grow without end."""
    chance = np.random.default_rng(0)
    normal = chance.standard_normal(999_983, np.float32)   # large layers repeat these; a prime, so that no two rows are equal
    last = {name.rpartition("bn")[0]: name for name in shapes if name.startswith("layer") and ".bn" in name and name.endswith(".weight")}
    state = {}
    for name, shape in shapes.items():
        kind = name.rpartition(".")[2]
        if kind == "num_batches_tracked":
            state[name] = np.array(7)
        elif len(shape) > 1:
            std = np.float32(np.sqrt(2 / np.prod(shape[1:])))
            state[name] = np.resize(np.roll(normal, chance.integers(len(normal))) * std, shape)
        elif kind in ("running_var", "weight"):
            state[name] = chance.uniform(0.7, 1.3, shape).astype(np.float32) * (0.2 if name in last.values() else 1)
        else:
            state[name] = chance.normal(0, 0.1, shape).astype(np.float32)
    return state


def randomise(module):
    """Give a network or a layer a random state. Returns it."""
    module.load_state_dict(random_state({name: tensor.shape for name, tensor in module.state_dict().items()}))
    return module


def distance(values, expected):
    """Relative L2."""
    values, expected = np.asarray(values, np.float64), np.asarray(expected, np.float64)
    assert values.shape == expected.shape
    return np.linalg.norm(values - expected) / np.linalg.norm(expected)


def as_torch(torch, module):
    """The state of a module as tensors of PyTorch that share its memory."""
    return {name: torch.from_numpy(tensor.numpy()) for name, tensor in module.state_dict().items()}


def assert_is_torchvision_s(name, torch, torch_networks):
    """The variant "torchvision" takes PyTorch's state strictly, gives PyTorch's scores with it, and gives the state back unchanged."""
    theirs, ours = torch_networks.make(name).eval(), build(name, variant="torchvision").eval()
    state = random_state({key: tuple(value.shape) for key, value in theirs.state_dict().items()})
    theirs.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()}, strict=True, assign=True)
    ours.load_state_dict(theirs.state_dict())
    x = images(1, 3, 224, 224)
    with torch.no_grad(), mc.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
        assert 0.1 < expected.std() < 30 and expected.shape == (1, 1000)   # else there is nothing to compare
        assert distance(ours(mc.tensor(x)).numpy(), expected) <= 5e-5
        with kernels.cpu.algorithm("direct"):
            assert distance(ours(mc.tensor(x)).numpy(), expected) <= 1e-5
    back = as_torch(torch, ours)
    torch_networks.make(name).load_state_dict(back, strict=True, assign=True)
    assert list(back) == list(state)   # in the same order, too
    assert all(np.array_equal(array, back[key].numpy()) for key, array in state.items())


def shapes_after(parts, shape):
    """The shapes (C, H, W) or (classes,) that come out of functions applied one after the other to an image (C, H, W) of zeros."""
    x, shapes = mc.zeros(1, *shape), []
    with mc.no_grad():
        for part in parts:
            x = part(x)
            shapes.append(x.shape[1:])
    return shapes


def work(function, x):
    """What the function gives for x, and how many multiply-adds it took."""
    taken = []
    with mc.no_grad(), mc.watch(lambda function, inputs, output: taken.append(function.multiply_adds)):
        return function(x), sum(taken)
