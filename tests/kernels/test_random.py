import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernels import cpu
from tests.kernels.agreement import CHUNK, DTYPES, SHAPES, agree, numbers, output

SEEDS = st.integers(-2**70, 2**70)


@given(SHAPES, DTYPES, SEEDS, st.sampled_from([0.0, 0.25, 0.5, 0.999, 1.0, 0, 1]), st.booleans())
def test_cpu_is_the_reference_to_the_bit(shape, dtype, seed, probability, special):
    agree("dropout", numbers(0, shape, dtype, special), output(shape, dtype), probability, seed, units=0)


def dropped(size, probability, seed):
    y = np.empty(size, np.float32)
    cpu.dropout(np.ones(size, np.float32), y, probability, seed)
    return y == 0


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_the_probability_says(probability):
    n = 200_000
    for seed in (0, 1, 2**63):
        assert abs(dropped(n, probability, seed).sum() - n * probability) < 5 * np.sqrt(n * probability * (1 - probability))


@pytest.mark.parametrize("shift", [0, 1, 2, 28])
@pytest.mark.parametrize("other_seed", [6, 7, 2**32 + 5, -5])
def test_seeds_and_neighbours_know_nothing_of_each_other(other_seed, shift):
    n = 100_000
    same = dropped(n, 0.5, 5)[shift:] == dropped(n, 0.5, other_seed)[:n - shift]
    assert abs(same.mean() - 0.5) < 5 * 0.5 / np.sqrt(n)


def test_a_number_is_known_by_its_place_alone():
    np.testing.assert_array_equal(dropped(100, 0.5, 3), dropped(3 * CHUNK, 0.5, 3)[:100])


def test_what_stays_is_scaled_and_what_goes_is_zero_whatever_it_was():
    x, y = np.full(1000, np.inf, np.float32), np.empty(1000, np.float32)
    cpu.dropout(x, y, 0.5, 1)
    assert set(y) == {0, np.inf}
    cpu.dropout(np.ones(1000, np.float32), y, 0.75, 1)
    assert set(y) == {0, 4}


def test_the_bits_are_those_of_the_published_generator():
    """Squares in whole numbers of Python, round by round as in Widynski's paper, and splitmix64's first output for the key."""
    mask = 2**64 - 1

    def squares(counter, key):
        x = y = counter * key & mask
        z = y + key & mask
        for term in (y, z, y):
            x = x * x + term & mask
            x = x >> 32 | x << 32 & mask
        return (x * x + z & mask) >> 32

    # splitmix64 with state 1234567 gives 6457827717110365317, as its reference implementation says
    bits = np.array([squares(counter, 6457827717110365317 | 1) for counter in range(1000)])
    np.testing.assert_array_equal(dropped(1000, 0.25, 1234567), bits < 2**30)
