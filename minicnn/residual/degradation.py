"""The degradation experiment: deeper plain networks learn their own training images worse; deeper residual networks do not.

K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, Figures 1 and 6, at a size that runs in a
minute. The experiment in earnest is a run of python -m minicnn.train for each network; `pictures.degradation` draws either.
"""
from typing import NamedTuple

import numpy as np

from minicnn import no_grad, optim


class Curve(NamedTuple):
    """How a network came to know its training images."""

    when: np.ndarray     # (points,): in epochs
    errors: np.ndarray   # (points,): the share of the last images that it did not recognise when they came, 0 to 1


def learn(model, loader, epochs, lr, points=40):
    """Train by stochastic gradient descent, the learning rate rising during the first tenth, then falling along half a cosine. A Curve.

    loader  batches (images, labels), as a DataLoader
    points  of the curve: each is the mean over as many batches
    """
    steps = epochs * len(loader)
    optimizer = optim.SGD(model.parameters(), lr, momentum=0.9, weight_decay=1e-4)
    schedule = optim.WarmupLR(optimizer, steps // 10, optim.CosineAnnealingLR(optimizer, steps - steps // 10))
    model.train()
    wrong = []
    for epoch in range(epochs):
        for images, labels in loader.epoch(epoch):
            scores = model(images)
            loss = model.loss(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            wrong.append((scores.argmax(1) != labels).numpy().mean())
    parts = np.array_split(np.arange(steps), min(points, steps))
    return Curve(np.array([part[-1] + 1 for part in parts]) / len(loader), np.array([np.mean(np.take(wrong, part)) for part in parts]))


@no_grad()
def error(model, batches):
    """The share of the images in all batches that the network, in evaluation mode, does not recognise."""
    model.eval()
    wrong = [(model(images).argmax(1) != labels).numpy() for images, labels in batches]
    return float(np.concatenate(wrong).mean())
