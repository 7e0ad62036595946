import numpy as np
import pytest
from numba import cuda

from kernels.cuda.division import divider, quotient
from kernels.cuda.launch import blocks, kernel
from tests.kernels.cuda.agreement import machine


@kernel
def _divide(dividends, quotients, multiplier, shift):
    i = cuda.grid(1)
    if i < dividends.size:
        quotients[i] = quotient(dividends[i], multiplier, shift)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 10, 64, 641, 65537, 2**30 - 1, 2**30, 2**31 - 1])
def test_quotient_is_exact(number):
    chance, last = np.random.default_rng(number), 2**31 - 1
    multiples = chance.integers(0, last // number + 1, 50) * number
    dividends = np.concatenate([multiples - 1, multiples, multiples + number - 1, [0, last - 1, last]])
    dividends = np.clip(dividends, 0, last).astype(np.int32)
    on = machine()
    quotients = on.empty(dividends.shape, np.int32)
    _divide[blocks(dividends.size, 64), 64](on.to_device(dividends), quotients, *divider(number))
    np.testing.assert_array_equal(quotients.to_host(), dividends // number)
