"""Instructions of the GPU that Python has no word for: loads of 16 bytes, copies in the background, matrix products of a warp.

Each is one machine instruction, written for the compiler here, and for the simulator in simulator/instructions.py. An index is an
integer or a tuple of them and is not checked on the GPU. PTX ISA reference, NVIDIA (sections 9.7.9 data movement, 9.7.14 matrix
multiply-accumulate).
"""
import itertools

from llvmlite import ir
from numba import types
from numba.cuda import cgutils
from numba.cuda.extending import intrinsic

FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_FOUR_FLOATS = types.UniTuple(types.float32, 4)
_GLOBAL, _SHARED = 1, 3   # address spaces


def _pointer(context, builder, array_type, array, index_type, index):
    """To array[index]."""
    array = context.make_array(array_type)(context, builder, array)
    if isinstance(index_type, types.BaseTuple):
        indices, index_types = cgutils.unpack_tuple(builder, index, count=len(index_type)), list(index_type)
    else:
        indices, index_types = [index], [index_type]
    indices = [context.cast(builder, value, kind, types.intp) for value, kind in zip(indices, index_types)]
    return cgutils.get_item_pointer(context, builder, array_type, array, indices, wraparound=False)


def _shared_address(context, builder, array_type, array, index_type, index):
    """Of array[index] in shared memory, as the number of 32 bits that PTX takes; a single index is counted in 32 bits as well."""
    if isinstance(index_type, types.BaseTuple):
        return _address(builder, _pointer(context, builder, array_type, array, index_type, index), _SHARED)
    start = _address(builder, context.make_array(array_type)(context, builder, array).data, _SHARED)
    return builder.add(start, builder.shl(context.cast(builder, index, index_type, types.uint32), INT32(2)))


def _address(builder, pointer, space):
    """A pointer as the number that PTX takes: 64 bits in global memory, 32 in shared memory."""
    inside = builder.addrspacecast(pointer, pointer.type.pointee.as_pointer(addrspace=space))
    return builder.ptrtoint(inside, INT32 if space == _SHARED else INT64)


def assemble(builder, text, constraints, result, arguments):
    """One line of PTX that has an effect besides its result."""
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(ir.InlineAsm(function, text, constraints, side_effect=True), arguments)


@intrinsic
def load4(typing_context, array, index):
    """Four floats from array[index] on, in one load of 16 bytes; the address must be a multiple of 16."""
    signature = _FOUR_FLOATS(array, index)

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], arguments[0], signature.args[1], arguments[1])
        four = builder.load(builder.bitcast(pointer, ir.VectorType(FLOAT, 4).as_pointer(pointer.type.addrspace)), align=16)
        return cgutils.pack_array(builder, [builder.extract_element(four, INT32(place)) for place in range(4)])
    return signature, generate


@intrinsic
def store4(typing_context, array, index, a, b, c, d):
    """Four floats to array[index] and on, in one store of 16 bytes; the address must be a multiple of 16."""
    signature = types.void(array, index, *[types.float32] * 4)

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], arguments[0], signature.args[1], arguments[1])
        four = ir.Constant(ir.VectorType(FLOAT, 4), ir.Undefined)
        for place, value in enumerate(arguments[2:]):
            four = builder.insert_element(four, value, INT32(place))
        builder.store(four, builder.bitcast(pointer, four.type.as_pointer(pointer.type.addrspace)), align=16)
        return context.get_dummy_value()
    return signature, generate


def _global_pointer(builder, address, kind):
    """From an address, a whole number, to a pointer into global memory."""
    return builder.inttoptr(address, kind.as_pointer(addrspace=_GLOBAL))


@intrinsic
def load_at(typing_context, address):
    """The float at an address of global memory, a uint64: for kernels that work on many arrays, known from a table."""
    def generate(context, builder, signature, arguments):
        return builder.load(_global_pointer(builder, arguments[0], FLOAT), align=4)
    return types.float32(types.uint64), generate


@intrinsic
def store_at(typing_context, address, value):
    """A float to an address of global memory."""
    def generate(context, builder, signature, arguments):
        builder.store(arguments[1], _global_pointer(builder, arguments[0], FLOAT), align=4)
        return context.get_dummy_value()
    return types.void(types.uint64, types.float32), generate


@intrinsic
def load4_at(typing_context, address):
    """Four floats from an address of global memory on, which must be a multiple of 16."""
    def generate(context, builder, signature, arguments):
        four = builder.load(_global_pointer(builder, arguments[0], ir.VectorType(FLOAT, 4)), align=16)
        return cgutils.pack_array(builder, [builder.extract_element(four, INT32(place)) for place in range(4)])
    return _FOUR_FLOATS(types.uint64), generate


@intrinsic
def store4_at(typing_context, address, a, b, c, d):
    """Four floats to an address of global memory and on, which must be a multiple of 16."""
    def generate(context, builder, signature, arguments):
        four = ir.Constant(ir.VectorType(FLOAT, 4), ir.Undefined)
        for place, value in enumerate(arguments[1:]):
            four = builder.insert_element(four, value, INT32(place))
        builder.store(four, _global_pointer(builder, arguments[0], four.type), align=16)
        return context.get_dummy_value()
    return types.void(types.uint64, *[types.float32] * 4), generate


@intrinsic
def keep(typing_context, value):
    """The value, a uint32, as it is: but the assembler does not see through, so it keeps it in a register, where else it might work it out
    again in each turn of a loop. (A lane asks for its own number.)"""
    def generate(context, builder, signature, arguments):
        return assemble(builder, "shfl.sync.up.b32 $0, $1, 0, 0, -1;", "=r,r", INT32, arguments)
    return types.uint32(types.uint32), generate


@intrinsic
def reciprocal_root(typing_context, value):
    """1 / sqrt(value) of a float32, wrong by at most 2^-22.9 of it: one instruction, where a root and a division are thirty."""
    def generate(context, builder, signature, arguments):
        return builder.call(ir.InlineAsm(ir.FunctionType(FLOAT, [FLOAT]), "rsqrt.approx.f32 $0, $1;", "=f,f"), arguments)
    return types.float32(types.float32), generate


@intrinsic
def shared_address(typing_context, array, index):
    """Where array[index] lies in shared memory: its address there, in bytes."""
    def generate(context, builder, signature, arguments):
        return _shared_address(context, builder, signature.args[0], arguments[0], signature.args[1], arguments[1])
    return types.uint32(array, index), generate


@intrinsic
def copy_async(typing_context, shared, shared_index, array, index, size):
    """Begin to copy `size` (0 to 16) bytes from array[index] on to shared[shared_index] and fill up to 16 with zeros.

    Both addresses must be multiples of 16. They have arrived after `copy_wait`; for other threads, after a barrier as well.
    """
    signature = types.void(shared, shared_index, array, index, types.int32)

    def generate(context, builder, signature, arguments):
        pointers = [_pointer(context, builder, signature.args[place], arguments[place], signature.args[place + 1], arguments[place + 1])
                    for place in (0, 2)]
        addresses = [_address(builder, pointer, space) for pointer, space in zip(pointers, (_SHARED, _GLOBAL))]
        assemble(builder, "cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,~{memory}", ir.VoidType(),
                  [*addresses, arguments[4]])
        return context.get_dummy_value()
    return signature, generate


@intrinsic
def copy_async_one(typing_context, shared, shared_index, array, index, present):
    """Begin to copy array[index], 4 bytes, to shared[shared_index], or a zero if it is not `present`; both are arrays of one axis."""
    signature = types.void(shared, shared_index, array, index, types.boolean)

    def generate(context, builder, signature, arguments):
        _copy(context, builder, signature, arguments, "ca", 4)
        return context.get_dummy_value()
    return signature, generate


@intrinsic
def copy_async_four(typing_context, shared, shared_index, array, index, present):
    """Begin to copy four numbers from array[index] on to shared[shared_index], or zeros if they are not `present`; as copy_async, for
    arrays of one axis whose index has 32 bits."""
    signature = types.void(shared, shared_index, array, index, types.boolean)

    def generate(context, builder, signature, arguments):
        _copy(context, builder, signature, arguments, "cg", 16)
        return context.get_dummy_value()
    return signature, generate


def _copy(context, builder, signature, arguments, cache, size):
    shared_type, shared_index_type, array_type, index_type, _ = signature.args
    target = _shared_address(context, builder, shared_type, arguments[0], shared_index_type, arguments[1])
    start = _address(builder, context.make_array(array_type)(context, builder, arguments[2]).data, _GLOBAL)
    # in PTX, for LLVM would count in 64 bits all the way here
    source = assemble(builder, "mad.wide.u32 $0, $1, 4, $2;", "=l,r,l", INT64,
                       [context.cast(builder, arguments[3], index_type, types.uint32), start])
    present = builder.trunc(arguments[4], ir.IntType(1)) if arguments[4].type.width > 1 else arguments[4]
    assemble(builder, f"cp.async.{cache}.shared.global [$0], [$1], {size}, $2;", "r,l,r,~{memory}", ir.VoidType(),
              [target, source, builder.select(present, INT32(size), INT32(0))])


class Writer:
    """Writes out instructions of a warp, for what `written_out` makes; values are those of LLVM.

    multiply_tf32(a, b) and multiply_bfloat16(a, b) add the products of all matrices in the list a with all in the list b to the sums,
    four of which belong to each product. With row, column = divmod(lane, 4), a lane gives and has of them, for tf32, (mma.m16n8k8)
        a      [row, column], [row + 8, column], [row, column + 4], [row + 8, column + 4]             of 16 x 8, in words
        b      [column, row], [column + 4, row]                                                       of 8 x 8, in words
        sums   [row, 2 column], [row, 2 column + 1], [row + 8, 2 column], [row + 8, 2 column + 1]     of 16 x 8, in single precision
    and for bfloat16 (mma.m16n8k16) the same with two numbers in a word, so that a is 16 x 16 and b 16 x 8.
    """

    def __init__(self, builder, sums, shared):
        self.builder, self.start = builder, shared
        self.sums = Sums(builder, sums)

    def _address(self, place, flip, offset):
        if flip:
            place = self.builder.xor(place, INT32(flip))
        return self.builder.add(self.start, self.builder.shl(self.builder.add(place, INT32(offset)), INT32(2)))

    def _several(self, text, constraints, kind, arguments):
        count = constraints.count("=")
        result = assemble(self.builder, text, constraints, ir.LiteralStructType([kind] * count), arguments)
        return [self.builder.extract_value(result, number) for number in range(count)]

    def zero(self):
        return FLOAT(0.0)

    def load_matrices(self, place, flip, offset):
        """Four matrices of 8 rows of 4 numbers from shared memory: lane 8 m + r says in `place` where row r of matrix m begins, at a
        multiple of 16 bytes; of each matrix lane l gets number l % 4 of row l // 4. At (place ^ flip) + offset, as all places."""
        return self._several("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}", INT32,
                             [self._address(place, flip, offset)])

    def load(self, place, offset):
        return assemble(self.builder, "ld.shared.u32 $0, [$1];", "=r,r,~{memory}", INT32, [self._address(place, 0, offset)])

    def store(self, place, offset, value):
        assemble(self.builder, "st.shared.f32 [$0], $1;", "r,f,~{memory}", ir.VoidType(), [self._address(place, 0, offset), value])

    def store_pair(self, place, offset, first, second):
        """At a multiple of 8 bytes."""
        assemble(self.builder, "st.shared.v2.f32 [$0], {$1, $2};", "r,f,f,~{memory}", ir.VoidType(),
                  [self._address(place, 0, offset), first, second])

    def word(self, number):
        """The bits of a number in single precision."""
        return self.builder.bitcast(number, INT32)

    def number(self, word):
        return self.builder.bitcast(word, FLOAT)

    def to_tf32(self, word):
        """The nearest number with 10 binary places, of two the one further from zero."""
        return assemble(self.builder, "cvt.rna.tf32.f32 $0, $1;", "=r,r", INT32, [word])

    def to_bfloat16(self, low, high):
        """Two numbers, each rounded to 7 binary places, in one word."""
        single = [self.builder.bitcast(word, FLOAT) for word in (high, low)]
        return assemble(self.builder, "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f", INT32, single)

    def multiply_tf32(self, a, b):
        self._multiply("m16n8k8.row.col.f32.tf32.tf32.f32", a, b)

    def multiply_bfloat16(self, a, b):
        self._multiply("m16n8k16.row.col.f32.bf16.bf16.f32", a, b)

    def multiply_warpgroup(self, a, place, columns):
        """The warpgroup begins to add to its 64 x `columns` sums the product of its 64 x 8 len(a) with a matrix in shared memory.

        a       for each 8 of the depth four words, as multiply_tf32 has them: warp w of the four has rows 16 w to 16 w + 15
        place   of the other matrix: number k of column j is at place + (k // 4 * columns + j) * 4 + k % 4
        sums    as those of multiply_tf32, for each 8 columns; neither they nor `a` may be touched before wait_warpgroup (wgmma.m64nNk8)
        """
        count, builder = columns // 2, self.builder
        start = builder.lshr(self._address(place, 0, 0), INT32(4))
        strides = (16 * columns >> 4) << 16 | (128 >> 4) << 32   # from one four of the depth to the next, from eight columns to the next
        start = builder.or_(builder.zext(start, INT64), INT64(strides))
        descriptors = [builder.add(start, INT64(2 * columns * step)) for step in range(len(a))]
        sums = ", ".join(f"${number}" for number in range(count))
        first, text = 2 * count, ["wgmma.fence.sync.aligned;"]
        for step in range(len(a)):
            words = ", ".join(f"${first + 4 * step + number}" for number in range(4))
            text.append(f"wgmma.mma_async.sync.aligned.m64n{columns}k8.f32.tf32.tf32 {{{sums}}}, {{{words}}}, "
                        f"${first + 4 * len(a) + step}, 1, 1, 1;")
        text.append("wgmma.commit_group.sync.aligned;")
        self._change_sums(count, " ".join(text), [word for four in a for word in four] + descriptors,
                          ["r"] * (4 * len(a)) + ["l"] * len(a))

    def wait_warpgroup(self, columns):
        """Until what multiply_warpgroup began has been added to the sums."""
        self._change_sums(columns // 2, "wgmma.wait_group.sync.aligned 0;", [], [])

    def _change_sums(self, count, text, arguments, kinds):
        constraints = ",".join(["=f"] * count + [str(number) for number in range(count)] + kinds + ["~{memory}"])
        results = self._several(text, constraints, FLOAT, [self.sums[number] for number in range(count)] + arguments)
        for number, result in enumerate(results):
            self.sums[number] = result

    def _multiply(self, kind, a, b):
        for number, (four, two) in enumerate(itertools.product(a, b)):
            places = range(4 * number, 4 * number + 4)
            results = self._several(
                f"mma.sync.aligned.{kind} {{$0, $1, $2, $3}}, {{$4, $5, $6, $7}}, {{$8, $9}}, {{$10, $11, $12, $13}};",
                "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f", FLOAT, [*four, *two, *[self.sums[place] for place in places]])
            for place, result in zip(places, results):
                self.sums[place] = result


class Sums:
    """sums[number] of a local array, which become registers, for every number is known when they are compiled."""

    def __init__(self, builder, pointer):
        self.builder, self.pointer = builder, pointer

    def __getitem__(self, number):
        return self.builder.load(self.builder.gep(self.pointer, [INT32(number)]))

    def __setitem__(self, number, value):
        self.builder.store(value, self.builder.gep(self.pointer, [INT32(number)]))


def written_out(steps):
    """The instruction (sums, shared, place, place) of a kernel that stands for all that steps(on, place, place) does.

    `steps` is plain Python: it runs once when a kernel is compiled, when `on` is a Writer, so that its loops are written out, and in the
    simulator it runs for each thread, when `on` computes. (Numba takes minutes for as many lines as that.)
    """
    def instruction(typing_context, sums, shared, first, second):
        def generate(context, builder, signature, arguments):
            kinds = signature.args
            local, block = (context.make_array(kind)(context, builder, value).data for kind, value in zip(kinds, arguments[:2]))
            places = [context.cast(builder, value, kind, types.uint32) for value, kind in zip(arguments[2:], kinds[2:])]
            steps(Writer(builder, local, _address(builder, block, _SHARED)), *places)
            return context.get_dummy_value()
        return types.void(sums, shared, first, second), generate
    instruction.__name__ = steps.__name__   # which tells apart kernels that differ in nothing else
    instruction = intrinsic(instruction)
    WRITTEN_OUT[instruction] = steps
    return instruction


WRITTEN_OUT = {}   # instruction -> steps


def _instruction(text):
    """One without operands."""
    @intrinsic
    def instruction(typing_context):
        def generate(context, builder, signature, arguments):
            assemble(builder, text, "~{memory}", ir.VoidType(), [])
            return context.get_dummy_value()
        return types.void(), generate
    return instruction


copy_commit = _instruction("cp.async.commit_group;")    # the copies begun since the last one make a group
copy_wait_all = _instruction("cp.async.wait_group 0;")  # until all groups of this thread have arrived
copy_wait_but_1 = _instruction("cp.async.wait_group 1;")
copy_wait_but_2 = _instruction("cp.async.wait_group 2;")

# what copies and stores have written to shared memory, the next warpgroup product after a barrier may read
publish_to_warpgroups = _instruction("fence.proxy.async.shared::cta;")


@intrinsic
def round_to_tf32(typing_context, number):
    """As Writer.to_tf32."""
    def generate(context, builder, signature, arguments):
        rounded = assemble(builder, "cvt.rna.tf32.f32 $0, $1;", "=r,f", INT32, arguments)
        return builder.bitcast(rounded, FLOAT)
    return types.float32(types.float32), generate
