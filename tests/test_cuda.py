"""minicnn.cuda, over a driver that writes down what it is asked: recorded steps, memory, other libraries."""
import ctypes
import functools
import gc
import io

import numpy as np
import pytest

import minicnn as mc
from minicnn import data, device, nn, optim
from minicnn import functional as F
from minicnn.memory import kept_for
from minicnn.training import weights
from minicnn.training.console import Console
from minicnn.training.settings import Settings
from minicnn.training.trainer import Trainer
from kernels.cuda import cache
from kernels.cuda.gpu import GPU
from tests.kernels.cuda.fake_driver import FakeDriver, parameter


@pytest.fixture
def gpu(monkeypatch):
    machine = GPU(FakeDriver())
    monkeypatch.setattr(device, "machine", lambda name: machine)
    monkeypatch.setattr(cache, "ptx", lambda *_: (".entry kernel", "kernel"))   # nothing is run, so nothing need be compiled
    return machine


def cells(graph):
    """The numbers that change from replay to replay, as the device has them."""
    raw = graph._cells.to_host()
    return [raw[8 * place:8 * place + dtype.itemsize].view(dtype)[0] for place, (_, dtype) in enumerate(graph._numbers)]


def test_recorded_step(gpu):
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).to("cuda")
    optimizer = optim.Adam(model.parameters(), lr=0.5)
    runs = []

    def step(x, labels):
        runs.append(len(x))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    captured = mc.cuda.capture(step)
    x, labels = mc.rand(2, 3), mc.tensor(np.array([0, 3]))
    captured(x, labels)
    calls, launches = gpu.bindings.calls, gpu.bindings.launches
    assert "cuGraphLaunch" not in calls and runs == [2]
    loss = captured(x, labels)   # recorded, and replayed at once
    assert runs == [2, 2] and calls.count("cuGraphLaunch") == 1
    done, version = len(launches), model[0].weight.version
    first = cells(captured._graph)
    optimizer.lr = 0.25
    assert captured(x + 1, mc.tensor(np.array([2, 1]))) is loss
    second = cells(captured._graph)
    assert runs == [2, 2] and len(launches) == done and calls.count("cuGraphLaunch") == 2
    assert model[0].weight.version == version + 1 and optimizer.state[0]["step"] == 3
    np.testing.assert_array_equal(captured._inputs[0].array.to_host(), (x + 1).array)
    (seed, lr, count), (other_seed, other_lr, other_count) = first, second
    assert seed != other_seed and (lr, other_lr, count, other_count) == (0.5, 0.25, 2, 3)

    captured(mc.rand(1, 3), mc.tensor(np.array([0])))   # another shape is run
    assert runs == [2, 2, 1] and calls.count("cuGraphLaunch") == 2
    with pytest.raises(IndexError, match="takes whole numbers from 0 to 3, and was given 1 to 4"):
        captured(x, mc.tensor(np.array([1, 4])))
    used = gpu.main_pool.used
    del captured, loss
    gc.collect()
    assert "cuGraphExecDestroy" in calls and gpu.main_pool.used < used


def linear(optimizer=optim.SGD, **settings):
    """A layer, its optimiser, and a step of training it."""
    model = nn.Linear(3, 4).to("cuda")
    optimizer = optimizer(model.parameters(), lr=0.5, **settings)

    def step(x):
        optimizer.zero_grad()
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, mc.cuda.capture(step)


def last_table(gpu):
    """The addresses in the table that the last launch was given, but for its last column."""
    address, rows, columns = [parameter(gpu.bindings.launches[-1][9], place, ctypes.c_int64) for place in (4, 5, 6)]
    return np.ctypeslib.as_array((ctypes.c_uint64 * (rows * columns)).from_address(address)).reshape(rows, columns)[:, :-1]


@pytest.mark.parametrize("optimizer, names", [(functools.partial(optim.SGD, momentum=0.9), ["velocity"]), (optim.Adam, ["mean", "square"])])
def test_what_only_a_table_leads_to_stays(gpu, optimizer, names):
    """Velocities, say: no recorded launch has them as an argument."""
    model, optimizer, captured = linear(optimizer)
    captured(mc.rand(2, 3))
    captured(mc.rand(2, 3))
    held = {(memory.address, memory.size) for memory in captured._graph._kept.values()}
    table = last_table(gpu)
    own = [array for state in optimizer.state for array in (state[name] for name in names)]
    assert {array.address for array in own} == set(table[:, 2:].reshape(-1).tolist())
    assert {tensor.array.address for tensor in model.parameters()} == set(table[:, 0].tolist())
    assert {tensor.grad.array.address for tensor in model.parameters()} == set(table[:, 1].tolist())
    assert set(table[:, [0, *range(2, table.shape[1])]].reshape(-1).tolist()) <= {address for address, _ in held}


def test_states_are_loaded_where_replays_find_them(gpu):
    model, optimizer, captured = linear(optim.Adam)
    average = optim.WeightAverage(model)
    for _ in range(2):
        captured(mc.rand(2, 3))
    kept = {name: getattr(value, "address", None) for name, value in optimizer.state_dict().items()}
    averaged = {name: array.address for name, array in average.average.items()}
    saved = {name: value.to_host() if hasattr(value, "machine") else value for name, value in optimizer.state_dict().items()}
    optimizer.load_state_dict({**saved, "0.step": 7, "1.step": 7, "0.mean": np.full((4, 3), 5, np.float32)})
    average.load_state_dict({**{name: np.ones(array.shape, np.float32) for name, array in average.average.items()}, "updates": 3})
    model.load_state_dict({"weight": np.ones((4, 3), np.float32), "bias": np.zeros(4, np.float32)})
    assert kept == {name: getattr(value, "address", None) for name, value in optimizer.state_dict().items()}
    assert averaged == {name: array.address for name, array in average.average.items()}
    assert optimizer.state[0]["mean"].tolist() == [[5] * 3] * 4 and average.average["bias"].tolist() == [1] * 4
    launched = len(gpu.bindings.launches)
    captured(mc.rand(2, 3))
    assert len(gpu.bindings.launches) == launched   # replayed, and the steps are counted on
    assert [state["step"] for state in optimizer.state] == [8, 8] and 8 in cells(captured._graph)


def test_a_state_made_in_a_recording_is_made_once(gpu):
    """Zeros for the velocity, say, are not filled in again at each replay."""
    _, optimizer, captured = linear(momentum=0.9)
    captured(mc.rand(2, 3))
    optimizer.load_state_dict({"lr": 0.5, "momentum": 0.9, "weight_decay": 0, "nesterov": False})
    optimizer.state[0]["velocity"] = None   # somebody drops it
    del optimizer.state[0]["velocity"]
    captured(mc.rand(2, 3))
    assert optimizer.state[0]["velocity"].tolist() == [[0] * 3] * 4
    assert not captured._graph.made(optimizer.state[0]["velocity"])


def test_another_array_calls_for_another_recording(gpu):
    model, optimizer, captured = linear()
    for _ in range(3):
        captured(mc.rand(2, 3))
    graph, launched = captured._graph, len(gpu.bindings.launches)
    model.weight.array = gpu.to_device(np.ones((4, 3), np.float32))
    for times in range(3):
        captured(mc.rand(2, 3))
        assert (captured._graph is None) == (times == 0)
    assert captured._graph is not graph and len(gpu.bindings.launches) > launched


def test_steps_in_between(gpu):
    """One on a smaller batch is run; then gradients are those of the replay again. Evaluation sees changed weights as changed."""
    model, _, captured = linear(momentum=0.9)
    captured(mc.rand(2, 3))
    captured(mc.rand(2, 3))
    gradient = model.weight.grad
    captured(mc.rand(1, 3))
    assert model.weight.grad is not gradient
    version = model.weight.version
    captured(mc.rand(2, 3))
    assert model.weight.grad is gradient and model.weight.version == version + 1


def test_several_graphs(gpu):
    """Each has memory of its own."""
    model, optimizer, first = linear(momentum=0.9)
    second = mc.cuda.capture(first.step)
    for captured in (first, second, first, second):
        captured(mc.rand(2, 3))
    gradients = [dict(captured._gradients)[model.weight].array for captured in (first, second)]
    assert gradients[0].memory.pool is not gradients[1].memory.pool
    first(mc.rand(2, 3))
    assert model.weight.grad.array is gradients[0]
    del first
    gc.collect()
    second(mc.rand(2, 3))
    assert model.weight.grad.array is gradients[1]


def test_averaging_is_recorded(gpu):
    model, _, captured = linear()
    average = optim.WeightAverage(model, 0.9)
    step = mc.cuda.capture(lambda x: (captured.step(x), average.update()))
    for _ in range(4):
        step(mc.rand(2, 3))
    assert average.updates == 4 and np.float32(5 / 14 - 1) in cells(step._graph)


def test_gradients_from_before_cannot_be_recorded(gpu):
    model = nn.Linear(3, 4).to("cuda")
    captured = mc.cuda.capture(lambda x: model(x).sum().backward())
    captured(mc.rand(2, 3))
    with pytest.raises(RuntimeError, match="begin the step with optimizer.zero_grad"):
        captured(mc.rand(2, 3))
    assert gpu.recording is None


def test_a_frozen_layer_is_worked_out_at_each_replay(gpu):
    """What an evaluation keeps of its weights does not go into the graph, nor does the graph leave anything to evaluations."""
    frozen, (_, _, captured), kept = nn.Conv2d(1, 1, 3).requires_grad_(False).to("cuda"), linear(), []

    def step(x):
        kept.append(kept_for(frozen.weight, frozen.bias))
        return captured.step(frozen(x).reshape(2, 3))

    step = mc.cuda.capture(step)
    for _ in range(3):
        step(mc.rand(2, 1, 3, 5))
    assert kept[0] is not None and kept[1:] == [None] and kept_for(frozen.weight, frozen.bias) is kept[0]


def test_after_a_failed_recording(gpu):
    """All is as before, and the next call tries again."""
    model, _, captured = linear()
    fails = [False]

    def step(x):
        loss = captured.step(x)
        if fails[0]:
            raise ZeroDivisionError
        return loss

    again = mc.cuda.capture(step)
    again(mc.rand(2, 3))
    fails[0] = True
    with pytest.raises(ZeroDivisionError):
        again(mc.rand(2, 3))
    fails[0] = False
    used = gpu.main_pool.used
    assert gpu.recording is None and gpu.pool is gpu.main_pool and not gpu.before_recording
    again(mc.rand(2, 3))
    again(mc.rand(2, 3))
    assert gpu.bindings.calls.count("cuGraphLaunch") == 2 and gpu.main_pool.used < used + 10**5


def test_what_cannot_be_recorded(gpu):
    x = mc.rand(3)
    for step in (lambda x: x.sum().item(), lambda x: x + mc.rand(3).to("cuda")):
        captured = mc.cuda.capture(step)
        captured(x)
        with pytest.raises((RuntimeError, ValueError), match="recorded"):
            captured(x)
        assert gpu.recording is None


def test_elsewhere_the_step_is_called(gpu):
    captured = mc.cuda.capture(lambda x: x * 2, "cpu")
    for _ in range(3):
        assert captured(mc.ones(2)).tolist() == [2, 2]


def test_memory(gpu):
    x = mc.zeros(1000).to("cuda")
    assert mc.cuda.memory()["used"] >= 4000 and mc.cuda.memory()["total"] == 10**9
    del x
    gc.collect()
    idle = mc.cuda.memory()["idle"]
    mc.cuda.empty_cache()
    assert mc.cuda.memory()["idle"] == 0 < idle
    mc.cuda.synchronize()


class Foreign:
    """An array of another library."""

    def __init__(self, array):
        self.__cuda_array_interface__ = {"data": (array.address, False), "shape": array.shape, "typestr": array.dtype.str, "version": 2}


def test_cuda_array_interface(gpu):
    x = mc.rand(2, 3).to("cuda")
    facts = x.T.__cuda_array_interface__
    assert facts == {"shape": (3, 2), "strides": (4, 12), "typestr": "<f4", "data": (x.array.address, False), "version": 3,
                     "stream": gpu.stream_handle}
    again = mc.from_dlpack(Foreign(x.array))
    assert again.device == "cuda" and again.array.address == x.array.address and again.tolist() == x.tolist()
    assert {"cuEventRecord 1", "cuStreamWaitEvent 77"} <= set(gpu.bindings.calls)
    for without in (mc.zeros(2), mc.zeros(2).to("cuda").new_full((1,), 1)):
        assert hasattr(without, "__cuda_array_interface__") == (without.device == "cuda")


def test_dlpack(gpu):
    x = mc.rand(2, 3).to("cuda")
    address, used = x.array.address, gpu.main_pool.used
    again = mc.from_dlpack(x[:, 1])
    assert again.array.address == address + 4 and again.array.strides == (12,) and again.dtype == np.float32
    expected = x[:, 1].tolist()
    del x
    gc.collect()
    assert gpu.main_pool.used == used and again.tolist() == expected   # the memory is kept
    del again
    gc.collect()
    assert gpu.main_pool.used < used
    capsule = mc.zeros(2).to("cuda").__dlpack__()   # that nobody takes
    del capsule
    gc.collect()
    assert gpu.main_pool.used < used
    with pytest.raises(TypeError, match="not list"):
        mc.from_dlpack([1])


def test_dlpack_on_the_host():
    array = np.arange(3.0)
    tensor = mc.from_dlpack(array)
    array[0] = 7
    assert tensor.tolist() == [7, 1, 2] and np.from_dlpack(tensor).tolist() == [7, 1, 2]


def test_a_run(gpu, tmp_path, monkeypatch):
    """The trainer records its step, replays it over whole batches, runs the smaller last one, tests in between, saves, and goes on."""
    get = data.get
    monkeypatch.setattr(data, "get", lambda name, train=True, classes=None: get(name, train).take(20 if train else 6))
    settings = Settings(model="lenet", data="mnist", epochs=3, batch_size=8, ema=0.9, accumulate=2, device="cuda")
    calls, trainer = gpu.bindings.calls, Trainer(settings, tmp_path / "run", Console(io.StringIO(), terminal=False))
    trainer.start()
    assert trainer.run()
    assert calls.count("cuStreamBeginCapture") == 1 and calls.count("cuGraphLaunch") == 5   # the first of 6 whole batches is run
    assert trainer.average.updates == trainer.schedule.count == 9
    weights.load(tmp_path / "run")
    resumed = Trainer(settings, tmp_path / "run", Console(io.StringIO(), terminal=False))
    resumed.resume()
    assert resumed.epoch == 3 and resumed.average.updates == 9
    replayed = calls.count("cuMemcpyDtoHAsync")
    trainer._step(*next(iter(trainer.loader.epoch(0))))
    assert calls.count("cuMemcpyDtoHAsync") - replayed == 4   # of each part of the batch the loss, and how many were recognised
