"""Fully connected layers over larger images: the scores of every window at once."""
import numpy as np

import minicnn as mc
from minicnn import functional as F, nn
from minicnn.models.alexnet import AlexNet
from minicnn.models.classifier import Classifier
from minicnn.models.fully_convolutional import score_map


class Small(Classifier):
    """(N, 2, 13, 11) -> scores (N, 5). No layer has a border, so a window of a larger image is as good as an image of its own."""

    input_shape, maps_size = (2, 13, 11), (3, 2)

    def __init__(self):
        self.features = nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(3 * 3 * 2, 7), nn.ReLU(), nn.Linear(7, 6), nn.Sigmoid(), nn.Linear(6, 5))

    def forward(self, x):
        return self.classifier(F.flatten(self.features(x), 1))

    dense = AlexNet.dense


def windows(x, rows, columns):
    """The windows (N, 2, 13, 11) of an image, row by row, in steps of the network's stride."""
    return [x[:, :, 4 * i:4 * i + 13, 4 * j:4 * j + 11] for i in range(rows) for j in range(columns)]


def test_each_score_is_that_of_a_window():
    mc.manual_seed(0)
    network, x = Small().double().eval(), mc.tensor(np.random.default_rng(0).standard_normal((2, 2, 13 + 8, 11 + 12)))
    scores = score_map(network.features(x), network.classifier, (3, 2))
    assert scores.shape == (2, 5, 3, 4)
    expected = np.stack([network(window).detach().numpy() for window in windows(x, 3, 4)], 2).reshape(2, 5, 3, 4)
    np.testing.assert_allclose(scores.detach().numpy(), expected, rtol=1e-12)


def test_dense_is_the_mean_over_windows():
    mc.manual_seed(0)
    network, x = Small().double().eval(), mc.tensor(np.random.default_rng(0).standard_normal((2, 2, 13 + 4, 11 + 8)))
    expected = sum(network(window).detach().numpy() for window in windows(x, 2, 3)) / 6
    np.testing.assert_allclose(network.dense(x).detach().numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(network.dense(x[:, :, :13, :11]).detach().numpy(), network(x[:, :, :13, :11]).detach().numpy(), rtol=1e-12)


def test_gradients_of_a_score_map():
    class Scores(Small):
        def forward(self, x):
            return score_map(self.features(x), self.classifier, (3, 2))

    mc.manual_seed(0)
    mc.gradcheck(Scores().double().eval(), mc.tensor(np.random.default_rng(0).standard_normal((1, 2, 17, 15)))).assert_passed()
