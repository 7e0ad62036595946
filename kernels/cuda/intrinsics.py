"""Instructions of the GPU that Python has no word for: loads of 16 bytes, copies in the background, matrix products of a warp.

Each is one machine instruction, written for the compiler here, and for the simulator in simulator/instructions.py. An index is an
integer or a tuple of them and is not checked on the GPU. PTX ISA reference, NVIDIA (sections 9.7.9 data movement, 9.7.14 matrix
multiply-accumulate).
"""
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


def _address(builder, pointer, space):
    """A pointer as the number that PTX takes: 64 bits in global memory, 32 in shared memory."""
    inside = builder.addrspacecast(pointer, pointer.type.pointee.as_pointer(addrspace=space))
    return builder.ptrtoint(inside, INT32 if space == _SHARED else INT64)


def _assemble(builder, text, constraints, result, arguments):
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
def multiply(typing_context, sums, left, right, stage, first, steps, row, lower_row, column, far_column):
    """sums[i, j] += sum over `steps` steps k from `first` on of a[i] b[j]: the inner product of a register tile (tile.py).

    a       left[stage, k, row ... row + 3] and left[stage, k, lower_row ... lower_row + 3]: shared memory, in loads of 16 bytes
    b       right[stage, k, column ... column + 3] and right[stage, k, far_column ... far_column + 3]
    sums    (8, 8), a local array; as all places in it are constant, it becomes 64 registers
    steps   a constant: so many steps are written out. As Python source, 64 multiply-adds for each take Numba half a minute to translate.
    """
    if not isinstance(steps, types.IntegerLiteral):
        return None   # then Numba asks again, with the constant as the type
    signature = types.void(sums, left, right, stage, first, steps, row, lower_row, column, far_column)

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        data = context.make_array(kinds[0])(context, builder, arguments[0]).data
        places = [builder.gep(data, [INT32(number)]) for number in range(64)]
        totals = [builder.load(place) for place in places]

        def vectors(operand, *places):
            """The function that loads 8 numbers of a step."""
            stride = cgutils.unpack_tuple(builder, context.make_array(kinds[operand])(context, builder, arguments[operand]).strides, 3)[1]
            starts = []
            for place in places:
                index = types.Tuple((kinds[3], kinds[4], kinds[place]))
                packed = context.make_tuple(builder, index, [arguments[3], arguments[4], arguments[place]])
                pointer = _pointer(context, builder, kinds[operand], arguments[operand], index, packed)
                starts.append(builder.bitcast(pointer, ir.IntType(8).as_pointer(pointer.type.addrspace)))

            def load(step):
                numbers = []
                for start in starts:
                    at = builder.gep(start, [builder.mul(stride, stride.type(step))])
                    four = builder.load(builder.bitcast(at, ir.VectorType(FLOAT, 4).as_pointer(at.type.addrspace)), align=16)
                    numbers += [builder.extract_element(four, INT32(number)) for number in range(4)]
                return numbers
            return load

        load_a, load_b = vectors(1, 6, 7), vectors(2, 8, 9)
        for step in range(steps.literal_value):
            a, b = load_a(step), load_b(step)
            totals = [builder.fma(a[number // 8], b[number % 8], total) for number, total in enumerate(totals)]
        for place, total in zip(places, totals):
            builder.store(total, place)
        return context.get_dummy_value()
    return signature, generate


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
        _assemble(builder, "cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,~{memory}", ir.VoidType(),
                  [*addresses, arguments[4]])
        return context.get_dummy_value()
    return signature, generate


def _instruction(text):
    """One without operands."""
    @intrinsic
    def instruction(typing_context):
        def generate(context, builder, signature, arguments):
            _assemble(builder, text, "~{memory}", ir.VoidType(), [])
            return context.get_dummy_value()
        return types.void(), generate
    return instruction


copy_commit = _instruction("cp.async.commit_group;")    # the copies begun since the last one make a group
copy_wait_all = _instruction("cp.async.wait_group 0;")  # until all groups of this thread have arrived
copy_wait_but_1 = _instruction("cp.async.wait_group 1;")
copy_wait_but_2 = _instruction("cp.async.wait_group 2;")
