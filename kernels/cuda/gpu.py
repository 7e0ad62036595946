"""A GPU as a machine: memory, copies and launches through NVIDIA's driver.

Everything happens on one stream, in the order in which it is asked for, and Python runs ahead: only `to_host` and `synchronize` wait.
"""
import ctypes
import functools
import math
import struct
import threading

import numpy as np

from . import cache, driver
from .array import DeviceArray, bounds
from .launch import Flat, type_code
from .memory import Pool, megabytes

_USUAL_SHARED = 48 * 1024   # bytes of shared memory that a block may have without asking


class GPU:
    """The first GPU that the driver shows.

    bindings  the driver's functions: cuda.bindings.driver, or what stands in for it
    """

    def __init__(self, bindings=None):
        self.bindings = api = driver.bindings() if bindings is None else bindings
        self._device = self.call("the GPU", api.cuDeviceGet, 0)
        self._context = self.call("a context on the GPU", api.cuDevicePrimaryCtxRetain, self._device)
        self._use_here()
        attribute = api.CUdevice_attribute
        self.multiprocessors, major, minor = [
            int(self.call("the GPU's description", api.cuDeviceGetAttribute, which, self._device)) for which in (
                attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)]
        self.compute_capability = major, minor
        # not the legacy default stream, which waits for all others and cannot be captured
        self.stream = self.call("a stream", api.cuStreamCreate, int(api.CUstream_flags.CU_STREAM_NON_BLOCKING))
        self.stream_handle = int(self.stream)
        self.main_pool = self.pool = self.new_pool()
        self.remembered = {}    # of launch.remembered
        self.recording = None   # the Graph that is being captured
        self.before_recording = False   # is what happens now to be captured the next time?

    def __str__(self):
        return "cuda"

    def call(self, doing, function, *arguments):
        return driver.check(self.bindings, doing, function(*arguments))

    def _use_here(self):
        """Make the context that of this thread."""
        self.call("the context", self.bindings.cuCtxSetCurrent, self._context)
        self._thread = threading.get_ident()

    @functools.cached_property
    def _aside(self):
        """A stream that is not recorded. What it writes to is in no kernel's use: a recording begins when all kernels are done."""
        return self.call("a stream", self.bindings.cuStreamCreate, int(self.bindings.CUstream_flags.CU_STREAM_NON_BLOCKING))

    @functools.cached_property
    def name(self):
        name = self.call("the GPU's name", self.bindings.cuDeviceGetName, 100, self._device)
        return name.split(b"\0")[0].decode()

    # Memory

    def new_pool(self, fixed=False):
        return Pool(self._reserve, self._free, lambda: " and {} of {} free".format(*map(megabytes, self.memory())), fixed)

    def memory(self):
        """Bytes that are free, and bytes in all."""
        return tuple(map(int, self.call("the memory's size", self.bindings.cuMemGetInfo)))

    def _reserve(self, size):
        answer = self.bindings.cuMemAlloc(size)
        if answer[0] == self.bindings.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            return None
        return int(driver.check(self.bindings, f"{megabytes(size)} of memory", answer))

    def _free(self, address):
        self.bindings.cuMemFree(address)   # an error has nobody to go to: it may happen while Python ends

    def empty(self, shape, dtype):
        """An uninitialised array."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        lease = self.pool.lease(math.prod(shape) * dtype.itemsize)
        return DeviceArray(self, lease, lease.address, shape, dtype)

    def to_device(self, array):
        """A copy of a numpy.ndarray."""
        if self.recording is not None:
            return self._constant(array)
        result = self.empty(array.shape, array.dtype)
        self._write(result, array, self.stream)
        return result

    def _constant(self, array):
        """A copy for a graph that is being recorded, made now and not at each replay.

        It does not come from the graph's own pool: what lies there serves the recorded kernels one after the other, and those before
        the constant's use would overwrite it at each replay.
        """
        lease = self.main_pool.lease(array.nbytes)
        result = DeviceArray(self, lease, lease.address, array.shape, array.dtype)
        self._write(result, array, self._aside)
        self.call("a copy to the GPU", self.bindings.cuStreamSynchronize, self._aside)
        self.recording.hold(lease)
        return result

    def write(self, array, values):
        """Copy a numpy.ndarray of the same shape into a contiguous array."""
        if self.recording is not None:
            raise driver.CudaError("a copy from the host cannot be recorded in a graph: it would copy the same numbers at each replay")
        self._write(array, values, self.stream)

    def _write(self, array, values, stream):
        values = np.asarray(values, array.dtype, order="C")
        if values.shape != array.shape or not array.is_contiguous:
            raise ValueError(f"numbers of shape {values.shape} do not fit row by row into {array}")
        if array.size:   # the driver has read `values` when it returns, for memory that is not page-locked
            self.call(f"a copy of {megabytes(array.nbytes)} to the GPU", self.bindings.cuMemcpyHtoDAsync,
                      array.address, values.ctypes.data, array.nbytes, stream)
        array.bounds = bounds(values)

    def to_host(self, array):
        """A copy as a numpy.ndarray. Waits for the kernels before it."""
        if self.recording is not None:
            raise driver.CudaError("a copy to the host cannot be recorded in a graph: nothing has been computed yet")
        array = array.contiguous()
        result = np.empty(array.shape, array.dtype)
        if array.size:
            self.call(f"a copy of {megabytes(array.nbytes)} from the GPU", self.bindings.cuMemcpyDtoHAsync,
                      result.ctypes.data, array.address, array.nbytes, self.stream)
        self.synchronize()
        return result

    def synchronize(self):
        """Wait until all is done."""
        self.call("the kernels before", self.bindings.cuStreamSynchronize, self.stream)

    def seconds(self, work):
        """How long the GPU is busy with what work() asks of it."""
        api = self.bindings
        begin, end = [self.call("an event", api.cuEventCreate, 0) for _ in range(2)]
        self.call("an event", api.cuEventRecord, begin, self.stream)
        work()
        self.call("an event", api.cuEventRecord, end, self.stream)
        self.call("the kernels before", api.cuEventSynchronize, end)
        elapsed = self.call("the time", api.cuEventElapsedTime, begin, end)
        for event in (begin, end):
            api.cuEventDestroy(event)
        return float(elapsed) / 1000

    # Other libraries' streams: 1 stands for the default stream

    def wait_for(self, stream):
        """What is asked for from now on waits for what the other stream has been asked for."""
        self._order(self.bindings.CUstream(int(stream)), self.stream)

    def let_wait(self, stream):
        """The other stream waits for what has been asked for here."""
        self._order(self.stream, self.bindings.CUstream(int(stream)))

    def _order(self, first, then):
        event = self.call("an event", self.bindings.cuEventCreate, int(self.bindings.CUevent_flags.CU_EVENT_DISABLE_TIMING))
        self.call("an event", self.bindings.cuEventRecord, event, first)
        self.call("an event", self.bindings.cuStreamWaitEvent, then, event, 0)
        self.bindings.cuEventDestroy(event)

    # Launches

    def launch(self, kernel, grid, block, shared, arguments):
        kinds, values = [self], []   # what tells type codes apart, and is had more quickly
        for argument in arguments:
            kind = type(argument)
            if kind is DeviceArray:
                kinds += argument.dtype.num, len(argument.shape)
                values += argument.cells
            else:
                kinds.append(kind)
                values.append(0 if argument is None else argument)
        kinds = tuple(kinds)
        try:
            specialised = kernel.compiled[kinds]
        except KeyError:
            specialised = kernel.compiled[kinds] = self.ready(kernel, tuple(map(type_code, arguments)))
        if shared > specialised.most_shared:
            self._allow_shared(specialised, shared)
        if threading.get_ident() != self._thread:
            self._use_here()
        try:
            specialised.pack(specialised.buffer, 0, *values)
        except struct.error:   # type_code words it
            tuple(map(type_code, arguments))
            raise
        status, = self.bindings.cuLaunchKernel(specialised.function, *grid, *block, shared, self.stream, specialised.pointers, 0)
        if status:
            self._failed(status, kernel, grid, block, shared)
        if self.recording is not None:
            self.recording.keep(arguments)

    def _failed(self, status, kernel, grid, block, shared=0):
        driver.check(self.bindings, f"kernel {kernel.__name__}, grid {grid}, block {block}, {shared} bytes of shared memory", (status,))

    def prepare(self, kernel, grid, block, arguments):
        """As launch.prepare."""
        codes = tuple(map(type_code, arguments))
        layout = Specialised(self.ready(kernel, codes).function, codes)   # of its own: nobody else writes to its buffer
        values, addresses, item = [], [], 0
        for argument, code in zip(arguments, codes):
            if type(argument) is Flat:
                size, itemsize = argument.size, argument.dtype.itemsize
                values += 0, 0, size, itemsize, 0, size, itemsize   # DeviceArray.cells
                addresses.append(ctypes.c_int64.from_buffer(layout.buffer, layout.places[item + 4]))
            else:
                values.append(0 if argument is None else argument)
            item += len(_items(code))
        layout.pack(layout.buffer, 0, *values)
        start, call = self.bindings.cuLaunchKernel, (layout.function, *grid, *block, 0, self.stream, layout.pointers, 0)

        def launch(*arrays):
            for address, array in zip(addresses, arrays, strict=True):
                if not array.is_contiguous:
                    raise ValueError(f"kernel {kernel.__name__} takes arrays whose numbers lie row by row, not {array}")
                address.value = array.address
            if threading.get_ident() != self._thread:
                self._use_here()
            status, = start(*call)
            if status:
                self._failed(status, kernel, grid, block)
            if self.recording is not None:
                self.recording.keep(arrays)
        launch.layout = layout   # whose memory the driver reads
        return launch

    def ready(self, kernel, codes):
        """The kernel for arguments of these types, compiled and loaded once."""
        if (self, codes) not in kernel.compiled:
            text, name = cache.ptx(kernel, codes, self.compute_capability)
            module = self.call(f"kernel {kernel.__name__}", self.bindings.cuModuleLoadData, text.encode() + b"\0")
            function = self.call(f"kernel {kernel.__name__}", self.bindings.cuModuleGetFunction, module, name.encode())
            kernel.compiled[self, codes] = Specialised(function, codes)
        return kernel.compiled[self, codes]

    def _allow_shared(self, specialised, size):
        which = self.bindings.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        self.call(f"{size} bytes of shared memory", self.bindings.cuFuncSetAttribute, specialised.function, which, size)
        specialised.most_shared = size


class Specialised:
    """A kernel compiled for some types of arguments, and a place to lay arguments out in for the driver.

    The layout is Numba's. Each item is a parameter of its own: an array gives DeviceArray.cells, None gives a null pointer, a number
    itself. The driver takes the address of a table with the address of each item, which is the same at each launch; it copies the
    items before it returns.
    """

    __slots__ = ("_table", "buffer", "function", "most_shared", "pack", "places", "pointers")

    def __init__(self, function, codes):
        self.function, self.most_shared = function, _USUAL_SHARED
        items = "".join(map(_items, codes))
        self.pack = struct.Struct(items).pack_into
        self.buffer = ctypes.create_string_buffer(max(1, struct.calcsize(items)))
        start = ctypes.addressof(self.buffer)
        ends = [struct.calcsize(items[:count + 1]) for count in range(len(items))]
        self.places = [end - struct.calcsize(item) for end, item in zip(ends, items)]   # of items in the buffer
        self._table = (ctypes.c_void_p * max(1, len(items)))(*[start + place for place in self.places])
        self.pointers = ctypes.addressof(self._table)


def _items(code):
    """The parameters of one argument, in the letters of `struct`."""
    if code is None:
        return "q"
    if isinstance(code, tuple):
        return "q" * (5 + 2 * code[1])
    return {"l": "q", "L": "Q"}.get(code.char, code.char)
