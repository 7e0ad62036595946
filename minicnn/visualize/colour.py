"""One colour as a network takes it: what an image is covered with, or compared to."""
import numpy as np

from minicnn.errors import InputError
from minicnn.tensor import Tensor
from minicnn.training import preparation


def colour(model, x, brightness):
    """A Tensor (1, C, 1, 1), of the type and on the device of images x (N, C, H, W).

    brightness  from 0, black, to 1, or one for each channel. A network that knows no `preprocessing` takes it as it is
    """
    channels, preprocessing = x.shape[1], getattr(model, "preprocessing", None)
    if np.size(brightness) not in (1, channels):
        raise InputError(f"a colour is one number or {channels}, one for each channel, not {np.size(brightness)}")
    found = np.broadcast_to(np.asarray(brightness, x.dtype).ravel(), channels)[:, None, None]
    if preprocessing is not None:
        found = preparation.normalised(preprocessing, found)
    return Tensor(np.ascontiguousarray(found[None], x.dtype)).to(x.device)
