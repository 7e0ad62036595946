"""What kernels.cuda launches, found out in rehearsals: by all its functions, by training steps of the networks, by steps that are recorded.

For each combination of kernel and types there is the largest block that it was launched with.
"""
import contextlib
import itertools
import typing

import numpy as np

import kernels.cuda
import kernels.precision
import minicnn as mc
from benchmarks.cuda.rehearsing import Stage, recording
from kernels.cuda import comparison, moving, searching
from kernels.cuda.array import DeviceArray
from kernels.geometry import output_shape
from minicnn import device, models, nn, optim

NETWORKS = {"lenet": 64, "alexnet": 128, "zfnet": 32, "vgg16": 32, "googlenet": 32, "squeezenet": 32, "resnet18": 64, "resnet50": 32,
            "resnet20": 128}
ONE = (1, 1)


class Use(typing.NamedTuple):
    kernel: object
    types: tuple
    threads: int                # of the largest block
    compute_capability: tuple   # the least that it is for

    @property
    def name(self):
        """The file of the kernel and its own name."""
        return f"{self.kernel.function.__module__.rpartition('.')[2]}.{self.kernel.__name__}"

    @property
    def is_single(self):
        """Has it to do without double precision?"""
        dtypes = [code[0] if isinstance(code, tuple) else code for code in self.types]
        return np.dtype("float64") not in dtypes


def uses():
    """Every Use. What needs tensor cores is for 8.0 and later, what needs those of Hopper for 9.0, all else for 7.5 and later."""
    found = {}
    for compute_capability, precisions in (((7, 5), ["highest"]), ((8, 0), ["high", "medium"]),
                                           ((9, 0), ["high"])):
        for precision in precisions:
            stage = Stage()
            stage.compute_capability = compute_capability
            with on(stage, precision):
                for name, batch in NETWORKS.items() if precision != "medium" else ():
                    train(name, batch)
                call_products(stage)
                if precision == "highest":
                    call_others(stage)
            for launch in stage.launches:
                threads = int(np.prod(launch.block))
                use = found.setdefault((launch.kernel, launch.types), Use(launch.kernel, launch.types, threads, compute_capability))
                if threads > use.threads:
                    found[launch.kernel, launch.types] = use._replace(threads=threads)
    return list(found.values())


def some(uses, most):
    """Of each kernel at most so many uses, in their order but for double precision, which comes last."""
    counts, kept = {}, []
    for use in sorted(uses, key=lambda use: not use.is_single):
        counts[use.name] = counts.get(use.name, 0) + 1
        if counts[use.name] <= most:
            kept.append(use)
    return kept


@contextlib.contextmanager
def on(stage, precision):
    """Tensors that go to "cuda" go to this stage."""
    machine, before = device.machine, kernels.precision.matmul_precision
    device.machine, kernels.precision.matmul_precision = lambda name: stage, precision
    try:
        yield
    finally:
        device.machine, kernels.precision.matmul_precision = machine, before


def train(name, batch):
    """Two steps, the second of which is recorded, and the forward pass in evaluation."""
    with nn.init.skipped():
        model = models.get(name, num_classes=10).train().to("cuda")
    x, labels = mc.zeros(batch, *model.input_shape).to("cuda"), mc.tensor(np.arange(batch) % 10).to("cuda")
    optimizer = (optim.Adam if name == "lenet" else optim.SGD)(model.parameters(), 0.01)
    for surroundings in (contextlib.nullcontext(), recording(device.machine("cuda"))):
        with surroundings:
            optimizer.zero_grad()
            model.loss(model(x), labels).backward()
            optimizer.step()
            model.after_step()
    with mc.no_grad():
        model.eval()(x)


def arrays_of(machine, dtype="float32", beside=0):
    """array(*shape): zeros on the machine, at an address that many bytes beside a multiple of 16."""
    def array(*shape, dtype=dtype):
        first = beside // np.dtype(dtype).itemsize
        whole = machine.to_device(np.zeros(int(np.prod(shape)) + first, dtype))
        return DeviceArray(machine, whole.memory, whole.address + first * whole.itemsize, shape, whole.dtype)
    return array


def call_products(stage):
    """Matrix products and convolutions whose operands are moved in fours, and such that cannot be."""
    for beside in (0, 4):
        array = arrays_of(stage, beside=beside)
        for rows, columns, depth in ((512, 512, 256), (30, 21, 77)):
            for transpose_a, transpose_b in itertools.product((False, True), repeat=2):
                kernels.cuda.matmul(array(*(depth, rows) if transpose_a else (rows, depth)),
                                    array(*(columns, depth) if transpose_b else (depth, columns)), array(rows, columns),
                                    transpose_a, transpose_b)
    aligned = arrays_of(stage)
    _convolve(aligned, 2, 5, 6, 1, (9, 9), (3, 3), (2, 2), ONE, ONE)
    _convolve(aligned, 2, 16, 64, 1, (8, 8), (5, 5), ONE, (2, 2), ONE, residual=True)
    _convolve(aligned, 4, 64, 64, 1, (8, 8), ONE, (2, 2), (0, 0), ONE)
    _convolve(aligned, 2, 8, 8, 2, (8, 8), (3, 3), ONE, ONE, (2, 2))


def _convolve(array, images, channels, filters, groups, size, window, stride, padding, dilation, residual=False):
    x, weight = array(images, channels * groups, *size), array(filters * groups, channels, *window)
    y = array(images, filters * groups, *output_shape(size, window, stride, padding, dilation))
    settings = stride, padding, dilation, groups
    kernels.cuda.conv2d(x, weight, array(filters * groups), y, *settings, y if residual else None, residual)
    kernels.cuda.conv2d_grad_input(y, weight, x, *settings)
    kernels.cuda.conv2d_grad_weight(y, x, weight, *settings)


def call_others(stage):
    """All other public functions, in single precision 16 bytes at a time and not, and in double precision."""
    for dtype, beside in (("float32", 0), ("float32", 4), ("float64", 0)):
        array = arrays_of(stage, dtype, beside)
        _pointwise(array)
        _rows(array)
        _images(array)
        _optimizers(array)
        _moving(stage, array)
    double = arrays_of(stage, "float64")
    kernels.cuda.matmul(double(5, 6), double(6, 7), double(5, 7))
    for groups, dilation in ((1, ONE), (3, ONE), (1, (2, 2))):
        _convolve(double, 2, 3 if groups == 1 else 1, 2, groups, (7, 7), (3, 3), ONE, ONE, dilation)
    for window, stride in (((3, 3), ONE), ((3, 3), (2, 2)), ((5, 5), ONE), ((2, 3), (1, 2))):
        _convolve(arrays_of(stage), 2, 1, 1, 8, (16, 16), window, stride, ONE, ONE)


def _pointwise(array):
    x, y, row = array(8, 16, 4), array(8, 16, 4), array(16, 1)
    for name in "absolute", "exp", "log", "negative", "relu", "sigmoid", "sign", "sqrt", "tanh":
        getattr(kernels.cuda, name)(x, y)
    for name in "relu", "sigmoid", "tanh":
        getattr(kernels.cuda, f"{name}_grad_input")(x, y, x)
    kernels.cuda.leaky_relu(x, y, 0.1)
    kernels.cuda.leaky_relu_grad_input(x, y, x, 0.1)
    for name in "add", "subtract", "multiply", "divide", "power":
        for a, b in ((x, y), (x, row), (x, x.dtype.type(3)), (x.dtype.type(3), x)):
            getattr(kernels.cuda, name)(a, b, y)
    kernels.cuda.dropout(x, y, 0.5, 1)


def _rows(array):
    for rows, classes in ((7, 10), (5, 1000), (3, 10_000)):
        x, y, losses, labels = array(rows, classes), array(rows, classes), array(rows), array(rows, dtype="int64")
        for name in "softmax", "log_softmax":
            getattr(kernels.cuda, name)(x, y)
            getattr(kernels.cuda, f"{name}_grad_input")(x, y, x)
        kernels.cuda.cross_entropy(x, labels, losses, y, 0.1, -100)
        kernels.cuda.cross_entropy_grad_input(losses, x, labels, y, 0.1, -100)
    for shape, axes in (((5, 7), (0,)), ((5, 7), (1,)), ((300, 4000), (1,)), ((4000, 300), (0,)), ((2, 3, 4, 5), (0, 2)),
                        ((64, 16, 28, 28), (0, 2, 3)), ((2, 3, 2, 3, 2, 3), (0, 2, 4))):
        x, y = array(*shape), array(*(1 if axis in axes else size for axis, size in enumerate(shape)))
        kernels.cuda.sum(x, y, axes)
        kernels.cuda.max(x, y, axes)
        kernels.cuda.max_grad_input(y, x, y, x, axes)


def _images(array):
    for channels, size in ((3, 5), (16, 8), (64, 56)):
        x, y, own = array(4, channels, size, size), array(4, channels, size, size), array(channels)
        for rectify, residual, weight in ((False, None, None), (True, None, own), (True, y, own)):
            kernels.cuda.batch_norm(x, own, own, weight, weight, residual, y, 1e-5, rectify)
            kernels.cuda.batch_norm_training(x, weight, weight, residual, own, own, y, 1e-5, rectify)
            for training in (False, True):
                kernels.cuda.batch_norm_grad(x, x, own, own, weight, y if rectify else None, x, weight, weight, residual, 1e-5, training)
        kernels.cuda.batch_statistics(x, own, own)
        for width in (5, 4):
            kernels.cuda.local_response_norm(x, y, width, 1e-4, 0.75, 2)
            kernels.cuda.local_response_norm_grad_input(x, x, y, width, 1e-4, 0.75, 2)
        for window, stride, padding in (((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 2), ONE), ((3, 3), ONE, ONE), ((4, 5), (3, 3), ONE)):
            out = array(4, channels, *output_shape((size, size), window, stride, padding, ONE))
            switches = array(*out.shape, dtype="uint8")
            kernels.cuda.max_pool2d(x, out, switches, window, stride, padding)
            kernels.cuda.max_pool2d_grad_input(out, switches, x, window, stride, padding)
            for counted in (False, True):
                kernels.cuda.avg_pool2d(x, out, window, stride, padding, counted)
                kernels.cuda.avg_pool2d_grad_input(out, x, window, stride, padding, counted)
        for to in (1, 3):
            out, places = array(4, channels, to, to), array(4, channels, to, to, dtype="int32")
            kernels.cuda.adaptive_avg_pool2d(x, out)
            kernels.cuda.adaptive_avg_pool2d_grad_input(out, x)
            kernels.cuda.adaptive_max_pool2d(x, out, places)
            kernels.cuda.adaptive_max_pool2d_grad_input(out, places, x)
        kernels.cuda.concatenate([x, y, x], array(4, 3 * channels, size, size), 1)
        kernels.cuda.split(array(4, 2 * channels, size, size), [x, y], [0, channels], 1)
        for mode in "constant", "reflect", "replicate":
            padded = array(4, channels, size + 3, size + 3)
            kernels.cuda.pad(x, padded, (0, 0, 1, 1), mode, 0.0)
            kernels.cuda.pad_grad_input(padded, x, (0, 0, 1, 1), mode)
        for mode, corners in (("nearest", False), ("bilinear", False), ("bilinear", True)):
            larger = array(4, channels, 2 * size, 2 * size)
            kernels.cuda.resample(x, larger, mode, (0.5, 0.5), corners)
            kernels.cuda.resample_grad_input(larger, x, mode, (0.5, 0.5), corners)


def _optimizers(array):
    each = [array(5, 7) for _ in range(4)]
    for velocity in (None, each[2]):
        kernels.cuda.sgd(each[0], each[1], velocity, 0.1, 0.9, 0.1, velocity is not None)
        kernels.cuda.sgd_all([each[0]], [each[1]], None if velocity is None else [velocity], 0.1, 0.9, 0.1, False, {})
    kernels.cuda.adam(*each, 0.1, 0.9, 0.999, 1e-8, 0.1, 3)
    kernels.cuda.adam_all(*[[one] for one in each], 0.1, 0.9, 0.999, 1e-8, 0.1, 3, {})


def _moving(stage, array):
    x, places = array(8, 16, 4), array(5, dtype="int64")
    for view in (x, x.transpose(2, 1, 0), x[:, ::2], x[:, 1:]):
        moving.copy(view, array(*view.shape))
        moving.fill(view, 3)
    x.astype("int64").astype("bool")
    moving.take(x.reshape(-1), places, array(5))
    moving.add_at(x.reshape(-1), np.arange(5), array(5))
    searching.argmax(x, stage.empty((8, 4), "int64"), 1)
    for name in "equal", "less", "greater_equal":
        getattr(comparison, name)(x, x, stage.empty(x.shape, "bool"))
