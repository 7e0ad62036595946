"""The GPU as a machine, with a driver that only writes down what it is asked. (The kernels' own tests run on a real one.)"""
import ctypes
import gc

import numpy as np
import pytest
from numba import cuda

from kernels.cuda import driver, relu
from kernels.cuda.gpu import GPU
from kernels.cuda.graph import Graph
from kernels.cuda.launch import Flat, kernel, prepare
from tests.kernels.cuda.fake_driver import CUresult, FakeDriver, parameter


@pytest.fixture
def api():
    return FakeDriver()


@pytest.fixture
def gpu(api):
    return GPU(api)


@kernel
def _mixed(x, count, factor, nothing, large, flag, letter):
    i = cuda.grid(1)
    if i < count and nothing is None and flag:
        x[i, 0] = factor + x.dtype.type(large) + x.dtype.type(letter)


@kernel
def _line(x, count, nothing):
    i = cuda.grid(1)
    if i < count and nothing is None:
        x[i] = i


def test_description(gpu):
    assert (str(gpu), gpu.name, gpu.compute_capability, gpu.multiprocessors) == ("cuda", "Fake GPU", (9, 0), 132)


def test_copies(gpu):
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    array = gpu.to_device(numbers.T)
    assert array.shape == (3, 2) and np.array_equal(array.to_host(), numbers.T)
    assert gpu.to_device(np.float64(3)).to_host() == 3.0
    assert gpu.to_device(np.zeros((0, 4))).to_host().shape == (0, 4)
    with pytest.raises(ValueError, match="numbers of shape \\(2, 3\\) do not fit"):
        gpu.write(array, numbers)


def test_parameters(gpu, api):
    """Numba's layout, each item at an address of its own."""
    x = gpu.empty((5, 4), np.float32)
    for _ in range(2):
        _mixed[3, (32, 2)](x, 7, 0.5, None, np.int64(-2**40), True, np.uint8(200))
    assert api.calls.count("cuModuleLoadData") == 1
    for function, *grid_and_block, shared, stream, table, extra in api.launches:
        assert function.startswith(b"_Z") and grid_and_block == [3, 1, 1, 32, 2, 1] and (shared, stream, extra) == (0, 77, 0)
        assert [parameter(table, place, ctypes.c_int64) for place in range(9)] == [0, 0, 20, 4, x.address, 5, 4, 16, 4]
        kinds = ctypes.c_int32, ctypes.c_float, ctypes.c_int64, ctypes.c_int64, ctypes.c_bool, ctypes.c_uint8
        assert [parameter(table, 9 + place, kind) for place, kind in enumerate(kinds)] == [7, 0.5, 0, -2**40, True, 200]


def test_prepared_launch(gpu, api):
    """Only addresses change from call to call."""
    x, y = gpu.empty((5, 4), np.float32), gpu.empty((20,), np.float32)
    launch = prepare(gpu, _line, 3, (32, 2), (Flat(20), 7, None))
    launch(x)
    table = api.launches[-1][9]
    seen = [parameter(table, place, ctypes.c_int64) for place in (0, 1, 2, 3, 4, 5, 6, 8)]
    assert seen == [0, 0, 20, 4, x.address, 20, 4, 0] and parameter(table, 7, ctypes.c_int32) == 7
    launch(y)
    assert parameter(table, 4, ctypes.c_int64) == y.address and api.launches[-1][1:7] == (3, 1, 1, 32, 2, 1)
    with pytest.raises(ValueError, match="row by row"):
        launch(x.T)
    with pytest.raises(ValueError):
        launch(x, y)
    prepare(gpu, _line, (2, 0), 32, (Flat(20), 7, None))(x)
    assert len(api.launches) == 2 and api.calls.count("cuModuleLoadData") == 1


def test_shared_memory_is_asked_for_once(gpu, api):
    x = gpu.empty((5, 4), np.float32)
    for shared in (1000, 49152, 50000, 50000, 60000):
        _mixed[1, 32, shared](x, 7, 0.5, None, np.int64(1), True, np.uint8(2))
    assert [call for call in api.calls if "cuFuncSet" in call] == ["cuFuncSetAttribute shared 50000", "cuFuncSetAttribute shared 60000"]
    assert [launch[7] for launch in api.launches] == [1000, 49152, 50000, 50000, 60000]


def test_no_launch_without_work(gpu, api):
    empty = gpu.empty((0,), np.float32)
    relu(empty, empty)
    assert not api.launches


def test_a_failing_launch_names_the_kernel(gpu, api):
    api.fails = CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
    x = gpu.empty((3,), np.float32)
    with pytest.raises(driver.CudaError, match="kernel .*, grid .1, 1, 1., .*CUDA_ERROR_ILLEGAL_ADDRESS.*cuda-simulator"):
        relu(x, x)


def test_full_memory(gpu):
    with pytest.raises(MemoryError, match="no 2,000 MB left: 0 bytes are in use here and 1,000 MB of 1,000 MB free"):
        gpu.empty((2 * 10**9,), np.uint8)


def test_graph(gpu, api):
    x = gpu.to_device(np.zeros(600, np.float32))
    gpu.empty((10**6,), np.float32)   # leaves an idle block, which goes back before the recording
    graph = Graph(gpu)
    with graph.recording():
        y, temporary = gpu.empty((600,), np.float32), gpu.empty((600,), np.float32)
        relu(x, temporary)
        place = temporary.address
        del temporary
        assert gpu.empty((600,), np.float32).address == place   # used again within the graph
        relu(x, y)
        with pytest.raises(driver.CudaError, match="cannot be recorded"):
            x.to_host()
        with pytest.raises(driver.CudaError, match="cannot be recorded"):
            gpu.write(x, np.zeros(600))
        used_before = gpu.empty((600,), np.int64).address
        constant = gpu.to_device(np.arange(600)).address
        assert constant != used_before   # or the kernels that were recorded with it would overwrite the constant at each replay
        assert gpu.empty((600,), np.int64).address != constant   # it stays as long as the graph
    assert gpu.pool is gpu.main_pool and gpu.empty((600,), np.float32).address not in (place, y.address)
    graph.replay()
    assert api.calls[-1] == "cuGraphLaunch" and gpu.main_pool.idle < 10**6
    used = gpu.main_pool.used
    del x
    assert gpu.main_pool.used == used   # the graph still reads it
    del graph
    gc.collect()
    assert gpu.main_pool.used < used and "cuGraphExecDestroy" in api.calls
    y_address = y.address
    assert y_address in api.blocks and place not in api.blocks
    del y
    assert y_address not in api.blocks


def test_a_failed_recording_leaves_the_stream_of_use(gpu, api):
    graph = Graph(gpu)
    with pytest.raises(ZeroDivisionError), graph.recording():
        raise ZeroDivisionError
    assert gpu.recording is None and gpu.pool is gpu.main_pool and api.calls[-2:] == ["cuStreamEndCapture", "cuGraphDestroy"]


def test_seldom_threads(gpu, api):
    """A launch from another thread finds the context."""
    import threading

    x = gpu.empty((3,), np.float32)
    before = api.calls.count("cuCtxSetCurrent")
    thread = threading.Thread(target=relu, args=(x, x))
    thread.start()
    thread.join()
    assert api.calls.count("cuCtxSetCurrent") == before + 1 and len(api.launches) == 1
