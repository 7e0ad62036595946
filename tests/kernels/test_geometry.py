"""Receptive fields, as a person counts them; that units of real networks see just that is asked in tests/models/test_summary.py."""
from fractions import Fraction

import pytest

from kernels import geometry
from kernels.geometry import PIXEL, ReceptiveField, Window


def seen_through(*windows):
    field = PIXEL
    for window in windows:
        field = field.through(window)
    return field


def test_one_window():
    assert seen_through(Window(11, 4, 2)) == ReceptiveField(11, 4, -2)
    assert seen_through(Window(3, 1, 2, dilation=2)) == ReceptiveField(5, 1, -2)


def test_three_threes_see_as_much_as_a_seven():
    assert seen_through(*[Window(3, 1, 1)] * 3) == seen_through(Window(7, 1, 3)) == ReceptiveField(7, 1, -3)


def test_strides_multiply_what_lies_above_them():
    assert seen_through(Window(7, 2, 3), Window(3, 2, 1), Window(3, 1, 1)) == ReceptiveField(19, 4, -9)


def test_all_units_of_an_axis():
    assert ReceptiveField(5, 2, -1).of_all(4) == ReceptiveField(11, 0, -1)


def test_branches_are_seen_from_the_first_pixel_to_the_last():
    assert geometry.union([ReceptiveField(3, 2, 4), ReceptiveField(5, 2, -1)], 10) == ReceptiveField(8, 2, -1)
    assert geometry.union([ReceptiveField(3, 2, 0)], 10) == ReceptiveField(3, 2, 0)


def test_branches_of_different_strides_are_seen_whole():
    assert geometry.union([ReceptiveField(3, 2, 0), ReceptiveField(1, 1, 0)], 10) == ReceptiveField(21, 0, 0)


@pytest.mark.parametrize("window, stride, padding, dilation", [(2, 2, 0, 1), (4, 2, 1, 1), (3, 2, 1, 1), (3, 1, 0, 2), (5, 3, 2, 1),
                                                               (2, 3, 0, 1)])
def test_a_transposed_window_covers_what_stamps_a_unit(window, stride, padding, dilation):
    found = geometry.transposed_window(window, stride, padding, dilation)
    stamps = {}   # by unit: the positions that reach it
    for position in range(-20, 20):
        for tap in range(window):
            stamps.setdefault(stride * position - padding + dilation * tap, []).append(position)
    assert found.size == max(max(stamps[unit]) - min(stamps[unit]) + 1 for unit in range(12) if unit in stamps)
    assert found.stride == Fraction(1, stride)
    first = min(position for unit in range(stride) for position in stamps.get(unit, [99]))
    assert -found.padding == first


@pytest.mark.parametrize("size, units, largest", [(7, 3, 3), (8, 4, 2), (13, 6, 3), (10, 7, 3), (5, 1, 5), (3, 6, 1), (4, 6, 2)])
def test_adaptive_windows(size, units, largest):
    assert geometry.adaptive_window(size, units) == Window(largest, Fraction(size, units))


@pytest.mark.parametrize("mode, scale, align_corners", [("nearest", 0.5, False), ("nearest", 2.0, False), ("bilinear", 0.5, False),
                                                        ("bilinear", 2.0, False), ("bilinear", 0.25, False), ("bilinear", 0.6, True)])
def test_resampling_windows_hold_the_sources(mode, scale, align_corners):
    window = geometry.resampling_window(mode, scale, align_corners)
    for position in range(40, 60):
        sources = [pixel for pixel, weight in geometry.resampling_sources(mode, position, 200, scale, align_corners) if weight]
        first = position * window.stride - window.padding
        assert first - 1 < min(sources) and max(sources) < first + window.size
