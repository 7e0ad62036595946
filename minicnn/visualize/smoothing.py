"""Images smoothed by a Gaussian, through the network's own convolution: so it has a gradient and runs on any device."""
import numpy as np

from minicnn import functional as F
from minicnn.tensor import Tensor


def blurred(x, deviation):
    """Images (N, C, H, W), each pixel the mean of its neighbours with the weights of a Gaussian of this standard deviation, in pixels;
    beyond the edges they are continued."""
    reach = int(np.ceil(3 * deviation))
    weights = np.exp(-np.arange(-reach, reach + 1) ** 2 / (2 * deviation ** 2))
    kernel = np.tile((weights / weights.sum()).astype(x.dtype), (x.shape[1], 1, 1, 1))
    x = F.pad(x, (reach,) * 4, "replicate")
    for along in (kernel, kernel.transpose(0, 1, 3, 2)):
        x = F.conv2d(x, Tensor(np.ascontiguousarray(along)).to(x.device), groups=x.shape[1])
    return x
