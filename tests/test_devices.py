"""Tensors, modules and training on other devices than the CPU."""
import subprocess
import sys

import numpy as np
import pytest

import minicnn as mc
from minicnn import command, data, device, models, nn, optim
from minicnn import functional as F
from minicnn.errors import InputError
from minicnn.training import checkpoint

from kernels.cuda.rehearsal import Rehearsal

DEVICE = "cuda-simulator"


def network():
    mc.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
                         nn.Linear(2, 3))


def train(where, make_optimizer, steps=2):
    """Losses, the state afterwards, the optimiser's state, and the averaged weights."""
    model = network().to(where)
    optimizer, average = make_optimizer(model.parameters()), optim.WeightAverage(model)
    chance, losses = np.random.default_rng(0), []
    for _ in range(steps):
        x = mc.tensor(chance.standard_normal((2, 1, 4, 4)).astype(np.float32)).to(where)
        labels = mc.tensor(chance.integers(0, 3, 2)).to(where)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        average.update()
        losses.append(loss.item())
    states = model.state_dict(), optimizer.state_dict(), average.state_dict()
    return losses, [{name: device.to_host(getattr(value, "array", value)) for name, value in state.items()} for state in states]


@pytest.mark.parametrize("make_optimizer", [
    lambda parameters: optim.SGD(parameters, 0.1, 0.9, weight_decay=1e-3), lambda parameters: optim.SGD(parameters, 0.1),
    lambda parameters: optim.Adam(parameters, 0.01)], ids=["momentum", "plain", "adam"])
def test_training_agrees_with_the_cpu(make_optimizer):
    losses, states = train(DEVICE, make_optimizer)
    expected_losses, expected_states = train("cpu", make_optimizer)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    for found, expected in zip(states, expected_states):
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_to_and_back():
    model = network().to(DEVICE)
    assert {tensor.device for tensor in (*model.parameters(), *model.buffers())} == {DEVICE}
    assert "device='cuda-simulator'" in repr(model[1].bias) and mc.tensor(model[1].bias).device == DEVICE
    values = model[0].weight.detach().cpu().numpy()
    assert model.cpu()[0].weight.device == "cpu" and np.array_equal(model[0].weight.detach().numpy(), values)
    x = mc.zeros(3)
    assert x.to("cpu") is x and x.device == "cpu"
    there = x.to(DEVICE)
    assert there.to(DEVICE) is there


def test_state_goes_across_devices(tmp_path):
    """A checkpoint of one device is taken up on another."""
    model = network().to(DEVICE)
    optimizer = optim.SGD(model.parameters(), 0.1, 0.9)
    F.cross_entropy(model(mc.zeros(2, 1, 4, 4).to(DEVICE)), mc.tensor(np.array([0, 1])).to(DEVICE)).backward()
    optimizer.step()
    schedule = optim.StepLR(optimizer, 1)
    checkpoint.save(tmp_path / "run", model, optimizer, schedule, None, {"epoch": 0, "batch": 1})
    other = network()
    resumed = optim.SGD(other.parameters(), 0.1, 0.9)
    checkpoint.load(tmp_path / "run", other, resumed, optim.StepLR(resumed, 1), None)
    np.testing.assert_array_equal(other[0].weight.detach().numpy(), model[0].weight.detach().cpu().numpy())
    np.testing.assert_array_equal(resumed.state[0]["velocity"], optimizer.state[0]["velocity"].to_host())
    mc.save(model.state_dict(), tmp_path / "model.safetensors")
    model.load_state_dict(mc.load(tmp_path / "model.safetensors"))
    model.load_state_dict(other.state_dict())
    assert model[0].weight.device == DEVICE


def test_mixed_devices_are_an_error():
    here, there = mc.zeros(2, 3), mc.zeros(2, 3).to(DEVICE)
    with pytest.raises(InputError, match=r"Add: a is on 'cpu', but Add: b is on 'cuda-simulator'; bring them .*, with .to\('cpu'\)"):
        here + there
    with pytest.raises(InputError, match="Linear: x is on 'cpu', but Linear: weight is on 'cuda-simulator'"):
        F.linear(here, there)
    with pytest.raises(InputError, match="cross_entropy: logits is on 'cuda-simulator', but cross_entropy: labels is on 'cpu'"):
        F.cross_entropy(there, mc.tensor(np.array([0, 1])))
    with pytest.raises(InputError, match="one tensor is on 'cpu', the other on 'cuda-simulator'"):
        here == there  # noqa: B015
    with pytest.raises(InputError, match="Conv2d: x is on 'cpu', but Conv2d: weight is on"):
        network().to(DEVICE)(mc.zeros(1, 1, 4, 4))


def test_nothing_is_copied_behind_ones_back():
    there = mc.zeros(2).to(DEVICE)
    for look in (lambda: there.numpy(), lambda: np.asarray(there)):
        with pytest.raises(TypeError, match="on 'cuda-simulator', where NumPy cannot look; .cpu"):
            look()
    with pytest.raises(TypeError, match="not copied to the host behind your back"):
        np.asarray(there.array)
    with pytest.raises(TypeError, match="not brought to the device behind your back"):
        there.array[...] = np.zeros(2)
    there.copy_(np.array([1, 2]))   # said in so many words
    assert there.tolist() == [1, 2]


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(device, "machine", device.machine.__wrapped__)
    if not mc.cuda.is_available():
        for missing in (lambda: mc.zeros(2).to("cuda"), lambda: command.chosen_device("cuda"), mc.cuda.synchronize):
            with pytest.raises(InputError, match="device 'cuda' (cannot be used|needs the package).*"):
                missing()
        assert command.chosen_device("auto") == "cpu"
        assert mc.cuda.why_not().count(".") <= 1 or "cuda-simulator" in mc.cuda.why_not()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert mc.cuda.why_not() == "the package numba-cuda is missing: pip install 'minicnn[cuda]' brings it"
    assert not mc.cuda.is_available()


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name="greenlet")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(InputError, match=r"'cuda-simulator' needs the package greenlet: pip install 'minicnn\[cuda\]' brings it"):
        device.machine.__wrapped__(DEVICE)


class Counting(Rehearsal):
    """The GPU of a rehearsal, which counts copies."""

    def __init__(self):
        super().__init__()
        self.copies = 0

    def __str__(self):
        return "cuda"

    def write(self, array, values):
        self.copies += 1
        super().write(array, values)

    def to_host(self, array):
        self.copies += 1
        return super().to_host(array)


@pytest.mark.parametrize("name, variant, most_launches", [
    ("lenet", "modern", 55), ("lenet", "paper", 120), ("alexnet", None, 100), ("zfnet", None, 160), ("vgg11", None, 150),
    ("googlenet", None, 800), ("squeezenet", None, 320), ("resnet18", None, 300), ("resnet20", None, 250)])
def test_every_network_trains_wholly_on_the_device(monkeypatch, name, variant, most_launches):
    """From the second step on nothing goes from host to device or back, but the loss when it is asked for. Launches do not get more: most
    layers take two or three forwards and five or six backwards."""
    machine = Counting()
    monkeypatch.setattr(device, "machine", lambda name: machine)
    with nn.init.skipped():
        model = models.get(name, variant=variant, num_classes=10).train().to("cuda")
    optimizer = optim.SGD(model.parameters(), 0.01, momentum=0.9)
    x, labels = mc.zeros(2, *model.input_shape).to("cuda"), mc.tensor(np.array([3, 7])).to("cuda")

    def step():
        optimizer.zero_grad()
        loss = model.loss(model(x), labels)
        loss.backward()
        optimizer.step()
        model.after_step()
        return loss

    step()
    machine.copies = 0
    machine.launches.clear()
    loss = step()
    scatters = 3 * (variant == "paper")   # of the table of connections: its places are sorted on the host
    assert machine.copies <= scatters and 40 < len(machine.launches) <= most_launches
    loss.item()
    assert machine.copies <= scatters + 1


def test_commands_take_a_device(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "minicnn.train", *arguments], capture_output=True, text=True, cwd=tmp_path)

    assert data.names()
    done = run("lenet", "--device", "gpu")
    assert done.returncode == 2 and "invalid choice: 'gpu'" in done.stderr
    if not mc.cuda.is_available():
        done = run("lenet", "--device", "cuda")
        assert done.returncode == 2 and done.stderr.startswith("minicnn: device 'cuda'") and done.stderr.count("\n") == 1
