"""What minicnn.visualize computes of one photograph: by its own functions, and as one would write the same in PyTorch.

No gradient of a weight is computed by either. The layer that is looked at is SqueezeNet's fire9, the last one of `features`.
"""
from typing import NamedTuple

import numpy as np

from benchmarks import networks
from benchmarks.arrays import random_array
from benchmarks.cases.case import TWO_LAYOUTS, Case

CLASS = 733                    # one whose score is above 0: SqueezeNet ends with ReLU, and what is at 0 has no gradient
POINTS, TOGETHER = 20, 10      # of integrated gradients; those that are computed together
SQUARE, STRIDE, BATCH = 56, 28, 16
STEPS, RATE = 8, 0.08          # of a dream
_LAYER = "0"                   # the path of `features`
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_NETWORK = networks.SQUEEZENET


class Ours(NamedTuple):
    """By minicnn.visualize. Each method makes ready, and returns a function without arguments that does it."""

    framework: object
    model: object
    x: object          # (1, C, H, W), the image as the network takes it

    @classmethod
    def begin(cls, framework, model, x):
        from minicnn.models.classifier import Preprocessing

        model.input_shape, model.preprocessing = x.shape[1:], Preprocessing(x.shape[2:], _MEAN, _STD)
        return cls(framework, model, x)

    def objective(self):
        from minicnn.visualize import logit

        return logit(CLASS).of(self.model, self.x.shape[1:])

    def saliency(self):
        from minicnn.visualize.saliency import saliency

        objective = self.objective()
        return lambda: saliency(objective, self.x)

    def guided(self):
        from minicnn.visualize.guided_backpropagation import guided_backpropagation

        objective = self.objective()
        return lambda: guided_backpropagation(objective, self.x)

    def gradcam(self):
        from minicnn.visualize.gradcam import gradcam

        objective = self.objective()
        return lambda: gradcam(objective, self.x, _LAYER)

    def integrated(self):
        from minicnn.visualize.integrated_gradients import integrated_gradients

        objective = self.objective()
        return lambda: integrated_gradients(objective, self.x, steps=POINTS, batch_size=TOGETHER).attributions

    def occlusion(self):
        from minicnn.visualize.occlusion import occlude

        def react():
            found = occlude(self.model, self.x, _LAYER, SQUARE, STRIDE, batch_size=BATCH)
            return self.framework.tensor(_side_by_side(found.probabilities, found.activations))
        return react

    def dream(self):
        from minicnn.visualize import dreaming, natural

        still = natural.Prior(jitter=0, scales=(1,))   # chance would be different in each framework
        wanted, start = dreaming.of_class(CLASS), _photograph()
        return lambda: self.framework.tensor(dreaming.dream(self.model, wanted, start, STEPS, still, RATE))


class InPyTorch(NamedTuple):
    """The same methods."""

    framework: object
    model: object
    x: object

    @classmethod
    def begin(cls, framework, model, x):
        return cls(framework, model.requires_grad_(False), x)

    @property
    def torch(self):
        return self.framework.library

    def gradient(self, x):
        x = x.detach().requires_grad_()
        return self.torch.autograd.grad(self.model(x)[:, CLASS].sum(), [x])[0]

    def saliency(self):
        return lambda: self.gradient(self.x).abs().amax(1)

    def guided(self):
        def cut(module, inputs, output):
            output.register_hook(self.torch.relu)   # what comes back to it

        for module in self.model.modules():
            if isinstance(module, self.torch.nn.ReLU):
                module.register_forward_hook(cut)
        return lambda: self.gradient(self.x)

    def gradcam(self):
        F, seen = self.framework.F, {}
        self.model[0].register_forward_hook(lambda module, inputs, output: seen.update(maps=output.requires_grad_()))

        def heat():
            score = self.model(self.x)[:, CLASS].sum()
            gradient, = self.torch.autograd.grad(score, [seen["maps"]])
            found = F.relu((gradient.mean((2, 3), keepdim=True) * seen["maps"].detach()).sum(1, keepdim=True))
            return F.interpolate(found, self.x.shape[2:], mode="bilinear").squeeze(1)
        return heat

    def integrated(self):
        from minicnn.visualize.integrated_gradients import rule

        places, weights = (self.torch.tensor(numbers.astype(np.float32)).reshape(-1, 1, 1, 1) for numbers in rule(POINTS))

        def attributions():
            black = self.normalised(0)
            way, total = self.x - black, 0
            for some, shares in zip(places.split(TOGETHER), weights.split(TOGETHER)):
                total = total + (self.gradient(black + way * some) * shares).sum(0, keepdim=True)
            return way * total
        return attributions

    def occlusion(self):
        from minicnn.visualize.occlusion import GREY, starts

        seen = []
        self.model[0].register_forward_hook(lambda module, inputs, output: seen.append(output.sum((2, 3))))
        tops, lefts = (starts(size, SQUARE, STRIDE).tolist() for size in self.x.shape[2:])
        places = [(top, left) for top in tops for left in lefts]

        @self.torch.no_grad()
        def react():
            seen.clear()
            grey, probabilities = self.normalised(GREY), []
            for begin in range(0, len(places), BATCH):
                some = places[begin:begin + BATCH]
                covered = self.torch.cat([self.x] * len(some))   # in the layout of x
                for image, (top, left) in zip(covered, some):
                    image[:, max(0, top):top + SQUARE, max(0, left):left + SQUARE] = grey[0]
                probabilities.append(self.model(covered).softmax(1))
            parts = (self.torch.cat(part).reshape(len(tops), len(lefts), -1).numpy() for part in (probabilities, seen))
            return self.torch.from_numpy(_side_by_side(*parts))
        return react

    def dream(self):
        from minicnn.visualize import natural
        from minicnn.visualize.fourier import Waves

        waves = Waves.of(_photograph(), natural.NATURAL.decay, "cpu")   # the numbers to begin with, and what makes pixels of them
        start, strength, down, across, mixing = (
            self.torch.tensor(one.detach().numpy())
            for one in (waves.parameters[0], waves.strength, waves.down, waves.across, waves.mixing))

        def pixels(numbers):
            image = down.T @ (numbers * strength) @ across
            return (mixing @ image.flatten(1)).reshape(image.shape).sigmoid()

        def steps():
            numbers = start.clone().requires_grad_()
            optimizer = self.torch.optim.Adam([numbers], lr=RATE)
            for _ in range(STEPS):
                optimizer.zero_grad()
                scores = self.model(self.normalised(pixels(numbers)))
                (-(scores.log_softmax(1) + 0.5 * scores)[:, CLASS].sum()).backward()
                optimizer.step()
            return pixels(numbers)
        return steps

    def normalised(self, pixels):
        """As the network takes them, (1, C, H, W) or, for a brightness, (1, C, 1, 1)."""
        mean, std = (self.torch.tensor(numbers).reshape(1, -1, 1, 1) for numbers in (_MEAN, _STD))
        return (pixels - mean) / std


def _photograph():
    """Pixels from 0 to 1, (C, H, W)."""
    return 1 / (1 + np.exp(-random_array(*_NETWORK.input_shape)))


def _side_by_side(probabilities, activations):
    """(R, Q, K + C), both of about unit size, so that both count when results are compared."""
    return np.concatenate([10 * probabilities, activations / 1000], 2)


def _case(subject, aspect, method, multiply_adds, tolerance):
    def prepare(framework):
        model = networks.make(framework, _NETWORK).eval()
        side = InPyTorch if framework.kernels is None else Ours
        begun = side.begin(framework, model, framework.tensor(random_array(1, *_NETWORK.input_shape)))
        return getattr(begun, method)()
    return Case("visualize", f"SqueezeNet, {subject}", aspect, prepare, multiply_adds, others=TWO_LAYOUTS, tolerance=tolerance)


def _cases():
    layers = [node.multiply_adds for node in _NETWORK.graph().nodes if node.multiply_adds]
    forward, last = sum(layers), layers[-1]
    places = (-(-_NETWORK.input_shape[1] // STRIDE)) ** 2
    photograph = "one photograph"
    # Rounding decides whether a value near 0 passes ReLU, and which of several is the maximum: each such switch turns a gradient.
    yield _case(photograph, "saliency", "saliency", 2 * forward, tolerance=0.01)
    yield _case(photograph, "guided backpropagation", "guided", 2 * forward, tolerance=0.01)
    yield _case(photograph, "Grad-CAM", "gradcam", forward + last, tolerance=0.01)
    yield _case(f"{POINTS} points", "integrated gradients", "integrated", 2 * POINTS * forward, tolerance=0.01)
    yield _case(f"{places} places of a square", "occlusion", "occlusion", (places + 1) * forward, tolerance=1e-3)
    # Adam's first steps go by the signs of gradients, and rounding turns those of the smallest.
    yield _case(f"{STEPS} steps", "dream", "dream", 2 * STEPS * forward, tolerance=0.03)


CASES = list(_cases())
