"""minicnn.cuda, over a driver that writes down what it is asked: recorded steps, memory, other libraries."""
import gc

import numpy as np
import pytest

import minicnn as mc
from minicnn import device, nn, optim
from minicnn import functional as F
from kernels.cuda.gpu import GPU
from tests.kernels.cuda.fake_driver import FakeDriver


@pytest.fixture
def gpu(monkeypatch):
    machine = GPU(FakeDriver())
    monkeypatch.setattr(device, "machine", lambda name: machine)
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
    assert gpu.bindings.calls[-5:-3] == ["cuEventRecord 1", "cuStreamWaitEvent 77"] or "cuStreamWaitEvent 77" in gpu.bindings.calls
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
