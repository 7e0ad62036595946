"""How fast the kernels of kernels.cuda are on a GPU, beside PyTorch with cuDNN and cuBLAS:

    python -m benchmarks --device cuda            some minutes; --full for all layers and networks
    python -m benchmarks --device cuda resnet     what has a word in its name that begins like this
    python -m benchmarks.cuda.compilation         only compile what the benchmark needs; no GPU is needed for that
"""
