"""The table of a Summary: what stands where, and that it is readable."""
import re

import pytest

from kernels.geometry import ReceptiveField
from minicnn import models, nn
from minicnn.models import table
from minicnn.models.summary import Row, Summary


def drawn(rows, **totals):
    totals = {"parameters": 7, "trainable": 7, "buffers": 0, "weight_bytes": 28, "unused": {}, **totals}
    text = str(Summary("net", (3, 32, 32), rows, **totals))
    assert max(map(len, text.splitlines())) <= table.WIDTH and text.endswith(table.LEGEND)
    return text.removesuffix(table.LEGEND).splitlines()


THREES = ReceptiveField(3, 1, -1)


def row(name, kind="Conv2d 3x3", shape=(2, 8, 8), parameters=1000, field=THREES, columns=None):
    return Row(name, kind, shape, parameters, 2 * parameters, 512, (field, columns or field))


def test_a_small_network():
    assert str(models.summary(nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(98, 9)),
                              (1, 28, 28))).splitlines()[:-4] == [
        "Sequential for images of 1 x 28 x 28",
        "",
        "layer  functions            output  parameters   MACs  memory  field  stride  offset",
        "------------------------------------------------------------------------------------",
        "0      Conv2d 3x3/2, ReLU  2x14x14          20  3,528  3.1 kB      3       2      -1",
        "-      MaxPool2d 2x2/2       2x7x7                      392 B      5       4      -1",
        "4      Linear                    9         891    882    36 B    all",
        "",
        "911 parameters, all trainable: 3.6 kB of weights",
        "4,410 multiply-adds and 3.6 kB of activations for one image"]


def test_parts_of_a_network_have_a_head_with_their_sums():
    lines = drawn([row("conv1"), row("MaxPool2d", "MaxPool2d 3x3", parameters=0),
                   row("layer1.0.conv1"), row("MaxPool2d", "MaxPool2d 2x2", parameters=0), row("layer1.0.downsample.0"),
                   row("Add", "Add, ReLU", parameters=0),
                   row("layer1.1.conv1"), row("Add", "Add", parameters=0), row("AvgPool2d", "AvgPool2d 7x7", parameters=0), row("fc")])
    assert [line[:34].rstrip() for line in lines[4:-4]] == [
        "conv1           Conv2d 3x3", "-               MaxPool2d 3x3",
        "layer1.0", "  conv1         Conv2d 3x3", "  -             MaxPool2d 2x2", "  downsample.0  Conv2d 3x3",
        "  -             Add, ReLU",
        "layer1.1", "  conv1         Conv2d 3x3", "  -             Add",
        "-               AvgPool2d 7x7", "fc              Conv2d 3x3"]
    assert lines[6].split() == ["layer1.0", "2,000", "4,000"]


@pytest.mark.parametrize("fields, shape, words", [
    ((ReceptiveField(3, 1, -1), ReceptiveField(5, 2, 0)), (2, 8, 8), ["3x5", "1x2", "-1, 0"]),
    ((ReceptiveField(32, 32, 0),) * 2, (2, 1, 1), ["all"]),
    ((ReceptiveField(40, 0, -3),) * 2, (2, 9, 9), ["all"]),
    ((ReceptiveField(40, 0, -3),) * 2, (9,), ["all"]),
    ((ReceptiveField(31, 0, 0),) * 2, (9,), ["31", "0", "0"]),
    ((ReceptiveField(40, 1, -3),) * 2, (2, 9, 9), ["40", "1", "-3"]),
    ((ReceptiveField(40, 0, 1),) * 2, (9,), ["40", "0", "1"])])
def test_receptive_fields_in_words(fields, shape, words):
    line = drawn([row("conv", "Conv2d 3x3", shape, field=fields[0], columns=fields[1])])[4]
    assert re.split("  +", line)[6:] == words


def test_fields_that_are_no_whole_numbers():
    found = models.summary(nn.Sequential(nn.ConvTranspose2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 2, padding=1)), (1, 5, 5))
    assert str(found).splitlines()[5].split()[-3:] == ["3", "1/2", "-1"]


def test_long_names_of_functions_are_cut_off():
    lines = drawn([row("x" * 20, "Conv2d 3x3" + ", Multiply" * 20)])
    assert lines[4].startswith("x" * 20 + "  Conv2d 3x3, Multiply") and "…   2x8x8 " in lines[4] and len(lines[3]) == table.WIDTH


def test_totals():
    lines = drawn([row("a")], parameters=4_000_000, trainable=1000, buffers=20, weight_bytes=16_000_080, unused={"aux1": 5000, "aux2": 6})
    assert lines[6:9] == [
        "4,000,000 parameters, 1,000 of them trainable, and 20 numbers in buffers: 16.0 MB of weights",
        "Not used in evaluation, and so in no row: the parameters of aux1 (5,000), aux2 (6)",
        "2,000 multiply-adds and 512 B of activations for one image"]


def test_numbers_in_words():
    assert [table.in_units(count) for count in (0, 999_999, 1_000_000, 714_188_480, 15_470_264_320)] == [
        "0", "999,999", "1.00 M", "714.19 M", "15.47 G"]
    assert [table.bytes_in_words(count) for count in (0, 999, 1000, 25_690_112, 553_430_176, 2e9)] == [
        "0 B", "999 B", "1.0 kB", "25.7 MB", "553.4 MB", "2.0 GB"]
