"""What becomes of the setting kernels.precision on a GPU: which operands its tensor cores are given."""
import kernels.precision

TF32, BFLOAT16 = "tf32", "bfloat16"
_OPERANDS = {"high": TF32, "medium": BFLOAT16}


def tensor_core_operands(array):
    """How operands like this array are rounded before tensor cores multiply them: TF32, BFLOAT16, or None where none shall or can.

    "highest" takes single precision as it is, and double precision is never rounded. GPUs before compute capability 8.0 (sm_75, say)
    have no tensor cores for these formats: there the setting is without effect.
    """
    if array.dtype != "float32" or array.machine.compute_capability < (8, 0):
        return None
    return _OPERANDS.get(kernels.precision.matmul_precision)


def has_warpgroups(array):
    """Does the GPU have the tensor cores of Hopper, sm_90, whose instructions (warpgroup.py) no other one has; and shall they multiply
    operands as TF32?"""
    return array.machine.compute_capability == (9, 0) and tensor_core_operands(array) == TF32
