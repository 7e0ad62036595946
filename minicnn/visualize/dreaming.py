"""Dreams: an image is changed until a network sees in it what it is asked to see.

    image_{t+1} = image_t + step(gradient of [objective(view of image_t) - prior(image_t)])

Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks" (2013), section 2, for classes; Mordvintsev, Olah & Tyka,
"Inceptionism: going deeper into neural networks" (2015), for layers, photographs, octaves, and the word. The steps are Adam's. What keeps
the image natural is in natural.py, fourier.py and views.py. The network stays as it is, and no gradient of its weights is computed.
"""
import numpy as np

from minicnn import functional as F
from minicnn import no_grad, optim, random
from minicnn.autograd import grad
from minicnn.errors import InputError
from minicnn.nn import evaluating, frozen
from minicnn.tensor import Tensor
from minicnn.training import preparation
from minicnn.visualize import natural
from minicnn.visualize.fourier import Pixels, Waves
from minicnn.visualize.objectives import log_probability, logit
from minicnn.visualize.views import Views

STEPS = 128             # of a dream: enough for classes to be recognised
OCTAVE_STEPS = 15       # of a dream in octaves, at each size
OCTAVE = 1.4            # from one size of the image to the next
IN_PHOTOGRAPHS = natural.Prior(decay=None, scales=(1,))   # where a photograph is given, what is natural about it needs no help
_LEAST = 16             # pixels along a side of an image
_WAVES_RATE, _PIXELS_RATE = 0.08, 0.01   # of Adam: waves are of about unit size, pixels of a hundredth of their range


def of_class(wanted):
    """The objective of a dream of a class: its logarithmic probability, which says "this and nothing else" as long as there is doubt, and
    its logit, which goes on growing afterwards."""
    return log_probability(wanted) + 0.5 * logit(wanted)


def dream(model, objective, start=None, steps=STEPS, prior=natural.NATURAL, rate=None, see=None):
    """Enhance an objective, from noise or from an image. Returns pixels, float32 (C, H, W) from 0 to 1.

    model      a Classifier that has learned something: its preprocessing says how pixels become its input
    objective  an objectives.Objective: of_class("banana"), whole("fire5"), 0.2 * channel("fire9", 3) + 0.8 * logit("banana")
    start      pixels (C, H, W) from 0 to 1, of any size that the objective's layers can take; None: grey with a little noise, of the
               network's size
    prior      a natural.Prior
    rate       of learning; None for what suits waves or pixels
    see        called with (step, pixels, value of the objective) before each step

    What is random comes from minicnn.random. InputError for too few steps, a tiny image, or an unknown layer or class.
    """
    if steps < 1:
        raise InputError(f"a dream takes one step at least, not {steps}")
    size = tuple(model.preprocessing.size if start is None else start.shape[1:])
    if min(size) < _LEAST:
        raise InputError(f"a dream needs an image of {_LEAST} x {_LEAST} pixels at least, not {size[1]} x {size[0]}")
    channels = len(model.preprocessing.mean)
    wanted = objective.of(model)
    generator = random.generator()
    views = Views(size, prior.jitter, prior.scales, generator)
    place = model.parameters()[0].device
    image = _image(None if start is None else _bordered(start, prior.jitter), (channels, *views.image_size), prior.decay, generator, place)
    optimizer = optim.Adam(image.parameters, rate or (_PIXELS_RATE if prior.decay is None else _WAVES_RATE))
    mean, scale = (Tensor(np.array(values, np.float32).reshape(-1, 1, 1)).to(place)
                   for values in (model.preprocessing.mean, [1 / one for one in model.preprocessing.std]))
    with frozen(model):
        for step in range(steps):
            pixels = image.pixels()
            value = wanted(((views.draw(pixels) - mean) * scale).unsqueeze(0)).sum()
            if see is not None:
                see(step, _shown(views.middle(pixels)), value.item())
            better = value - _penalty(pixels, prior)
            for parameter, gradient in zip(image.parameters, grad(better, image.parameters)):
                parameter.grad = -gradient
            optimizer.step()
            if prior.blur:
                image.blur(prior.blur[0] + (prior.blur[1] - prior.blur[0]) * step / max(1, steps - 1))
    with no_grad():
        return _shown(views.middle(image.pixels()))


def in_octaves(model, objective, start, steps=OCTAVE_STEPS, prior=IN_PHOTOGRAPHS, rate=None, see=None):
    """Dream at several sizes, from small to large: what was dreamt at one is enlarged and added to the image at the next. So forms of all
    sizes arise, and the photograph keeps its details. Mordvintsev, Olah & Tyka (2015).

    start   pixels (C, H, W) from 0 to 1
    steps   at each size
    see     called with (step, pixels, value) as by `dream`, steps counted on
    """
    sizes = octaves(start.shape[1:])
    dreamt = np.zeros((len(start), *sizes[0]), np.float32)
    for number, size in enumerate(sizes):
        base = resized(start, size)
        begin = np.clip(base + resized(dreamt, size), 0, 1)
        told = None if see is None else lambda step, pixels, value, done=number * steps: see(done + step, pixels, value)
        image = dream(model, objective, begin, steps, prior, rate, told)
        dreamt = image - base
    return image


def octaves(size):
    """The sizes (H, W) at which `in_octaves` dreams: up to four, the smallest no less than a quarter of the last."""
    sizes = [tuple(round(side / OCTAVE ** octave) for side in size) for octave in (3, 2, 1, 0)]
    return [one for one in sizes if min(one) >= _LEAST] or [tuple(size)]


def probabilities(model, pixels):
    """What the network says of a dream as it is saved, in 256 shades, at the size that it takes: the classes' probabilities (K,)."""
    shades = np.rint(255 * resized(pixels, model.preprocessing.size)) / 255
    x = preparation.normalised(model.preprocessing, shades.astype(np.float32))
    with no_grad(), evaluating(model):
        return F.softmax(model(Tensor(np.ascontiguousarray(x[None])).to(model.parameters()[0].device)), 1).cpu().numpy()[0]


def resized(pixels, size):
    """Pixels (C, H, W), an array, in another size."""
    if pixels.shape[1:] == tuple(size):
        return pixels
    return F.interpolate(Tensor(np.ascontiguousarray(pixels[None])), size, mode="bilinear").numpy()[0]


def _image(start, shape, decay, generator, place):
    """What is learned: waves or pixels, from an image or from noise."""
    if decay is None:
        return Pixels.noise(shape, generator, place) if start is None else Pixels.of(start, place)
    return Waves.noise(shape, decay, generator, place) if start is None else Waves.of(start, decay, place)


def _bordered(start, jitter):
    """With as many pixels more as views move."""
    before = jitter // 2
    border = (0, 0), (before, jitter - before), (before, jitter - before)
    return np.ascontiguousarray(np.pad(start, border, mode="reflect"), np.float32)


def _penalty(pixels, prior):
    penalty = 0
    if prior.variation:
        penalty = prior.variation * natural.total_variation(pixels)
    if prior.contrast:
        penalty = penalty + prior.contrast * natural.contrast(pixels)
    return penalty


def _shown(pixels):
    return pixels.detach().cpu().numpy().clip(0, 1)
