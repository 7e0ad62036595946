"""Every kernel in numba-cuda, for a GPU or its simulator. Files, names and arguments are those of kernels.reference."""
from .activation import relu
from .array import DeviceArray as DeviceArray
from .matmul import matmul
from .weight_gradient import conv2d_grad_weight
