"""Every kernel once, on a GPU, for compute-sanitizer to watch: python -m tests.kernels.cuda.every_kernel"""
import kernels.precision
from kernels.cuda.gpu import GPU
from tests.kernels.cuda import launches


def main(gpu):
    for precision in kernels.precision.PRECISIONS:
        kernels.precision.matmul_precision = precision
        launches.call_products(gpu)
    kernels.precision.matmul_precision = "highest"
    launches.call_others(gpu)
    gpu.synchronize()
    print("every kernel has run")


if __name__ == "__main__":
    main(GPU())
