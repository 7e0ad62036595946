"""What batch normalisation does along a row of memory: sums, and one formula for each number.

All are loops over registers: see rows.
"""
from numba import types
from numba.extending import intrinsic

from .rows import Sums, registers
from .vector import Vectors, pointer


@intrinsic
def moments(typing, x, start, count, shift):
    """The sums of x - shift and of (x - shift)^2 over x[start:start + count]; x is flat."""
    number = x.dtype
    signature = types.UniTuple(number, 2)(x, types.int64, types.int64, number)

    def generate(context, b, signature, arguments):
        x, start, count, shift = arguments
        v = Vectors(context, b, number)
        x, shift = pointer(context, b, signature.args[0], x, start), v.broadcast(shift)
        first, second = Sums(b, v), Sums(b, v)
        for j, register, mask in registers(b, v, count):
            off = b.fsub(v.load(v.at(x, j), mask), shift)
            off = off if mask is None else b.select(mask, off, v.zero)
            first.add(register, off)
            second.multiply_add(register, off, off)
        return context.make_tuple(b, signature.return_type, [first.total(), second.total()])

    return signature, generate


@intrinsic
def normalize(typing, x, residual, y, start, count, mean, scale, bias, least, with_residual):
    """y = max((x - mean) scale + bias + residual, least), NaN staying NaN, from `start` on; the residual is read only if there is one."""
    n, number = types.int64, x.dtype
    signature = types.void(x, residual, y, n, n, number, number, number, number, types.boolean)

    def generate(context, b, signature, arguments):
        x, residual, y, start, count, mean, scale, bias, least, with_residual = arguments
        v = Vectors(context, b, number)
        x, residual, y = (pointer(context, b, kind, array, start) for kind, array in zip(signature.args, (x, residual, y)))
        mean, scale, bias, least = map(v.broadcast, (mean, scale, bias, least))

        def write(add_residual):
            for j, _, mask in registers(b, v, count):
                value = v.multiply_add(b.fsub(v.load(v.at(x, j), mask), mean), scale, bias)
                if add_residual:
                    value = b.fadd(value, v.load(v.at(residual, j), mask))
                v.store(b.select(b.fcmp_ordered("<", value, least), least, value), v.at(y, j), mask)

        with b.if_else(with_residual) as (added, not_added):
            with added:
                write(True)
            with not_added:
                write(False)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def gradient_moments(typing, grad_y, x, y, passed, start, count, mean, rectified):
    """The sums of g and of g (x - mean), from `start` on. If `rectified`, g = grad_y where y > 0 (or NaN), else 0, and is written to
    `passed`; otherwise g = grad_y, and neither y nor `passed` is touched."""
    n, number = types.int64, x.dtype
    signature = types.UniTuple(number, 2)(grad_y, x, y, passed, n, n, number, types.boolean)

    def generate(context, b, signature, arguments):
        grad_y, x, y, passed, start, count, mean, rectified = arguments
        v = Vectors(context, b, number)
        grad_y, x, y, passed = (pointer(context, b, kind, array, start) for kind, array in zip(signature.args, (grad_y, x, y, passed)))
        mean, first, second = v.broadcast(mean), Sums(b, v), Sums(b, v)

        def gather(rectify):
            for j, register, mask in registers(b, v, count):
                g = v.load(v.at(grad_y, j), mask)
                if rectify:
                    g = b.select(b.fcmp_ordered("<=", v.load(v.at(y, j), mask), v.zero), v.zero, g)
                    v.store(g, v.at(passed, j), mask)
                off = b.fsub(v.load(v.at(x, j), mask), mean)
                off = off if mask is None else b.select(mask, off, v.zero)
                first.add(register, g)
                second.multiply_add(register, g, off)

        with b.if_else(rectified) as (some, all_):
            with some:
                gather(True)
            with all_:
                gather(False)
        return context.make_tuple(b, signature.return_type, [first.total(), second.total()])

    return signature, generate


@intrinsic
def input_gradient(typing, g, x, grad_x, start, count, mean, scale, offset, slope, training):
    """grad_x = g scale from `start` on, or if `training` grad_x = (g - offset - (x - mean) slope) scale. grad_x may be g."""
    n, number = types.int64, x.dtype
    signature = types.void(g, x, grad_x, n, n, number, number, number, number, types.boolean)

    def generate(context, b, signature, arguments):
        g, x, grad_x, start, count, mean, scale, offset, slope, training = arguments
        v = Vectors(context, b, number)
        g, x, grad_x = (pointer(context, b, kind, array, start) for kind, array in zip(signature.args, (g, x, grad_x)))
        mean, scale, offset, slope = map(v.broadcast, (mean, scale, offset, b.fneg(slope)))
        with b.if_else(training) as (of_batch, constant):
            with of_batch:
                for j, _, mask in registers(b, v, count):
                    value = b.fsub(v.load(v.at(g, j), mask), offset)
                    value = v.multiply_add(b.fsub(v.load(v.at(x, j), mask), mean), slope, value)
                    v.store(b.fmul(value, scale), v.at(grad_x, j), mask)
            with constant:
                for j, _, mask in registers(b, v, count):
                    v.store(b.fmul(v.load(v.at(g, j), mask), scale), v.at(grad_x, j), mask)
        return context.get_dummy_value()

    return signature, generate
