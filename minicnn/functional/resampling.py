"""Resampling of images, made differentiable."""
import math

from kernels.geometry import resampling_window
from minicnn.autograd import Function
from minicnn.device import empty, kernels_for
from minicnn.functional import arguments


class Resample(Function):
    """Keeps the input's shape only."""

    def __init__(self, y_shape, mode, scale, align_corners):
        self.y_shape, self.settings = y_shape, (mode, scale, align_corners)

    @property
    def windows(self):
        mode, scale, align_corners = self.settings
        return tuple(resampling_window(mode, along, align_corners) for along in scale)

    def forward(self, x):
        y = empty(x, (*x.shape[:2], *self.y_shape))
        kernels_for(x).resample(x, y, *self.settings)
        return y

    def backward(self, gradient):
        grad_x = empty(gradient, self.input_shapes[0])
        kernels_for(gradient).resample_grad_input(gradient, grad_x, *self.settings)
        return (grad_x,)


def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """Images made larger or smaller: (N, C, H, W) -> (N, C, OH, OW), as torch.nn.functional.interpolate for four axes.

    size          OH and OW: an integer or a pair; or else
    scale_factor  a number or a pair, of which OH = floor(H scale_factor) is made. It is also what decides where the new pixels lie,
                  though with that rounding they may not reach as far as the old ones
    mode          "nearest": the pixel at floor(position / factor); "bilinear": a weighted mean of four. Nothing is smoothed before an
                  image is made smaller
    align_corners for "bilinear": True keeps the centres of the corner pixels where they are, False (or None) the corners of the image
    """
    arguments.images("interpolate", x)
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"interpolate: mode must be 'nearest' or 'bilinear', not {mode!r}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError("interpolate: align_corners is for mode 'bilinear'; nearest pixels have no weights to align")
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: either size or scale_factor must be given, and not both")
    if 0 in x.shape[2:]:
        raise ValueError(f"interpolate: x {x.shape} has no pixels")
    if size is None:
        factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * 2
        y_shape = tuple(math.floor(length * factor) for length, factor in zip(x.shape[2:], factors))
        if len(factors) != 2 or min(y_shape) < 1:
            raise ValueError(f"interpolate: scale_factor {scale_factor} must be a number or a pair of numbers that leave something of "
                             f"x {x.shape}")
        scale = tuple(1 / factor for factor in factors)
    else:
        y_shape = arguments.pair("interpolate", "size", size, 1)
        scale = tuple(old / new for old, new in zip(x.shape[2:], y_shape))
    if align_corners:
        scale = tuple((old - 1) / (new - 1) if new > 1 else 0.0 for old, new in zip(x.shape[2:], y_shape))
    return Resample(y_shape, mode, scale, bool(align_corners))(x)
