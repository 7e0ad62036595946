"""Optimiser steps on a device: each number of a parameter and of its state is read and written once.

`sgd` and `adam` change one parameter. A network has hundreds, most of them small, and to launch a kernel takes longer than to change a
thousand numbers: `sgd_all` and `adam_all` change all parameters in one launch. A table in device memory says where each block of
threads works. It is made once, and again when an array has moved.
"""
import math

import numpy as np
from numba import cuda, float32, uint32, uint64

from .intrinsics import load4, load4_at, load_at, store4, store4_at, store_at
from .launch import blocks, kernel
from .pointwise import BLOCK, wide

PIECE = 4096   # numbers that a block of sgd_all or adam_all works on
KEPT = 16      # tables: gradients seldom lie in the same places in each step, but they come back to the same ones


def sgd(parameter, gradient, velocity, lr, momentum, weight_decay, nesterov):
    """As kernels.reference.optimizer.sgd; lr may also be an array of size 1 on the device, of the parameter's type."""
    arrays = [parameter, gradient] if velocity is None else [parameter, gradient, velocity]
    flat = [*[array.reshape(-1) for array in arrays], None][:3]
    settings = *_number(lr, parameter.dtype), *map(parameter.dtype.type, (momentum, weight_decay)), bool(nesterov)
    if wide(*arrays):
        _sgd4[blocks(parameter.size, 4 * BLOCK), BLOCK](*flat, *settings)
    else:
        _sgd[blocks(parameter.size, BLOCK), BLOCK](*flat, *settings)


def sgd_all(parameters, gradients, velocities, lr, momentum, weight_decay, nesterov, tables):
    """`sgd` for each parameter, in one launch.

    parameters, gradients  lists of arrays
    velocities             a list of arrays, or None when momentum is 0
    lr                     a number, or an array of size 1 on the device: then the kernel takes what it finds there when it runs
    tables                 a dictionary of the caller's, in which the last KEPT tables are kept. Who records a sequence of kernels gives
                           it one of its own, so that its table lasts as long as the record
    """
    arrays = [parameters, gradients] if velocities is None else [parameters, gradients, velocities]
    if parameters[0].dtype != "float32":
        for parameter, gradient, velocity in zip(parameters, gradients, velocities or [None] * len(parameters)):
            sgd(parameter, gradient, velocity, lr, momentum, weight_decay, nesterov)
        return
    table = _table(arrays, tables)
    _sgd_all[table.shape[0], BLOCK](table, *_number(lr, np.dtype("float32")), np.float32(momentum), np.float32(weight_decay),
                                    bool(nesterov), None if velocities is None else True)


def adam(parameter, gradient, mean, square, lr, beta1, beta2, epsilon, weight_decay, step):
    """As kernels.reference.optimizer.adam; lr and step may also be arrays of size 1 on the device, lr of the parameter's type."""
    arrays = [parameter, gradient, mean, square]
    settings = _adam_settings(lr, beta1, beta2, epsilon, weight_decay, step, parameter.dtype)
    if wide(*arrays):
        _adam4[blocks(parameter.size, 4 * BLOCK), BLOCK](*[array.reshape(-1) for array in arrays], *settings)
    else:
        _adam[blocks(parameter.size, BLOCK), BLOCK](*[array.reshape(-1) for array in arrays], *settings)


def adam_all(parameters, gradients, means, squares, lr, beta1, beta2, epsilon, weight_decay, step, tables):
    """`adam` for each parameter, in one launch; they have all made the same number of steps. Arguments as for `sgd_all`."""
    if parameters[0].dtype != "float32":
        for arrays in zip(parameters, gradients, means, squares):
            adam(*arrays, lr, beta1, beta2, epsilon, weight_decay, step)
        return
    table = _table([parameters, gradients, means, squares], tables)
    _adam_all[table.shape[0], BLOCK](table, *_adam_settings(lr, beta1, beta2, epsilon, weight_decay, step, np.dtype("float32")))


def _number(number, dtype):
    """A number that may lie on the device, as two arguments, of which one is None: (value, array)."""
    return (None, number.reshape(-1)) if hasattr(number, "machine") else (dtype.type(number), None)


def _adam_settings(lr, beta1, beta2, epsilon, weight_decay, step, dtype):
    """1 - beta^step is worked out as -expm1(step log(beta)), which does not cancel where beta is near 1."""
    logarithms = [math.log(beta) if beta else -math.inf for beta in (beta1, beta2)]
    numbers = beta1, 1 - beta1, beta2, 1 - beta2, *logarithms, epsilon, weight_decay
    return *_number(lr, dtype), *_number(step, dtype), *map(dtype.type, numbers)


def _table(arrays, tables):
    """A row for each piece of a parameter: the address of this piece in each of the arrays, and how many numbers it has.

    arrays  a list of lists: parameters, gradients, ...
    """
    key = tuple([(array.address, array.size) for one in arrays for array in one])
    machine = arrays[0][0].machine
    if getattr(machine, "recording", None) is not None:   # the launch will not tell the graph what the table leads to
        machine.recording.keep([array for one in arrays for array in one])
    if key not in tables:
        rows = []
        for same in zip(*arrays):
            firsts = np.arange(0, same[0].size, PIECE)
            addresses = [array.address + 4 * firsts for array in same]
            rows.append(np.stack([*addresses, np.minimum(PIECE, same[0].size - firsts)], 1).astype(np.uint64))
        if len(tables) == KEPT:
            del tables[next(iter(tables))]   # the oldest
        tables[key] = machine.to_device(np.concatenate(rows))
    return tables[key]


@cuda.jit(device=True)
def _sgd_step(parameter, gradient, velocity, lr, momentum, weight_decay, nesterov):
    """The new parameter and velocity."""
    step = gradient + weight_decay * parameter
    velocity = momentum * velocity + step
    return parameter - lr * (step + momentum * velocity if nesterov else velocity), velocity


@kernel
def _sgd(parameter, gradient, velocity, lr, lr_place, momentum, weight_decay, nesterov):
    """The simple form: a number a thread."""
    i = cuda.grid(1)
    if i < parameter.size:
        rate = lr if lr_place is None else lr_place[0]
        if velocity is None:
            parameter[i] -= rate * (gradient[i] + weight_decay * parameter[i])
        else:
            parameter[i], velocity[i] = _sgd_step(parameter[i], gradient[i], velocity[i], rate, momentum, weight_decay, nesterov)


@kernel
def _sgd4(parameter, gradient, velocity, lr, lr_place, momentum, weight_decay, nesterov):
    """Four numbers a thread, 16 bytes at a time."""
    rate = lr if lr_place is None else lr_place[0]
    i = uint32(4 * cuda.grid(1))
    if i + uint32(4) <= uint32(parameter.size):
        a, b, c, d = load4(parameter, i)
        e, f, g, h = load4(gradient, i)
        if velocity is None:
            store4(parameter, i, a - rate * (e + weight_decay * a), b - rate * (f + weight_decay * b),
                   c - rate * (g + weight_decay * c), d - rate * (h + weight_decay * d))
        else:
            p, q, r, s = load4(velocity, i)
            a, p = _sgd_step(a, e, p, rate, momentum, weight_decay, nesterov)
            b, q = _sgd_step(b, f, q, rate, momentum, weight_decay, nesterov)
            c, r = _sgd_step(c, g, r, rate, momentum, weight_decay, nesterov)
            d, s = _sgd_step(d, h, s, rate, momentum, weight_decay, nesterov)
            store4(parameter, i, a, b, c, d)
            store4(velocity, i, p, q, r, s)
    else:
        for j in range(i, uint32(parameter.size)):
            if velocity is None:
                parameter[j] -= rate * (gradient[j] + weight_decay * parameter[j])
            else:
                parameter[j], velocity[j] = _sgd_step(parameter[j], gradient[j], velocity[j], rate, momentum, weight_decay, nesterov)


@kernel
def _sgd_all(table, lr, lr_place, momentum, weight_decay, nesterov, with_velocity):
    """Each block takes a row of the table; without a velocity, momentum is 0, and the parameter stands in for the velocity unread."""
    rate = lr if lr_place is None else lr_place[0]
    row = cuda.blockIdx.x
    parameter, gradient = table[row, 0], table[row, 1]
    velocity = table[row, 0] if with_velocity is None else table[row, 2]
    count = uint32(table[row, 2] if with_velocity is None else table[row, 3])
    aligned = (parameter | gradient | velocity) & uint64(15) == uint64(0)
    whole = uint32(count & ~uint32(3)) if aligned else uint32(0)
    for i in range(uint32(4 * cuda.threadIdx.x), whole, uint32(4 * BLOCK)):
        far = uint64(4 * i)
        a, b, c, d = load4_at(parameter + far)
        e, f, g, h = load4_at(gradient + far)
        if with_velocity is None:
            store4_at(parameter + far, a - rate * (e + weight_decay * a), b - rate * (f + weight_decay * b),
                      c - rate * (g + weight_decay * c), d - rate * (h + weight_decay * d))
        else:
            p, q, r, s = load4_at(velocity + far)
            a, p = _sgd_step(a, e, p, rate, momentum, weight_decay, nesterov)
            b, q = _sgd_step(b, f, q, rate, momentum, weight_decay, nesterov)
            c, r = _sgd_step(c, g, r, rate, momentum, weight_decay, nesterov)
            d, s = _sgd_step(d, h, s, rate, momentum, weight_decay, nesterov)
            store4_at(parameter + far, a, b, c, d)
            store4_at(velocity + far, p, q, r, s)
    for j in range(uint32(whole + cuda.threadIdx.x), count, uint32(BLOCK)):
        far = uint64(4 * j)
        a, e = load_at(parameter + far), load_at(gradient + far)
        if with_velocity is None:
            store_at(parameter + far, a - rate * (e + weight_decay * a))
        else:
            a, p = _sgd_step(a, e, load_at(velocity + far), rate, momentum, weight_decay, nesterov)
            store_at(parameter + far, a)
            store_at(velocity + far, p)


@cuda.jit(device=True)
def _adam_scales(lr, step, log1, log2):
    """lr / (1 - beta1^step), and 1 / sqrt(1 - beta2^step)."""
    return lr / -math.expm1(step * log1), type(lr)(1) / math.sqrt(-math.expm1(step * log2))


@cuda.jit(device=True)
def _adam_step(parameter, gradient, mean, square, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay):
    """The new parameter, mean and square."""
    g = gradient + weight_decay * parameter
    mean = keep1 * mean + add1 * g
    square = keep2 * square + add2 * g * g
    return parameter - rate * mean / (scale * math.sqrt(square) + epsilon), mean, square


@kernel
def _adam(parameter, gradient, mean, square, lr, lr_place, step, step_place, keep1, add1, keep2, add2, log1, log2, epsilon, weight_decay):
    """The simple form: a number a thread."""
    i = cuda.grid(1)
    if i < parameter.size:
        number = parameter.dtype.type
        count = step if step_place is None else number(step_place[0])
        rate, scale = _adam_scales(lr if lr_place is None else lr_place[0], count, log1, log2)
        parameter[i], mean[i], square[i] = _adam_step(parameter[i], gradient[i], mean[i], square[i], rate, scale,
                                                      keep1, add1, keep2, add2, epsilon, weight_decay)


@kernel
def _adam4(parameter, gradient, mean, square, lr, lr_place, step, step_place, keep1, add1, keep2, add2, log1, log2, epsilon, weight_decay):
    """Four numbers a thread, 16 bytes at a time."""
    rate, scale = _adam_scales(lr if lr_place is None else lr_place[0], step if step_place is None else float32(step_place[0]), log1, log2)
    i = uint32(4 * cuda.grid(1))
    if i + uint32(4) <= uint32(parameter.size):
        a, b, c, d = load4(parameter, i)
        e, f, g, h = load4(gradient, i)
        p, q, r, s = load4(mean, i)
        t, u, v, w = load4(square, i)
        a, p, t = _adam_step(a, e, p, t, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        b, q, u = _adam_step(b, f, q, u, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        c, r, v = _adam_step(c, g, r, v, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        d, s, w = _adam_step(d, h, s, w, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        store4(parameter, i, a, b, c, d)
        store4(mean, i, p, q, r, s)
        store4(square, i, t, u, v, w)
    else:
        for j in range(i, uint32(parameter.size)):
            parameter[j], mean[j], square[j] = _adam_step(parameter[j], gradient[j], mean[j], square[j], rate, scale,
                                                          keep1, add1, keep2, add2, epsilon, weight_decay)


@kernel
def _adam_all(table, lr, lr_place, step, step_place, keep1, add1, keep2, add2, log1, log2, epsilon, weight_decay):
    """Each block takes a row of the table."""
    rate, scale = _adam_scales(lr if lr_place is None else lr_place[0], step if step_place is None else float32(step_place[0]), log1, log2)
    row = cuda.blockIdx.x
    parameter, gradient, mean, square, count = table[row, 0], table[row, 1], table[row, 2], table[row, 3], uint32(table[row, 4])
    aligned = (parameter | gradient | mean | square) & uint64(15) == uint64(0)
    whole = uint32(count & ~uint32(3)) if aligned else uint32(0)
    for i in range(uint32(4 * cuda.threadIdx.x), whole, uint32(4 * BLOCK)):
        far = uint64(4 * i)
        a, b, c, d = load4_at(parameter + far)
        e, f, g, h = load4_at(gradient + far)
        p, q, r, s = load4_at(mean + far)
        t, u, v, w = load4_at(square + far)
        a, p, t = _adam_step(a, e, p, t, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        b, q, u = _adam_step(b, f, q, u, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        c, r, v = _adam_step(c, g, r, v, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        d, s, w = _adam_step(d, h, s, w, rate, scale, keep1, add1, keep2, add2, epsilon, weight_decay)
        store4_at(parameter + far, a, b, c, d)
        store4_at(mean + far, p, q, r, s)
        store4_at(square + far, t, u, v, w)
    for j in range(uint32(whole + cuda.threadIdx.x), count, uint32(BLOCK)):
        far = uint64(4 * j)
        a, p, t = _adam_step(load_at(parameter + far), load_at(gradient + far), load_at(mean + far), load_at(square + far), rate, scale,
                             keep1, add1, keep2, add2, epsilon, weight_decay)
        store_at(parameter + far, a)
        store_at(mean + far, p)
        store_at(square + far, t)
