"""NVIDIA's driver, through the package cuda-bindings: its calls with errors as exceptions, and what is missing where there is no GPU."""
import functools
import importlib

WAYS_OUT = "without a GPU, device 'cuda-simulator' runs the same kernels, slowly"


class CudaError(RuntimeError):
    """What the driver could not do, in its words and ours."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status   # the driver's name for it


@functools.cache
def bindings():
    """The module with the driver's functions, ready for use. CudaError says what is missing."""
    try:
        driver = importlib.import_module("cuda.bindings.driver")
    except ImportError:
        raise CudaError("the package cuda-bindings is missing: pip install 'minicnn[cuda]' brings it; " + WAYS_OUT) from None
    try:
        status, = driver.cuInit(0)
    except Exception:   # of a type that changes from version to version
        raise CudaError("there is no NVIDIA driver (libcuda) on this machine; " + WAYS_OUT) from None
    if status == driver.CUresult.CUDA_ERROR_NO_DEVICE or not status and not driver.cuDeviceGetCount()[1]:
        raise CudaError("the NVIDIA driver is here, but it shows no GPU (CUDA_VISIBLE_DEVICES may hide it); " + WAYS_OUT)
    if status:
        raise CudaError(f"the NVIDIA driver does not start ({describe(driver, status)}); {WAYS_OUT}", status.name)
    return driver


_ADVICE = {
    "CUDA_ERROR_ILLEGAL_ADDRESS": "a kernel has reached beyond its arrays; this process cannot use the GPU any more. On "
                                  "'cuda-simulator' the same program stops at the very index",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": "the driver is older than the compiler: update it, or install the versions of nvidia-nvvm "
                                          "and nvidia-cuda-nvrtc that nvidia-smi names",
    "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED": "this cannot be recorded in a graph",
    "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED": "something before could not be recorded in a graph",
}


def describe(driver, status):
    """The driver's words for a status, and advice."""
    name = getattr(status, "name", str(status))
    text = driver.cuGetErrorString(status)[1]
    text = text.decode() if isinstance(text, bytes) else str(text)
    return f"{name}: {text}" + (f"; {_ADVICE[name]}" if name in _ADVICE else "")


def check(driver, doing, answer):
    """The results of a driver's function, which answers (status, *results): one of them, or None. `doing` words the error."""
    status = answer[0]
    if status:
        raise CudaError(f"{doing}: {describe(driver, status)}", status.name)
    return answer[1] if len(answer) == 2 else answer[1:] or None
