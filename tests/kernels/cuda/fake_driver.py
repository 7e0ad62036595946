"""A driver without a GPU: host memory takes the place of the device's, and launches are written down."""
import ctypes
import enum
import types

import numpy as np


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_ILLEGAL_ADDRESS = 700


class FakeDriver:
    """What kernels.cuda.gpu asks of cuda.bindings.driver."""

    CUresult = CUresult
    CUstream_flags = types.SimpleNamespace(CU_STREAM_NON_BLOCKING=1)
    CUstreamCaptureMode = types.SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED=2)
    CUdevice_attribute = types.SimpleNamespace(
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT=132, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR=9,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR=0)
    CUfunction_attribute = types.SimpleNamespace(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES="shared")

    def __init__(self, size=10**9):
        self.free, self.size, self.blocks = size, size, {}
        self.calls = []          # names of functions
        self.launches = []       # (function, grid, block, shared, table of parameters)
        self.fails = None        # what the next launch answers

    def _done(self, name, *results):
        self.calls.append(name)
        return (CUresult.CUDA_SUCCESS, *results)

    def cuDeviceGet(self, number):
        return self._done("cuDeviceGet", number)

    def cuDevicePrimaryCtxRetain(self, device):
        return self._done("cuDevicePrimaryCtxRetain", "context")

    def cuCtxSetCurrent(self, context):
        return self._done("cuCtxSetCurrent")

    def cuDeviceGetAttribute(self, which, device):
        return self._done("cuDeviceGetAttribute", which)

    def cuDeviceGetName(self, length, device):
        return self._done("cuDeviceGetName", b"Fake GPU\0\0")

    def cuStreamCreate(self, flags):
        return self._done("cuStreamCreate", 77)

    def cuStreamSynchronize(self, stream):
        return self._done("cuStreamSynchronize")

    CUevent_flags = types.SimpleNamespace(CU_EVENT_DISABLE_TIMING=2)

    def CUstream(self, handle):
        return handle

    def cuEventCreate(self, flags):
        return self._done("cuEventCreate", "event")

    def cuEventRecord(self, event, stream):
        return self._done(f"cuEventRecord {stream}")

    def cuStreamWaitEvent(self, stream, event, flags):
        return self._done(f"cuStreamWaitEvent {stream}")

    def cuEventDestroy(self, event):
        return self._done("cuEventDestroy")

    def cuMemGetInfo(self):
        return self._done("cuMemGetInfo", self.free, self.size)

    def cuMemAlloc(self, size):
        if size > self.free:
            return CUresult.CUDA_ERROR_OUT_OF_MEMORY, 0
        memory = np.zeros(size + 512, np.uint8)
        address = -(-memory.ctypes.data // 512) * 512
        self.blocks[address] = memory, size
        self.free -= size
        return self._done("cuMemAlloc", address)

    def cuMemFree(self, address):
        _, size = self.blocks.pop(address)
        self.free += size
        return self._done("cuMemFree")

    def cuMemcpyHtoDAsync(self, target, source, size, stream):
        ctypes.memmove(target, source, size)
        return self._done("cuMemcpyHtoDAsync")

    def cuMemcpyDtoHAsync(self, target, source, size, stream):
        ctypes.memmove(target, source, size)
        return self._done("cuMemcpyDtoHAsync")

    def cuModuleLoadData(self, image):
        assert image.endswith(b"\0") and b".entry" in image
        return self._done("cuModuleLoadData", image)

    def cuModuleGetFunction(self, module, name):
        assert name in module
        return self._done("cuModuleGetFunction", name)

    def cuFuncSetAttribute(self, function, which, value):
        return self._done(f"cuFuncSetAttribute {which} {value}")

    def cuLaunchKernel(self, function, *arguments):
        if self.fails is not None:
            return self.fails,
        self.launches.append((function, *arguments))
        return CUresult.CUDA_SUCCESS,

    def cuEventSynchronize(self, event):
        return self._done("cuEventSynchronize")

    def cuEventElapsedTime(self, begin, end):
        return self._done("cuEventElapsedTime", 1.5)

    def cuGetErrorString(self, status):
        return CUresult.CUDA_SUCCESS, b"an error"

    def cuStreamBeginCapture(self, stream, mode):
        return self._done("cuStreamBeginCapture")

    def cuStreamEndCapture(self, stream):
        return self._done("cuStreamEndCapture", "graph")

    def cuGraphInstantiate(self, graph, flags):
        return self._done("cuGraphInstantiate", "executable")

    def cuGraphLaunch(self, executable, stream):
        return self._done("cuGraphLaunch")

    def cuGraphDestroy(self, graph):
        return self._done("cuGraphDestroy")

    def cuGraphExecDestroy(self, graph):
        return self._done("cuGraphExecDestroy")


def parameter(table, place, kind):
    """What the driver would read for one parameter of a launch: kind is a type of ctypes."""
    address = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[place]
    return kind.from_address(address).value
