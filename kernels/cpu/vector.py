"""Vector instructions for Numba intrinsics: a thin layer over llvmlite that speaks of registers, lanes and masks.

llvmlite's own helpers refuse vectors in two places (`declare_intrinsic`, `gep`), so those functions are declared by hand. Every load and
store is given the alignment of one element: any address will do.
"""
import llvmlite.ir as ir

from .machine import VECTOR_UNIT

INT64, INT32, BYTE, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(8), ir.IntType(1)


def pointer(context, builder, array_type, array, index):
    """The address of array[index] in a flat, contiguous array, index an LLVM int64."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


class Vectors:
    """Emits instructions on registers of one element type at the builder's position."""

    def __init__(self, context, builder, element_type):
        self.builder = builder
        self.element = context.get_value_type(element_type)
        self.item_bytes = element_type.bitwidth // 8
        self.lanes = VECTOR_UNIT.bytes // self.item_bytes
        self.type = ir.VectorType(self.element, self.lanes)
        self.suffix = f"v{self.lanes}f{element_type.bitwidth}"
        self.zero = self.constant(0.0)
        self.numbers = ir.Constant(ir.VectorType(INT32, self.lanes), list(range(self.lanes)))   # of the lanes

    def at(self, address, index):
        """The address `index` elements further on; index a Python int or an LLVM int64."""
        return self.builder.gep(address, [index if isinstance(index, ir.Value) else INT64(index)], inbounds=True)

    def load_one(self, address):
        return self.builder.load(address, align=self.item_bytes)

    def load(self, address, mask=None, outside=0.0):
        """One register; lanes outside the mask are `outside` and are not touched in memory."""
        address = self.builder.bitcast(address, self.type.as_pointer())
        if mask is None:
            return self.builder.load(address, align=self.item_bytes)
        signature = ir.FunctionType(self.type, [address.type, INT32, mask.type, self.type])
        return self._call(f"llvm.masked.load.{self.suffix}.p0", signature, address, INT32(self.item_bytes), mask, self.constant(outside))

    def store(self, value, address, mask=None):
        """One register; lanes outside the mask are left as they are in memory."""
        address = self.builder.bitcast(address, self.type.as_pointer())
        if mask is None:
            self.builder.store(value, address, align=self.item_bytes)
        else:
            signature = ir.FunctionType(ir.VoidType(), [self.type, address.type, INT32, mask.type])
            self._call(f"llvm.masked.store.{self.suffix}.p0", signature, value, address, INT32(self.item_bytes), mask)

    def constant(self, number):
        """The number in every lane."""
        return ir.Constant(self.type, [float(number)] * self.lanes)

    def broadcast(self, scalar):
        """The scalar in every lane."""
        return self._spread(scalar, self.element)

    def multiply_add(self, a, b, c):
        """a b + c: one FMA where the processor has it."""
        return self._call(f"llvm.fmuladd.{self.suffix}", ir.FunctionType(self.type, [self.type] * 3), a, b, c)

    def sum_lanes(self, value):
        signature = ir.FunctionType(self.element, [self.element, self.type])
        return self._call(f"llvm.vector.reduce.fadd.{self.suffix}", signature, ir.Constant(self.element, -0.0), value,
                          fastmath=("reassoc",))

    def place_of_largest(self, numbers, places):
        """Of an int32 for each lane the smallest among the lanes that hold the largest number, or NaN if there are any."""
        b, kind = self.builder, self.numbers.type
        nan = b.fcmp_unordered("uno", numbers, numbers)
        anywhere = self._reduce("or", nan)
        largest = self._reduce("fmax", numbers)
        chosen = b.select(self.every_lane(anywhere), nan, b.fcmp_ordered("==", numbers, self.broadcast(largest)))
        return self._reduce("umin", b.select(chosen, places, ir.Constant(kind, [2**31 - 1] * self.lanes)))

    def mask_below(self, count):
        """A mask of the lanes whose number is less than count (an LLVM int64, of any sign)."""
        return self.builder.icmp_signed("<", self.numbers, self._spread(self.builder.trunc(count, INT32), INT32))

    def mask_between(self, first, end):
        """A mask of the lanes first <= lane < end."""
        return self.builder.and_(self.builder.not_(self.mask_below(first)), self.mask_below(end))

    def mask_inside(self, first, size):
        """A mask of the lanes for which 0 <= first + lane < size (LLVM int64s, of any sign): the first are huge if they are unsigned."""
        return self.builder.icmp_unsigned("<", self.count_from(first), self._spread(self.builder.trunc(size, INT32), INT32))

    def count_from(self, first):
        """first, first + 1, first + 2, ... (first an LLVM int64) as an int32 for each lane."""
        return self.builder.add(self._spread(self.builder.trunc(first, INT32), INT32), self.numbers)

    def no_lanes(self):
        return ir.Constant(ir.VectorType(BIT, self.lanes), [0] * self.lanes)

    def every_lane(self, bit):
        """A mask of all lanes or of none."""
        return self.builder.select(bit, ir.Constant(ir.VectorType(BIT, self.lanes), [1] * self.lanes), self.no_lanes())

    def pick(self, a, b, lanes):
        """A register of lanes of a (numbered from 0) and of b (numbered on from there)."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT32, self.lanes), lanes))

    def deal(self, registers):
        """Registers that hold consecutive numbers, dealt out: register i of the result holds every len(registers)-th from number i on.

        There are 1, 2, 4 ... of them.
        """
        if len(registers) == 1:
            return registers
        pairs = list(zip(registers[::2], registers[1::2]))
        even = self.deal([self.pick(a, b, [2 * lane for lane in range(self.lanes)]) for a, b in pairs])
        odd = self.deal([self.pick(a, b, [2 * lane + 1 for lane in range(self.lanes)]) for a, b in pairs])
        return [register for pair in zip(even, odd) for register in pair]

    def interleave(self, even, odd):
        """The reverse for two registers: even[0], odd[0], even[1], odd[1], ... in two registers."""
        half = self.lanes // 2
        return [self.pick(even, odd, [first + lane // 2 + lane % 2 * self.lanes for lane in range(self.lanes)]) for first in (0, half)]

    def same(self, number):
        """An LLVM int64 as an int32 in each lane."""
        return self._spread(self.builder.trunc(number, INT32), INT32)

    def bytes_of(self, number):
        """The number in as many bytes as there are lanes."""
        return ir.Constant(ir.VectorType(BYTE, self.lanes), [number] * self.lanes)

    def broadcast_byte(self, number):
        """The last byte of an LLVM int64 in as many bytes as there are lanes."""
        return self._spread(self.builder.trunc(number, BYTE), BYTE)

    def falling_bytes(self, first, step):
        """first, first - step, first - 2 step, ... (first an LLVM int64) in as many bytes as there are lanes, but nothing below 0."""
        steps = ir.Constant(self.numbers.type, [step * lane for lane in range(self.lanes)])
        values = self.builder.sub(self._spread(self.builder.trunc(first, INT32), INT32), steps)
        zero = ir.Constant(values.type, [0] * self.lanes)
        return self.builder.trunc(self.builder.select(self.builder.icmp_signed(">", values, zero), values, zero), self.bytes_of(0).type)

    def load_bytes(self, address, mask=None):
        zero = self.bytes_of(0)
        address = self.builder.bitcast(address, zero.type.as_pointer())
        if mask is None:
            return self.builder.load(address, align=1)
        signature = ir.FunctionType(zero.type, [address.type, INT32, mask.type, zero.type])
        return self._call(f"llvm.masked.load.v{self.lanes}i8.p0", signature, address, INT32(1), mask, zero)

    def store_integers(self, value, address, mask):
        """A byte or an int32 for each lane inside the mask."""
        address, bits = self.builder.bitcast(address, value.type.as_pointer()), value.type.element.width
        signature = ir.FunctionType(ir.VoidType(), [value.type, address.type, INT32, mask.type])
        self._call(f"llvm.masked.store.v{self.lanes}i{bits}.p0", signature, value, address, INT32(bits // 8), mask)

    def _spread(self, scalar, element):
        undefined = ir.Constant(ir.VectorType(element, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, INT32(0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes))

    def _reduce(self, operation, value):
        kind = value.type.element
        suffix = f"v{self.lanes}{'f' if kind == self.element else 'i'}{8 * self.item_bytes if kind == self.element else kind.width}"
        return self._call(f"llvm.vector.reduce.{operation}.{suffix}", ir.FunctionType(kind, [value.type]), value)

    def _call(self, name, signature, *arguments, **options):
        module = self.builder.module
        function = module.globals.get(name) or ir.Function(module, signature, name)
        return self.builder.call(function, arguments, **options)
