"""SmoothGrad: the mean of the gradients of noisy copies of the image.

D. Smilkov, N. Thorat, B. Kim, F. Viegas, M. Wattenberg, "SmoothGrad: removing noise by adding noise", ICML 2017 workshop
(arXiv:1706.03825), section 2. From pixel to pixel the gradient of a network of ReLUs varies fast and without much meaning; what it is on
average in a neighbourhood is easier to see:

    M(x) = 1/n * sum over n of dS/dx (x + e),    e ~ N(0, sigma^2)
"""
import numpy as np

from minicnn import functional as F, random
from minicnn.errors import InputError
from minicnn.tensor import Tensor
from minicnn.visualize import gradients


def smoothgrad(objective, x, noise=0.15, samples=25, batch_size=10):
    """The mean gradient of each image: Tensor (N, C, H, W). gradients.strength makes a map of it.

    objective   an objectives.OfModel: logit("banana").of(model)
    x           Tensor (N, C, H, W), as the network takes them
    noise       sigma, as a share of the range of the image's values; the paper recommends 0.1 to 0.2
    samples     n; the paper sees little change beyond 50
    batch_size  copies that are computed together. The result does not depend on it, not beyond rounding where kernels are chosen by the
                size of the batch

    The noise comes from minicnn.random: manual_seed decides it.
    """
    if not noise >= 0 or samples < 1 or batch_size < 1:
        raise InputError(f"noise is at least 0, and there is at least 1 sample and 1 in a batch, not {noise}, {samples} and {batch_size}")
    x, found = x.detach(), []
    for number in range(len(x)):
        image = x[number:number + 1]
        sigma = noise * (image.max() + (-image).max()).item()
        total = image * 0
        for begin in range(0, samples, batch_size):
            shape = (min(batch_size, samples - begin), *image.shape[1:])
            disturbance = random.generator().standard_normal(shape).astype(x.dtype) * np.asarray(sigma, x.dtype)
            for gradient in gradients.by_image(objective, image + Tensor(disturbance).to(x.device))[1]:   # one by one, so that batches
                total = total + gradient                                                                  # do not change the sum
        found.append(total / samples)
    return F.cat(found, 0)
