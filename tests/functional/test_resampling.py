"""F.interpolate."""
import re

import pytest

import minicnn as mc
from minicnn import functional as F
from tests.functional.checks import case, three_questions

TestInterpolate = three_questions(
    case("interpolate", (2, 3, 4, 5), scale_factor=2),
    case("interpolate", (2, 3, 4, 5), size=(7, 3)),
    case("interpolate", (2, 3, 7, 5), scale_factor=(1.5, 0.6)),
    case("interpolate", (2, 3, 4, 5), scale_factor=2, mode="bilinear"),
    case("interpolate", (2, 3, 4, 5), size=9, mode="bilinear", align_corners=True),
    case("interpolate", (2, 3, 9, 8), size=(4, 3), mode="bilinear", align_corners=False),
    case("interpolate", (2, 3, 7, 5), scale_factor=(1.5, 0.7), mode="bilinear"),
    case("interpolate", (2, 3, 7, 5), scale_factor=(1.5, 0.7), mode="bilinear", align_corners=True),
    case("interpolate", (2, 3, 1, 1), size=(3, 4), mode="bilinear"),
    case("interpolate", (0, 3, 4, 5), scale_factor=2),
)


@pytest.mark.parametrize("settings, sentence", [
    ({}, "interpolate: either size or scale_factor must be given, and not both"),
    ({"size": 3, "scale_factor": 2}, "interpolate: either size or scale_factor must be given, and not both"),
    ({"size": 3, "mode": "cubic"}, "interpolate: mode must be 'nearest' or 'bilinear', not 'cubic'"),
    ({"size": 3, "align_corners": True}, "interpolate: align_corners is for mode 'bilinear'"),
    ({"size": 0}, "interpolate: size must be at least 1, not 0"),
    ({"scale_factor": 0.1}, "interpolate: scale_factor 0.1 must be a number or a pair of numbers that leave something of x (2, 3, 4, 5)"),
    ({"scale_factor": (1, 2, 3)}, "interpolate: scale_factor (1, 2, 3) must be a number or a pair"),
])
def test_what_does_not_fit_is_named(settings, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        F.interpolate(mc.zeros(2, 3, 4, 5), **settings)


def test_an_image_without_pixels_cannot_be_stretched():
    with pytest.raises(ValueError, match=re.escape("interpolate: x (2, 3, 0, 5) has no pixels")):
        F.interpolate(mc.zeros(2, 3, 0, 5), 3)
