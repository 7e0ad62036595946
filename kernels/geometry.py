"""The arithmetic of window positions, shared by convolution and pooling: no arrays, only sizes."""


def output_size(size, window, stride, padding, dilation=1):
    """How many window positions fit along one axis: floor((size + 2 padding - dilation (window - 1) - 1) / stride) + 1.

    Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 15. Zero or less means that
    the window does not fit.
    """
    return (size + 2 * padding - dilation * (window - 1) - 1) // stride + 1


def output_shape(shape, window, stride, padding, dilation=(1, 1)):
    """`output_size` for (rows, columns) pairs."""
    return tuple(map(output_size, shape, window, stride, padding, dilation))
