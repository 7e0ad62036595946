"""LeNet: the first convolutional network at work.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86(11), 1998.

variant="modern" (the default): two convolutions, two pools, three fully connected layers, as the network is taught today. It
differs from the paper's in its activations (ReLU), pooling (maximum, nothing learned), connections (every map of the second
convolution sees all six below), output (ten linear scores) and loss (cross entropy). 61,706 parameters.

variant="paper": LeNet-5 as section II.B has it. 60,000 parameters. Trained here by mini-batches with momentum, where the paper uses
the stochastic diagonal Levenberg-Marquardt method; the constant j of its loss, which the paper leaves open, is 84.
"""
import numpy as np

from minicnn import functional as F, nn
from minicnn.data import transforms
from minicnn.errors import InputError
from minicnn.models.classifier import Classifier, Network, Preprocessing, Recipe
from minicnn.tensor import Tensor


class LeNet(Classifier):
    """(N, 1, 28, 28) -> scores (N, classes)."""

    input_shape = (1, 28, 28)
    recipe = Recipe(epochs=8, batch_size=64, optimizer="sgd", lr=0.05, warmup_epochs=0.5, weight_decay=1e-4,
                    augmentation=(transforms.RandomShift(2),))

    def __init__(self, num_classes=10):
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):                  # (N, 1, 28, 28)
        x = F.relu(self.conv1(x))          # (N, 6, 28, 28)
        x = F.max_pool2d(x, 2)             # (N, 6, 14, 14)
        x = F.relu(self.conv2(x))          # (N, 16, 10, 10)
        x = F.max_pool2d(x, 2)             # (N, 16, 5, 5)
        x = F.flatten(x, 1)                # (N, 400)
        x = F.relu(self.fc1(x))            # (N, 120)
        x = F.relu(self.fc2(x))            # (N, 84)
        return self.fc3(x)                 # (N, classes)


class LeNet5(Classifier):
    """(N, 1, 32, 32) -> scores (N, 10): the negative penalties of section II.B, so that the highest wins."""

    input_shape = (1, 32, 32)
    recipe = Recipe(epochs=12, batch_size=64, optimizer="sgd", lr=0.003, warmup_epochs=0.5,
                    augmentation=(transforms.RandomShift(2),))

    def __init__(self, num_classes=10):
        if num_classes != 10:
            raise InputError(f"the paper's LeNet-5 has bitmaps for the ten digits only, not for {num_classes} classes; "
                             "variant 'modern' takes any number")
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = TableConv2d(CONNECTIONS, 5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = RadialBasis(digit_bitmaps())
        for layer, fan_in in ((self.c1, 25), (self.c3, self.c3.fan_in), (self.c5, 400), (self.f6, 120)):
            nn.init.uniform_(layer.weight, -2.4, 2.4)
            layer.weight.copy_(layer.weight.settle() / fan_in)   # section II.B, last paragraph but three
            nn.init.zeros_(layer.bias)

    def forward(self, x):                  # (N, 1, 32, 32)
        x = squash(self.c1(x))             # (N, 6, 28, 28)
        x = squash(self.s2(x))             # (N, 6, 14, 14)
        x = squash(self.c3(x))             # (N, 16, 10, 10)
        x = squash(self.s4(x))             # (N, 16, 5, 5)
        x = squash(self.c5(x))             # (N, 120, 1, 1)
        x = F.flatten(x, 1)                # (N, 120)
        x = squash(self.f6(x))             # (N, 84)
        return -self.output(x)             # (N, 10)

    def loss(self, scores, labels):
        """Equation 9, the maximum a posteriori criterion: the mean of y_D + log(e^-j + sum over i of e^-y_i) for penalties y.

        That is the cross entropy with an eleventh class of constant penalty j, "rubbish", which is never right: it keeps the
        penalties of wrong classes from being pushed up without end.
        """
        rubbish = scores.new_full((len(scores), 1), -RUBBISH)
        return F.cross_entropy(F.cat([scores, rubbish], 1), labels)

    def preprocessing_for(self, mean, std):
        """Background -0.1 and foreground 1.175, which makes the mean input about 0 and the variance about 1."""
        return Preprocessing(self.input_shape[1:], mean=(0.1 / 1.275,), std=(1 / 1.275,))


RUBBISH = 84.0   # j in equation 9: the penalty of a network that says nothing (all of F6 at 0)

# Table I: the maps of S2 that each map of C3 sees. Three in a row, four in a row, four in two pairs, all six.
CONNECTIONS = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1),
               (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2),
               (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5))


def squash(x):
    """1.7159 tanh(2/3 x): Appendix A. It maps +-1 to +-1, where its curvature is greatest."""
    return 1.7159 * F.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """The sum of each 2 x 2 window, times a coefficient, plus a bias, both learned: one of each per map."""

    def __init__(self, maps):
        self.weight = nn.Parameter(Tensor(np.zeros((maps, 1, 1), np.float32)))
        self.bias = nn.Parameter(Tensor(np.zeros((maps, 1, 1), np.float32)))
        nn.init.uniform_(self.weight, -2.4 / 4, 2.4 / 4)

    def forward(self, x):
        return F.avg_pool2d(x, 2) * (4 * self.weight) + self.bias


class TableConv2d(nn.Module):
    """A convolution in which output map i sees only the input maps connections[i]; only the kernels that exist are parameters."""

    def __init__(self, connections, kernel_size):
        kernels = sum(map(len, connections))
        self.weight = nn.Parameter(Tensor(np.zeros((kernels, kernel_size, kernel_size), np.float32)))
        self.bias = nn.Parameter(Tensor(np.zeros(len(connections), np.float32)))
        # For each kernel, how many inputs the unit has that it leads to.
        self.fan_in = np.array([len(seen) * kernel_size ** 2 for seen in connections for _ in seen], np.float32)[:, None, None]
        # places[i, j]: which kernel leads from input map j to output map i; the one after the last is zero.
        self.places = np.full((len(connections), 1 + max(map(max, connections))), kernels)
        for kernel, (i, j) in enumerate((i, j) for i, seen in enumerate(connections) for j in seen):
            self.places[i, j] = kernel

    def forward(self, x):
        absent = self.weight.new_full((1, *self.weight.shape[1:]), 0)
        return F.conv2d(x, F.cat([self.weight, absent])[self.places], self.bias)


class RadialBasis(nn.Module):
    """Equation 7: penalty y_i = sum over j of (x_j - w_ij)^2, the squared distance of x (N, 84) from the code of class i, w (10, 84)."""

    def __init__(self, codes):
        self.register_buffer("codes", Tensor(codes))

    def forward(self, x):
        difference = x.unsqueeze(1) - self.codes   # (N, 10, 84)
        return (difference * difference).sum(2)


def digit_bitmaps():
    """The codes of the ten digits: a drawing of each on 7 x 12 pixels, +1 for ink and -1 for paper, as (10, 84)."""
    lines = [line.split() for line in BITMAPS.strip().splitlines()]
    return np.array([[1 if pixel == "#" else -1 for line in lines for pixel in line[digit]] for digit in range(10)], np.float32)


# Drawn after the style of Fig. 3, in which similar characters have similar codes.
BITMAPS = """
..###.. ...##.. .#####. #####.. .....#. ####### ..####. ####### .#####. .#####.
.#...#. ..###.. #.....# .....#. ....##. #...... .#..... ......# #.....# #.....#
#.....# ...##.. ......# ......# ...#.#. #...... #...... ......# #.....# #.....#
#.....# ...##.. ......# ......# ..#..#. #...... #...... .....#. #.....# #.....#
#.....# ...##.. .....#. .....#. .#...#. #####.. #.###.. .....#. .#...#. .#....#
#.....# ...##.. ....#.. ..###.. .#...#. .....#. ##...#. ....#.. ..###.. ..#####
#.....# ...##.. ...#... .....#. #....#. ......# #.....# ....#.. .#...#. ......#
#.....# ...##.. ..#.... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...##.. .#..... ......# .....#. ......# #.....# ...#... #.....# ......#
#.....# ...##.. #...... ......# .....#. ......# #.....# ..#.... #.....# .....#.
.#...#. ...##.. #...... .....#. .....#. #....#. .#...#. ..#.... #.....# ....#..
..###.. ..####. ####### #####.. .....#. .####.. ..###.. ..#.... .#####. .###...
"""


def build(variant, num_classes):
    return LeNet(num_classes) if variant == "modern" else LeNet5(num_classes)


NETWORKS = {"lenet": Network(build, ("modern", "paper"), 10)}
