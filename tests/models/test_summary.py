"""What networks cost, against what papers say and against PyTorch's weights; what they see, against what changes their units."""
import math

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.errors import InputError


@pytest.mark.parametrize("name, variant, parameters, multiply_adds, last, field", [
    ("alexnet", "torchvision", 61_100_840, "0.71", "MaxPool2d", (195, 32, -66)),
    ("alexnet", "paper", 60_965_224, "0.72", "MaxPool2d", (195, 32, -66)),
    ("vgg16", "torchvision", 138_357_544, "15.5", "MaxPool2d", (212, 32, -90)),
    ("googlenet", "torchvision", 13_004_888, "1.5", "Concatenate", (379, 32, -167)),
    ("googlenet", "torchvision-trunk", 6_624_904, "1.5", "Concatenate", (379, 32, -167)),
    ("resnet18", "torchvision", 11_689_512, "1.8", "Add", (435, 32, -217)),
    ("resnet34", "torchvision", 21_797_672, "3.7", "Add", (899, 32, -449)),
    ("resnet50", "torchvision", 25_557_032, "4.1", "Add", (427, 32, -213)),
    ("resnet50", "paper", 25_557_032, "3.9", "Add", (483, 32, -241)),
    ("resnet101", "torchvision", 44_549_160, "7.8", "Add", (971, 32, -485)),
    ("resnet152", "torchvision", 60_192_808, "11.5", "Add", (1451, 32, -725)),
    ("resnet20", "paper", 269_722, "0.04", "Add", (81, 4, -40))])
def test_published_figures(name, variant, parameters, multiply_adds, last, field):
    """Receptive fields are those of the last layer before those that see everything: Araujo et al. have 195 for AlexNet, 212 for VGG-16,
    483 for the paper's ResNet-50."""
    found = models.summary(models.get(name, variant=variant))
    assert found.parameters == found.trainable == sum(row.parameters for row in found.rows) + sum(found.unused.values()) == parameters
    assert f"{found.multiply_adds / 1e9:.{len(multiply_adds.partition('.')[2])}f}" == multiply_adds
    assert [row.receptive_field for row in found.rows if row.kind.startswith(last)][-1] == (field, field)
    assert max(map(len, str(found).splitlines())) <= 120 and str(found).startswith(f"{name} ({variant}) for images of 3 x ")


def test_what_only_training_needs_is_told_apart():
    found = models.summary(models.get("googlenet"))
    assert found.parameters - sum(found.unused.values()) == 6_624_904 and list(found.unused) == ["aux1", "aux2"]


def test_the_lecture_s_comparison_of_first_layers():
    """AlexNet's 11x11, Zeiler & Fergus's 7x7, and VGG's three 3x3, which see as much as one 7x7 with 27 weights against 49."""
    def seen(*convolutions):
        found = models.summary(nn.Sequential(*[nn.Conv2d(1, 1, *settings, bias=False) for settings in convolutions]), (1, 99, 99))
        return found.rows[-1].receptive_field[0][:2], found.parameters

    assert seen((11, 4)) == ((11, 4), 121)
    assert seen((7, 2)) == ((7, 2), 49)
    assert seen((7, 1)) == ((7, 1), 49)
    assert seen((3, 1), (3, 1), (3, 1)) == ((7, 1), 27)


def test_rows_of_lenet():
    found = models.summary(models.get("lenet"))
    assert [(row.name, row.kind, row.output_shape, row.parameters, row.multiply_adds, row.activations) for row in found.rows] == [
        ("conv1", "Conv2d 5x5, ReLU", (6, 28, 28), 156, 117_600, 2 * 4 * 4704),
        ("MaxPool2d", "MaxPool2d 2x2/2", (6, 14, 14), 0, 0, 4 * 1176),
        ("conv2", "Conv2d 5x5, ReLU", (16, 10, 10), 2416, 240_000, 2 * 4 * 1600),
        ("MaxPool2d", "MaxPool2d 2x2/2", (16, 5, 5), 0, 0, 4 * 400),
        ("fc1", "Linear, ReLU", (120,), 48_120, 48_000, 2 * 4 * 120),
        ("fc2", "Linear, ReLU", (84,), 10_164, 10_080, 2 * 4 * 84),
        ("fc3", "Linear", (10,), 850, 840, 4 * 10)]
    assert (found.weight_bytes, found.buffers, found.unused) == (4 * 61_706, 0, {})
    assert (found.multiply_adds, found.activations) == (416_520, sum(row.activations for row in found.rows))


def test_parameters_of_a_table_of_connections_are_found():
    rows = {row.name: row for row in models.summary(models.get("lenet", variant="paper")).rows}
    assert [rows[name].parameters for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")] == [156, 12, 1516, 32, 48_120, 10_164, 0]


class Shared(nn.Module):
    """One module twice, and its weight once more."""

    def __init__(self):
        self.conv, self.never = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(3, 4)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x):
        x = self.norm(self.conv(F.relu(self.conv(x))))
        return F.conv2d(x, self.conv.weight, groups=1, stride=2)


def test_what_is_used_again_is_counted_once():
    model = Shared()
    found = models.summary(model, (2, 9, 9))
    assert [(row.name, row.parameters, row.multiply_adds) for row in found.rows] == [
        ("conv", 38, 36 * 81), ("conv", 4, 36 * 81), ("conv", 0, 36 * 16)]
    assert (found.parameters, found.unused) == (38 + 4 + 16, {"never": 16})
    assert found.buffers == 5   # the mean, the variance, and the number of batches
    assert found.weight_bytes == 4 * 58 + 4 * 4 + 8
    model.conv.requires_grad_(False)
    assert models.summary(model, (2, 9, 9)).trainable == 58 - 38


@pytest.mark.parametrize("layer, multiply_adds, kind", [
    (nn.Conv2d(4, 8, 3, 2, 1), 8 * 16 * 4 * 9, "Conv2d 3x3/2"),
    (nn.Conv2d(4, 8, 3, groups=2, padding=2, dilation=2), 8 * 64 * 2 * 9, "Conv2d 3x3 dilation 2"),
    (nn.Conv2d(4, 4, (1, 3), (1, 2), (0, 1), groups=4), 4 * 32 * 3, "Conv2d 1x3/1x2"),
    (nn.ConvTranspose2d(4, 8, 2, 2), 4 * 64 * 8 * 4, "ConvTranspose2d"),
    (nn.Conv2d(4, 8, 1), 8 * 64 * 4, "Conv2d 1x1")])
def test_multiply_adds_of_one_layer(layer, multiply_adds, kind):
    (row,) = models.summary(nn.Sequential(layer), (4, 8, 8)).rows
    assert (row.multiply_adds, row.kind) == (multiply_adds, kind)


class Residual(nn.Module):
    """Halves the image on both ways; one sees further."""

    def __init__(self):
        self.conv1, self.conv2, self.shortcut = nn.Conv2d(1, 2, 3, 2, 1), nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(1, 2, 1, 2)

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))))


class Inception(nn.Module):
    """Branches that see further on different sides, because of the padding."""

    def __init__(self):
        self.one, self.three, self.five = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 3), nn.Conv2d(1, 1, (1, 5), padding=(0, 2))

    def forward(self, x):
        above = F.pad(self.three(x), (2, 0, 2, 0))
        return mc.cat([self.one(x), above, self.five(x), F.max_pool2d(x, 3, 1, 1)], 1)


class Subsampled(nn.Module):
    """As the shortcut without parameters takes every other pixel, from the second on here."""

    def forward(self, x):
        return F.pad(x[:, :, 1::2, ::3], (0, 0, 0, 0, 0, 1))


class Function(nn.Module):
    def __init__(self, function):
        self.forward = function


# Networks that see in whole steps: every unit's field is where the formula says.
IN_STEPS = {
    "stride": nn.Sequential(nn.Conv2d(1, 2, 5, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 3, 2)),
    "dilation": nn.Sequential(nn.Conv2d(1, 2, 3, 1, 2, 2), nn.Conv2d(2, 2, 3, 1, 4, 4), nn.MaxPool2d(2)),
    "pools": nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2), nn.MaxPool2d(3, 2, ceil_mode=True)),
    "rows and columns": nn.Sequential(nn.Conv2d(1, 1, (3, 5), (1, 2), (1, 0)), nn.Conv2d(1, 2, (5, 1), (2, 1))),
    "residual": nn.Sequential(Residual(), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 3)),
    "inception": nn.Sequential(nn.Conv2d(1, 1, 3, 2), Inception(), nn.Conv2d(6, 1, 3, 2)),
    "every other pixel": nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Subsampled(), nn.Conv2d(2, 1, 3)),
    "from the far end": nn.Sequential(nn.Conv2d(1, 1, 3), Function(lambda x: x[..., 2:, :-1])),
    "channels": nn.Sequential(nn.Conv2d(1, 8, 3), Function(lambda x: F.local_response_norm(x[:, np.array([3, 1, 2])], 3))),
    "adaptive": nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Function(lambda x: F.adaptive_avg_pool2d(x, (12, 10)))),
}


def seen(model, height, width):
    """By trying: for each unit (i, j) of the output the first and the last row of pixels that change it, and the same for columns."""
    model = model.double().eval()
    for parameter in model.parameters():   # nothing cancels out, nothing is rectified away
        parameter.copy_(np.random.default_rng(0).uniform(0.5, 1, parameter.shape))
    plain = np.ones((1, 1, height, width))
    rows, columns = np.ones((height, 1, height, width)), np.ones((width, 1, height, width))
    rows[np.arange(height), 0, np.arange(height)] = 2
    columns[np.arange(width), 0, :, np.arange(width)] = 2
    output = model(mc.tensor(plain)).detach().numpy()
    changed = [(model(mc.tensor(images)).detach().numpy() != output).any(1).reshape(len(images), -1) for images in (rows, columns)]
    return [[(np.flatnonzero(unit)[0], np.flatnonzero(unit)[-1]) for unit in axis.T] for axis in changed], output.shape[2:]


@pytest.mark.parametrize("name", IN_STEPS)
def test_units_see_their_receptive_fields_and_nothing_else(name):
    (rows, columns), shape = seen(IN_STEPS[name], 36, 40)
    fields = models.summary(IN_STEPS[name], (1, 36, 40)).rows[-1].receptive_field
    inside = 0
    for unit, spans in enumerate(zip(rows, columns)):
        for place, span, field, pixels in zip(divmod(unit, shape[1]), spans, fields, (36, 40)):
            first = field.offset + place * field.stride
            if 0 <= first and first + field.size <= pixels:   # what hangs over an edge is cut there
                assert span == (first, first + field.size - 1)
                inside += 1
            assert first <= span[0] and span[1] < first + field.size
    assert inside > unit / 2


def gated(x):
    """Every unit sees everything in its factor: squeeze and excitation."""
    return x * F.adaptive_avg_pool2d(x, 1)


# Networks in which units differ in what they see: no unit sees more, and one as much.
UP_AND_ALL = {
    "transposed": nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.ConvTranspose2d(2, 1, 4, 2, 1)),
    "transposed, then a convolution": nn.Sequential(nn.ConvTranspose2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 3, padding=1)),
    "nearest": nn.Sequential(nn.AvgPool2d(4), Function(lambda x: F.interpolate(x, scale_factor=2)), nn.Conv2d(1, 1, 3, padding=1)),
    "bilinear": nn.Sequential(nn.AvgPool2d(4), Function(lambda x: F.interpolate(x, size=(18, 20), mode="bilinear")),
                              nn.Conv2d(1, 1, 3, padding=1)),
    "adaptive": Function(lambda x: F.adaptive_avg_pool2d(x, (7, 9))),
    "gate": nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Function(gated), nn.Conv2d(1, 1, 3, padding=1)),
    "linear": nn.Sequential(nn.Conv2d(1, 2, 3, 3), nn.Flatten(), nn.Linear(2 * 12 * 13, 3)),
    "mean": nn.Sequential(nn.Conv2d(1, 2, 5), Function(lambda x: x.mean((2, 3), keepdim=True))),
    "turned": Function(lambda x: F.relu(x.permute(0, 1, 3, 2))),
}


@pytest.mark.parametrize("name", UP_AND_ALL)
def test_the_largest_receptive_field(name):
    spans, _ = seen(UP_AND_ALL[name], 36, 40)
    fields = models.summary(UP_AND_ALL[name], (1, 36, 40)).rows[-1].receptive_field
    for axis, (field, pixels) in enumerate(zip(fields, (36, 40))):
        assert spans[axis][0][0] == max(0, math.floor(field.offset))
        largest = max(last - first + 1 for first, last in spans[axis])
        assert min(pixels, math.ceil(field.size)) == (pixels if name == "turned" else largest)


def test_filters_made_of_the_image_see_all_of_it():
    fields = models.summary(Function(lambda x: F.conv2d(x, F.adaptive_avg_pool2d(x, 3), padding=1)), (1, 9, 9)).rows[-1].receptive_field
    assert fields == ((11, 0, -1),) * 2


def test_a_mirrored_image_is_not_seen_backwards():
    fields = models.summary(nn.Sequential(Function(lambda x: x[:, :, ::-1]), nn.Conv2d(1, 1, 3)), (1, 9, 9)).rows[-1].receptive_field
    assert [field.size for field in fields] == [3, 3]


def test_a_slice_needs_no_memory():
    (row,) = models.summary(Function(lambda x: x[:, :, ::2]), (1, 8, 8)).rows
    assert (row.kind, row.output_shape, row.activations) == ("Index 1x1/2x1", (1, 4, 8), 0)


def test_a_network_in_double_precision():
    found = models.summary(nn.Sequential(nn.Linear(4, 2)).double(), (1, 1, 4))
    assert (found.rows[0].activations, found.weight_bytes) == (16, 80)


def test_a_network_without_weights():
    found = models.summary(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), (3, 4, 4))
    assert [(row.name, row.parameters) for row in found.rows] == [("ReLU", 0), ("MaxPool2d", 0)]


def test_images_that_do_not_fit():
    with pytest.raises(InputError, match=r"lenet \(modern\) cannot take images of 1 x 12 x 12 \(it is made for 1 x 28 x 28\): linear"):
        models.summary(models.get("lenet"), (1, 12, 12))
    with pytest.raises(InputError, match=r"input_shape must be \(C, H, W\), each at least 1, not \(28, 28\)"):
        models.summary(models.get("lenet"), (28, 28))
    with pytest.raises(InputError, match=r"Sequential does not say what images it takes; give input_shape=\(C, H, W\)"):
        models.summary(nn.Sequential())
    with pytest.raises(InputError, match="needs more memory for images of 1 x 9000000 x 9000000 than there is"):
        models.summary(models.get("lenet"), (1, 9_000_000, 9_000_000))
