"""What a thread does with its share of a channel in batch normalisation: moments, results, sums for the gradients, gradients.

    share   (thread, threads, channel, channels, positions, count), as segments.share_of has it
    four    None: the numbers are read one by one; True: as vectors of four floats, which count, positions and threads then count
"""
import math

from numba import cuda, uint32

from .intrinsics import load4, store4
from .segments import first_of, next_of
from .warp import merge_moments


@cuda.jit(device=True, forceinline=True)
def shift_of(x, share, four):
    """A number of the channel, from which all are measured: the mean may be thousands of deviations away from 0, and then only
    differences are exact. Should it be an outlier itself, the variance is large. 0 if it is not finite."""
    zero = x.dtype.type(0)
    if share[5] == 0:
        return zero
    value = x[uint32(share[2] * share[4] * uint32(1 if four is None else 4))]
    return value if abs(value) < math.inf else zero


@cuda.jit(device=True, forceinline=True)
def moments_of_share(x, shift, share, four):
    """Count, mean and sum of squared deviations of x - shift.

    Four loads are under way together. What they bring has its own moments, which are merged with what there is: that takes divisions, and
    the next loads wait for them.
    """
    number = x.dtype.type
    total, mean, squares, zero, one = number(0), number(0), number(0), number(0), number(1)
    offset, position, stride, step, jump = first_of(share[0], share[1], share[2], share[3], share[4])
    for i in range(share[0], share[5], uint32(4 * share[1])):
        second, position = next_of(offset, position, stride, step, jump, share[4])
        third, position = next_of(second, position, stride, step, jump, share[4])
        fourth, position = next_of(third, position, stride, step, jump, share[4])
        has_second, has_third = i + share[1] < share[5], i + uint32(2 * share[1]) < share[5]
        has_fourth = i + uint32(3 * share[1]) < share[5]
        a = _from(x, offset, shift, four)
        b = _from(x, second if has_second else offset, shift, four)
        c = _from(x, third if has_third else offset, shift, four)
        d = _from(x, fourth if has_fourth else offset, shift, four)
        count = (one + (one if has_second else zero)) + ((one if has_third else zero) + (one if has_fourth else zero))
        count *= number(1 if four is None else 4)
        middle = (_sum(a, four) + (_sum(b, four) if has_second else zero)) + ((_sum(c, four) if has_third else zero)
                                                                              + (_sum(d, four) if has_fourth else zero))
        middle /= count
        spread = (_squares(a, middle, four) + (_squares(b, middle, four) if has_second else zero)) + (
            (_squares(c, middle, four) if has_third else zero) + (_squares(d, middle, four) if has_fourth else zero))
        total, mean, squares = merge_moments(total, mean, squares, count, middle, spread)
        offset, position = next_of(fourth, position, stride, step, jump, share[4])
    return total, mean, squares


@cuda.jit(device=True, forceinline=True)
def _from(x, offset, shift, four):
    """Four numbers less shift; a single one, of which the others are copies that nobody uses."""
    if four is not None:
        a, b, c, d = load4(x, uint32(4 * offset))
        return a - shift, b - shift, c - shift, d - shift
    a = x[offset] - shift
    return a, a, a, a


@cuda.jit(device=True, forceinline=True)
def _sum(values, four):
    if four is None:
        return values[0]
    return (values[0] + values[1]) + (values[2] + values[3])


@cuda.jit(device=True, forceinline=True)
def _squares(values, middle, four):
    """Sum of squared deviations from `middle`."""
    a, b, c, d = values
    a, b, c, d = a - middle, b - middle, c - middle, d - middle
    if four is None:
        return a * a
    return (a * a + b * b) + (c * c + d * d)


@cuda.jit(device=True, forceinline=True)
def mean_and_variance(count, mean, squares, shift):
    """From the moments of x - shift. There is no variance about a mean that is not finite; nothing divided by nothing is NaN."""
    if abs(mean) < math.inf:
        return shift + mean * (count / count), squares / count
    return mean, mean - mean


@cuda.jit(device=True, forceinline=True)
def normalize_share(x, mean, scale, bias, residual, y, rectify, share, four):
    """y = (x - mean) scale + bias + residual, rectified or not; two at a time, whose loads are under way together."""
    offset, position, stride, step, jump = first_of(share[0], share[1], share[2], share[3], share[4])
    for i in range(share[0], share[5], uint32(2 * share[1])):
        second, position = next_of(offset, position, stride, step, jump, share[4])
        has_second = i + share[1] < share[5]
        other = second if has_second else offset
        a, b = _from(x, offset, mean, four), _from(x, other, mean, four)
        if residual is not None:
            zero = x.dtype.type(0)
            c, d = _from(residual, offset, zero, four), _from(residual, other, zero, four)
            _put_result(y, offset, a, scale, bias, c, rectify, four)
            if has_second:
                _put_result(y, second, b, scale, bias, d, rectify, four)
        else:
            _put_result(y, offset, a, scale, bias, None, rectify, four)
            if has_second:
                _put_result(y, second, b, scale, bias, None, rectify, four)
        offset, position = next_of(second, position, stride, step, jump, share[4])


@cuda.jit(device=True, forceinline=True)
def _put_result(y, offset, values, scale, bias, residual, rectify, four):
    if four is not None:
        a, b, c, d = values
        a, b, c, d = a * scale + bias, b * scale + bias, c * scale + bias, d * scale + bias
        if residual is not None:
            a, b, c, d = a + residual[0], b + residual[1], c + residual[2], d + residual[3]
        if rectify is not None:
            zero = y.dtype.type(0)
            a, b, c, d = passed(a, a, zero), passed(b, b, zero), passed(c, c, zero), passed(d, d, zero)
        store4(y, uint32(4 * offset), a, b, c, d)
    else:
        a = values[0] * scale + bias
        if residual is not None:
            a += residual[0]
        if rectify is not None:
            a = passed(a, a, y.dtype.type(0))
        y[offset] = a


@cuda.jit(device=True, forceinline=True)
def passed(value, y, zero):
    """What ReLU lets pass of a value: all where y is positive or NaN, else nothing."""
    return zero if y <= zero else value


@cuda.jit(device=True, forceinline=True)
def sums_of_share(grad_y, x, mean, y, grad_residual, share, four):
    """The sums of g and of g (x - mean); g is grad_y or what ReLU, whose result was y, lets pass of it, which is kept in grad_residual."""
    zero = x.dtype.type(0)
    total, product = zero, zero
    offset, position, stride, step, jump = first_of(share[0], share[1], share[2], share[3], share[4])
    for _ in range(share[0], share[5], share[1]):
        if four is not None:
            place = uint32(4 * offset)
            a, b, c, d = load4(x, place)
            e, f, g, h = load4(grad_y, place)
            if y is not None:
                p, q, r, s = load4(y, place)
                e, f, g, h = passed(e, p, zero), passed(f, q, zero), passed(g, r, zero), passed(h, s, zero)
            if grad_residual is not None:
                store4(grad_residual, place, e, f, g, h)
            total += (e + f) + (g + h)
            product += (e * (a - mean) + f * (b - mean)) + (g * (c - mean) + h * (d - mean))
        else:
            e = grad_y[offset]
            if y is not None:
                e = passed(e, y[offset], zero)
            if grad_residual is not None:
                grad_residual[offset] = e
            total += e
            product += e * (x[offset] - mean)
        offset, position = next_of(offset, position, stride, step, jump, share[4])
    return total, product


@cuda.jit(device=True, forceinline=True)
def gradient_of_share(grad_y, x, mean, y, grad_x, grad_residual, scale, middle, slope, training, share, four):
    """grad_residual = g, grad_x = scale g, or scale (g - middle - (x - mean) slope) when training; of these, what is wanted."""
    zero = scale - scale
    offset, position, stride, step, jump = first_of(share[0], share[1], share[2], share[3], share[4])
    for _ in range(share[0], share[5], share[1]):
        if four is not None:
            place = uint32(4 * offset)
            e, f, g, h = load4(grad_y, place)
            if y is not None:
                p, q, r, s = load4(y, place)
                e, f, g, h = passed(e, p, zero), passed(f, q, zero), passed(g, r, zero), passed(h, s, zero)
            if grad_residual is not None:
                store4(grad_residual, place, e, f, g, h)
            if grad_x is not None:
                if training is not None:
                    a, b, c, d = load4(x, place)
                    e, f = e - middle - (a - mean) * slope, f - middle - (b - mean) * slope
                    g, h = g - middle - (c - mean) * slope, h - middle - (d - mean) * slope
                store4(grad_x, place, e * scale, f * scale, g * scale, h * scale)
        else:
            e = grad_y[offset]
            if y is not None:
                e = passed(e, y[offset], zero)
            if grad_residual is not None:
                grad_residual[offset] = e
            if grad_x is not None:
                if training is not None:
                    e = e - middle - (x[offset] - mean) * slope
                grad_x[offset] = e * scale
        offset, position = next_of(offset, position, stride, step, jump, share[4])
