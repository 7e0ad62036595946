"""F.pad."""
import re

import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestPad = three_questions(
    case("pad", (2, 3, 4), pad=(1, 2)),
    case("pad", (2, 3, 4), pad=(1, 0, 2, 3), value=1.5),
    case("pad", (2, 3, 4, 5), pad=(0, 0, 0, 0, 1, 2)),
    case("pad", (2, 3, 4, 5), pad=(1, 2, 3, 0), mode="reflect"),
    case("pad", (2, 3, 4), pad=(3, 1), mode="reflect"),
    case("pad", (2, 3, 4, 5), pad=(7, 2, 0, 1), mode="replicate"),
    case("pad", (2, 3, 4, 5), pad=(5, 2, 1, 4), mode="circular"),
    case("pad", (0, 3, 4, 5), pad=(1, 1, 1, 1), mode="reflect"),
    case("pad", (0, 3, 4, 5), pad=(1, 1, 1, 1)),
)


def test_types_other_than_floating_point_are_padded_too():
    padded = F.pad(mc.arange(3), (1, 2), value=7)
    assert padded.tolist() == [7, 0, 1, 2, 7, 7] and padded.dtype == np.int64
    assert F.pad(mc.arange(3) > 0, (1, 1), "replicate").tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("settings, sentence", [
    ({"pad": (1, -1)}, "pad: (1, -1) must be pairs of widths of at least 0, for at most the 2 axes of x (2, 3)"),
    ({"pad": (1,)}, "pad: (1,) must be pairs of widths"),
    ({"pad": (1, 1), "mode": "mirror"}, "pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', not 'mirror'"),
    ({"pad": (3, 0), "mode": "reflect"}, "pad: reflect has nothing to fill (3, 0) with: an axis of size 3 in x (2, 3) is too short"),
    ({"pad": (0, 4), "mode": "circular"}, "pad: circular has nothing to fill (0, 4) with: an axis of size 3"),
])
def test_what_does_not_fit_is_named(settings, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        F.pad(mc.zeros(2, 3), **settings)


def test_nothing_cannot_be_replicated():
    with pytest.raises(ValueError, match="pad: replicate has nothing to fill"):
        F.pad(mc.zeros(2, 0), (1, 1), "replicate")
