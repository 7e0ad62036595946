"""An image made of waves instead of pixels, in colours that vary independently: the parameterisation of dreams.

    pixels = sigmoid(M C' (A a) C),    A(u, v) = sqrt(H W) / f(u, v)^decay,    f(u, v) = sqrt(u^2 + v^2), at least 1

a are the numbers that are learned, one for each frequency (u, v) and each of the independent colours. C is the orthonormal cosine
transform (the Fourier transform of an image that goes on as in a mirror, so that its edges need not fit together), and M mixes
independent colours to red, green and blue. In natural images the strength of waves falls as 1 / f (Field, "Relations between the
statistics of natural images and the response properties of cortical cells", JOSA A 1987); an optimiser that takes equal steps along
equally likely directions finds images like these, and not noise of single pixels.

Olah, Mordvintsev & Schubert, "Feature visualization", Distill 2017, section "Preconditioning and parameterization".
"""
import functools

import numpy as np

from minicnn import functional as F
from minicnn.data import photographs
from minicnn.nn import Parameter
from minicnn.tensor import Tensor
from minicnn.visualize.smoothing import blurred

_NOISE = 0.1      # deviation of what a dream from nothing begins with
_DARKEST = 1e-3   # how near a pixel of a given image comes to 0 and 1, where the sigmoid never gets


class Waves:
    """An image (C, H, W) of pixels between 0 and 1, made of waves.

    parameters  what is to be learned: a alone
    """

    def __init__(self, numbers, decay):
        """
        numbers  a, a Tensor (C, H, W)
        decay    see above; the higher, the smoother
        """
        channels, height, width = numbers.shape
        self.parameters = [Parameter(numbers)]
        arrays = _strength(height, width, decay), cosines(height), cosines(width), _mixing(channels)
        self.strength, self.down, self.across, self.mixing = (Tensor(array).to(numbers.device) for array in arrays)

    @classmethod
    def noise(cls, shape, decay, generator, place):
        """Grey, with weak waves of all frequencies, on the device `place`."""
        return cls(Tensor((_NOISE * generator.standard_normal(shape)).astype(np.float32)).to(place), decay)

    @classmethod
    def of(cls, image, decay, place):
        """The waves that make an image, an array (C, H, W) of pixels from 0 to 1."""
        channels, height, width = image.shape
        image = np.clip(image.astype(np.float64), _DARKEST, 1 - _DARKEST)
        # By our own product, in double precision: the threads of NumPy's go on spinning for a while, when the dream has begun.
        unmixing, down, across = (Tensor(matrix.astype(np.float64))
                                  for matrix in (np.linalg.inv(_mixing(channels)), cosines(height).T, cosines(width).T))
        mixed = F.matmul(unmixing, Tensor(np.log(image / (1 - image)).reshape(channels, -1)))
        numbers = _transformed(mixed.reshape(channels, height, width), down, across).array / _strength(height, width, decay)
        return cls(Tensor(numbers.astype(np.float32)).to(place), decay)

    def pixels(self):
        """The image, a Tensor that leads back to the parameters."""
        waves, = self.parameters
        image = _transformed(waves * self.strength, self.down, self.across)
        return F.sigmoid(F.matmul(self.mixing, image.reshape(len(image), -1)).reshape(*image.shape))

    def blur(self, deviation):
        """Smooth the waves by a Gaussian of this standard deviation, in pixels: each is multiplied by what is left of it."""
        waves, = self.parameters
        left = [np.exp(-0.5 * (np.pi * deviation * np.arange(size) / size) ** 2) for size in waves.shape[1:]]
        waves.copy_(waves.detach() * Tensor(np.outer(*left).astype(np.float32)).to(waves.device))


class Pixels:
    """An image (C, H, W) whose pixels, from 0 to 1, are learned by themselves."""

    def __init__(self, pixels):
        self.parameters = [Parameter(pixels)]

    @classmethod
    def noise(cls, shape, generator, place):
        return cls(Tensor((0.5 + _NOISE * generator.standard_normal(shape)).astype(np.float32)).to(place))

    @classmethod
    def of(cls, image, place):
        return cls(Tensor(image.astype(np.float32)).to(place))

    def pixels(self):
        return self.parameters[0] * 1

    def blur(self, deviation):
        pixels, = self.parameters
        pixels.copy_(blurred(pixels.detach().unsqueeze(0), deviation).squeeze(0))


def _transformed(image, down, across):
    """The rows of a Tensor (C, H, W) times one matrix (W, W), and its columns times another one (H, H)."""
    channels, height, width = image.shape
    along = F.matmul(image.reshape(-1, width), across).reshape(channels, height, width)
    return F.matmul(along.permute(0, 2, 1).reshape(-1, height), down).reshape(channels, width, height).permute(0, 2, 1)


def _strength(height, width, decay):
    """A."""
    rows, columns = np.ogrid[:height, :width]
    return (np.sqrt(height * width) / np.maximum(np.hypot(rows, columns), 1) ** decay).astype(np.float32)


def _mixing(channels):
    """M. Where there are not three colours, each is by itself."""
    return colours() if channels == 3 else np.eye(channels, dtype=np.float32)


@functools.cache
def cosines(size):
    """The orthonormal cosine transform (DCT-II), float32 (size, size): row u is a wave of u half periods."""
    frequency, place = np.ogrid[:size, :size]
    basis = np.sqrt(2 / size) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * size))
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


@functools.cache
def colours():
    """What mixes independent colours to red, green and blue, float32 (3, 3): the directions along which the pixels of the package's
    photographs vary, each as long as its standard deviation, the longest, which is brightness, being 1."""
    pixels = []
    for path in sorted(photographs.EXAMPLES.glob("*.jpg")):
        photo = photographs.read(path)
        photo.thumbnail((100, 100))
        pixels.append(photographs.pixels(photo).reshape(3, -1) / 255)
    variances, directions = np.linalg.eigh(np.cov(np.concatenate(pixels, 1)))
    mixing = directions * np.sqrt(variances)
    return (mixing / np.linalg.norm(mixing, axis=0).max()).astype(np.float32)
