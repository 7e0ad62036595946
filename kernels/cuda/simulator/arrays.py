"""Arrays of global and of shared memory, as a kernel sees them: every index and every access is checked.

`Memory` holds the numbers and who used them last; an `Array` is a shape laid over it, with a name. `Line` is the array with one axis
whose numbers lie side by side, `Grid` any other.
"""
import functools
import sys

import numpy as np

from .errors import DataRace, Misaligned, NotArrived, NotSimulated, OutOfRange, Uninitialised
from .races import NEVER, PENDING
from .sites import caller, line_of
from .values import DType, Garbage, as_index, cast_to

_REMEMBERED = 1 << 15   # places of an array that are looked up rather than computed


class Memory:
    """Numbers of one type, and for each the moments (races.py) of its last write and of the last two reads.

    kind      "global" or "shared"
    values    the numbers: anything with places 0 to count - 1
    address   of place 0, in bytes
    before    for each place: had it been written before this launch (or, if shared, this block) began?
    """

    __slots__ = ("address", "before", "cast", "count", "dtype", "exact", "kind", "now", "others", "readers", "values", "writers")

    def __init__(self, kind, now, values, count, dtype, address, before):
        self.kind, self.now, self.values, self.count, self.address, self.before = kind, now, values, count, address, before
        self.dtype, self.cast = DType(dtype), cast_to(dtype)
        self.exact = dtype.type if dtype.kind == "f" else None   # values of this class need no conversion
        self.writers, self.readers, self.others = [NEVER] * count, [NEVER] * count, [NEVER] * count


def values_over(numbers):
    """A flat numpy.ndarray as something whose numbers are those of values.py."""
    if numbers.dtype.kind == "f" or numbers.dtype == np.uint64 or not numbers.size:
        return numbers
    return memoryview(numbers)


class Places(dict):
    """Index -> place in memory, for an array of that shape; strides are counted in numbers. A LookupError for all that is no place."""

    def __init__(self, shape, strides, offset):
        self.shape, self.strides, self.offset = shape, strides, offset

    def __missing__(self, index):
        indices = index if index.__class__ is tuple else (index,)
        if len(indices) != len(self.shape):
            raise LookupError
        place = self.offset
        for one, size, stride in zip(indices, self.shape, self.strides):
            one = as_index(one)
            if not 0 <= one < size:
                raise LookupError
            place += one * stride
        if len(self) < _REMEMBERED:
            self[index] = place
        return place


_places = functools.lru_cache(64)(Places)


class Array:
    """What arrays have in common; see Line and Grid for access by index."""

    __slots__ = ("before", "cast", "dtype", "exact", "memory", "name", "ndim", "now", "offset", "others", "places", "readers", "shape",
                 "size", "strides", "values", "writers")

    def __init__(self, memory, name, shape, strides, offset=0):
        self.memory, self.name, self.shape, self.strides, self.offset = memory, name, shape, strides, offset
        self.ndim, self.size, self.dtype = len(shape), int(np.prod(shape, dtype=np.int64)), memory.dtype
        self.values, self.writers, self.readers, self.others = memory.values, memory.writers, memory.readers, memory.others
        self.now, self.before, self.cast, self.exact = memory.now, memory.before, memory.cast, memory.exact
        self.places = _places(shape, strides, offset)

    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    flat = property(lambda self: self.values)

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    # where: an index, a place

    def place(self, index):
        """The place in memory of array[index]."""
        try:
            return self.places[index]
        except (LookupError, TypeError):
            view = self.view(index, "uses")
            raise NotSimulated(f"uses {self.name}[...] with {self.ndim - view.ndim} of its {self.ndim} indices") from None

    def index(self, place):
        """The index of a place."""
        left, index = place - self.offset, [0] * self.ndim
        for axis in sorted(range(self.ndim), key=lambda axis: -self.strides[axis]):
            if self.strides[axis] and self.shape[axis] > 1:
                index[axis], left = divmod(left, self.strides[axis])
        return tuple(index)

    def element(self, place):
        """Its name for people."""
        return f"{self.name}[{', '.join(map(str, self.index(place)))}]"

    def aligned(self, index, count, used=None):
        """The place of `count` numbers that are moved at once, `used` of them really."""
        place, size = self.place(index), count * self.dtype.itemsize
        if (self.memory.address + place * self.dtype.itemsize) % size:
            self._misaligned(place, size)
        if place + (count if used is None else used) > self.offset + self.size:
            raise OutOfRange(f"moves {count} numbers from or to {self.element(place)}, but the array ends before the last of them: "
                             f"its shape is {self.shape}")
        return place

    def _misaligned(self, place, size):
        hint = ""
        if self.memory.kind == "shared" and place * self.dtype.itemsize % size == 0:
            hint = f"; say cuda.shared.array(..., alignment={size})"
        raise Misaligned(f"moves {size} bytes at once from or to {self.element(place)}, which need not lie at a multiple of {size} "
                         f"bytes{hint}")

    def view(self, index, doing):
        """The part of the array that fewer indices than axes, or slices, name; an OutOfRange if they name none."""
        indices = index if isinstance(index, tuple) else (index,)
        shape, strides, offset = [], [], self.offset
        if len(indices) > self.ndim:
            raise OutOfRange(f"{doing} {self.name}[{_listed(indices)}], but {self.name} has {self.ndim} axes")
        for one, size, stride in zip(indices, self.shape, self.strides):
            if isinstance(one, slice):
                if any(end is not None and as_index(end) < 0 for end in (one.start, one.stop)):
                    raise OutOfRange(f"{doing} {self.name}[{_listed(indices)}], a slice with a negative end")
                start, stop, step = one.indices(size)
                shape.append(len(range(start, stop, step)))
                strides.append(stride * step)
                offset += start * stride
                continue
            if isinstance(one, Garbage):
                one.use()
            try:
                one = as_index(one)
            except TypeError:
                raise OutOfRange(f"{doing} {self.name}[{_listed(indices)}], and an index is a whole number; "
                                 "`/` gives a float, `//` an integer") from None
            if not 0 <= one < size:
                raise OutOfRange(f"{doing} {self.name}[{_listed(indices)}], but the shape of {self.name} is {self.shape}")
            offset += one * stride
        return array_over(self.memory, self.name, tuple(shape) + self.shape[len(indices):],
                          tuple(strides) + self.strides[len(indices):], offset)

    def reshape(self, *shape):
        """The same numbers in another shape."""
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        return array_over(self.memory, self.name, shape, element_strides(shape), self.offset)

    # what: reads, writes, at a place

    def read(self, place):
        now = self.now
        moment, written = now.moment, self.writers[place]
        if written >= now.floor:
            if written != moment:
                self._check_read(place, written)
        elif written < now.first and (written or not self.before[place]):
            self._check_read(place, written)
        reader = self.readers[place]
        if reader != moment:
            self.others[place] = reader
            self.readers[place] = moment
        return self.values[place]

    def read_vector(self, place, count):
        """`count` numbers from there on."""
        end, now = place + count, self.now
        moment, written = now.moment, self.writers[place:end]
        if min(written) < now.first or max(written) >= now.floor:
            return [self.read(one) for one in range(place, end)]
        if self.readers[place] != moment or self.readers[end - 1] != moment:
            self.others[place:end] = self.readers[place:end]
            self.readers[place:end] = (moment,) * count
        return self.values[place:end]

    def _check_read(self, place, written):
        if written == NEVER:
            if self.now.recording:   # does somebody write it later, without a barrier in between?
                self.values[place] = self.cast(0)
                return
            raise Uninitialised(f"reads {self.element(place)}, which nobody has written; its shape is {self.shape}")
        if written == PENDING:
            raise NotArrived(f"reads {self.element(place)}, which copy_async has not brought yet: first copy_commit, copy_wait, a barrier")
        if self.now.races and not self.now.ordered(written):
            raise self.now.race(self, place, "reads", written, "writes")

    def write(self, place, value):
        if value.__class__ is not self.exact:
            value = self.cast(value)
        now = self.now
        moment, first, floor = now.moment, now.first, now.floor
        written, reader = self.writers[place], self.readers[place]
        if written and written != moment and not first <= written < floor:
            self._check_write(place, written, value)
        if reader:
            if reader != moment and not first <= reader < floor:
                self._check_overtaken(place, reader, "writes")
            reader = self.others[place]
            if reader and reader != moment and not first <= reader < floor:
                self._check_overtaken(place, reader, "writes")
        self.writers[place] = moment
        self.values[place] = value

    def _check_write(self, place, written, value):
        if written == PENDING:
            raise DataRace(f"writes {self.element(place)}, to which copy_async is still copying")
        if self.now.races and not self.now.ordered(written):
            old = self.values[place]
            if written & 1 or not (old == value or (old != old and value != value)):   # writing the same number twice does no harm
                raise self.now.race(self, place, "writes", written, "writes")

    def _check_overtaken(self, place, reader, doing):
        """Is a read by another thread still to come, for all one knows?"""
        if self.now.races and not self.now.ordered(reader):
            raise self.now.race(self, place, doing, reader, "reads")

    def change(self, place, change):
        """An atomic operation: the old number; in its place, what change(old) is."""
        now = self.now
        written = self.writers[place]
        if written == NEVER and not self.before[place] or written == PENDING:
            self._check_read(place, written)
        if now.races and not written & 1 and written and not now.ordered(written):
            raise now.race(self, place, "changes by an atomic operation", written, "writes")
        for reader in (self.readers[place], self.others[place]):
            if reader:
                self._check_overtaken(place, reader, "changes by an atomic operation")
        self.writers[place] = now.moment | 1
        old = self.values[place]
        self.values[place] = self.cast(change(old))
        return old

    def expect(self, place):
        """A copy to that place begins; nobody may use it before it has arrived."""
        self.write(place, 0)
        self.writers[place] = PENDING

    def arrive(self, place, value):
        """The copy to that place is there, for the thread that waited."""
        self.writers[place] = self.now.moment
        self.values[place] = value


class Line(Array):
    """One axis, side by side."""

    __slots__ = ()

    def __getitem__(self, index):
        if index.__class__ is int and 0 <= index < self.size:
            place = self.offset + index
        else:
            try:
                place = self.places[index]
            except (LookupError, TypeError):
                return self.view(index, "reads")
        now = self.now   # from here on as in `read`, which a call would slow down
        moment, written = now.moment, self.writers[place]
        if written >= now.floor:
            if written != moment:
                self._check_read(place, written)
        elif written < now.first and (written or not self.before[place]):
            self._check_read(place, written)
        reader = self.readers[place]
        if reader != moment:
            self.others[place] = reader
            self.readers[place] = moment
        return self.values[place]

    def __setitem__(self, index, value):
        if index.__class__ is int and 0 <= index < self.size:
            self.write(self.offset + index, value)
        else:
            _store(self, index, value)


class Grid(Array):
    """Any number of axes."""

    __slots__ = ()

    def __getitem__(self, index):
        try:
            place = self.places[index]
        except (LookupError, TypeError):
            return self.view(index, "reads")
        return self.read(place)

    def __setitem__(self, index, value):
        try:
            place = self.places[index]
        except (LookupError, TypeError):
            return _store(self, index, value)
        self.write(place, value)


def _store(array, index, value):
    try:
        place = array.places[index]
    except (LookupError, TypeError):
        array.view(index, "writes")
        raise NotSimulated(f"assigns to a part of {array.name}: write its numbers one by one") from None
    array.write(place, value)


class _Recorded:
    """With a new moment for each access, so that a race can name the line of the other one."""

    __slots__ = ()

    def _record(self):
        now, frame = self.now, caller(sys._getframe(2))
        now.begin(now.thread, line_of((frame.f_code, frame.f_lasti)))
        now.moment = now.thread.moment

    def __getitem__(self, index):
        self._record()
        return super().__getitem__(index)

    def __setitem__(self, index, value):
        self._record()
        super().__setitem__(index, value)

    def place(self, index):   # atomic operations, vectors
        self._record()
        return super().place(index)


class _RecordedLine(_Recorded, Line):
    __slots__ = ()


class _RecordedGrid(_Recorded, Grid):
    __slots__ = ()


def array_over(memory, name, shape, strides, offset=0):
    """An array of that shape in that memory; strides are counted in numbers."""
    line, grid = (_RecordedLine, _RecordedGrid) if memory.now.recording else (Line, Grid)
    return (line if len(shape) == 1 and strides[0] == 1 else grid)(memory, name, shape, strides, offset)


def element_strides(shape):
    """Row by row, in numbers."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def _listed(indices):
    return ", ".join(f"{_end(one.start)}:{_end(one.stop)}" if isinstance(one, slice) else str(one) for one in indices)


def _end(value):
    return "" if value is None else value
