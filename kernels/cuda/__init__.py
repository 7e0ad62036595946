"""Every kernel in numba-cuda, for a GPU or its simulator. Files, names and arguments are those of kernels.reference."""
from .activation import relu
from .adaptive_pooling import (
    adaptive_avg_pool2d, adaptive_avg_pool2d_grad_input, adaptive_max_pool2d, adaptive_max_pool2d_grad_input,
)
from .array import DeviceArray as DeviceArray
from .pooling import avg_pool2d, avg_pool2d_grad_input, max_pool2d, max_pool2d_grad_input
from .resampling import resample, resample_grad_input
