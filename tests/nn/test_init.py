"""Initial weights have the variance that their papers ask for."""
import math

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.nn import init

SHAPE = (64, 32, 5, 5)          # fan_in 800, fan_out 1600


@pytest.mark.parametrize("fill, std", [
    (init.lecun_uniform_, math.sqrt(1 / 800)), (init.lecun_normal_, math.sqrt(1 / 800)),
    (init.xavier_uniform_, math.sqrt(2 / 2400)), (init.xavier_normal_, math.sqrt(2 / 2400)),
    (init.kaiming_uniform_, math.sqrt(2 / 800)), (init.kaiming_normal_, math.sqrt(2 / 800)),
    (lambda t: init.kaiming_normal_(t, mode="fan_out"), math.sqrt(2 / 1600)),
    (lambda t: init.kaiming_normal_(t, a=1), math.sqrt(1 / 800)),
    (lambda t: init.kaiming_uniform_(t, nonlinearity="tanh"), 5 / 3 * math.sqrt(1 / 800)),
    (lambda t: init.xavier_normal_(t, gain=2), 2 * math.sqrt(2 / 2400)),
    (lambda t: init.normal_(t, 1, 3), 3), (lambda t: init.uniform_(t, -3, 3), math.sqrt(3)),
])
def test_standard_deviations(fill, std):
    mc.manual_seed(0)
    tensor = nn.Parameter(mc.zeros(SHAPE))
    assert fill(tensor) is tensor and tensor.version == 1
    assert tensor.array.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"])
def test_torch_agrees(name, torch):
    mc.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = getattr(init, name)(mc.zeros(SHAPE)), getattr(torch.nn.init, name)(torch.zeros(SHAPE))
    assert ours.array.std() == pytest.approx(theirs.numpy().std(), rel=0.02)
    if "uniform" in name:
        assert np.abs(ours.array).max() == pytest.approx(theirs.abs().max().item(), rel=0.001)


def test_large_tensors_are_drawn_in_pieces():
    large = init.uniform_(mc.zeros(3, 1 << 19))
    assert large.array[2].mean() == pytest.approx(0.5, abs=0.01) and len(np.unique(large.array[1, :1000])) > 900


def test_constants():
    assert init.constant_(mc.zeros(2), 3).tolist() == [3, 3] and init.ones_(mc.zeros(2)).tolist() == [1, 1]
    assert init.zeros_(mc.ones(2)).tolist() == [0, 0]


def test_nothing_is_drawn_while_it_is_skipped():
    """A new layer is of zeros then, a tensor that is there stays what it is, and the generator stands where it stood."""
    state, tensor = mc.random.get_state(), mc.ones(2, 3)
    with init.skipped():
        with init.skipped():
            pass
        layer = nn.Conv2d(3, 4, 5)
        for fill in init.uniform_, init.normal_, init.zeros_, init.kaiming_normal_, init.xavier_uniform_, init.lecun_normal_:
            assert fill(tensor) is tensor
    assert not layer.weight.array.any() and not layer.bias.array.any() and tensor.array.all()
    assert mc.random.get_state() == state
    assert nn.Conv2d(3, 4, 5).weight.array.all()


def test_skipping_ends_with_an_error():
    with pytest.raises(ValueError, match="no fan_in"), init.skipped():
        init.kaiming_normal_(mc.zeros(3))
    assert init.ones_(mc.zeros(2)).tolist() == [1, 1]


def test_mistakes():
    with pytest.raises(ValueError, match=r"a weight of shape \(3,\) has no fan_in"):
        init.kaiming_normal_(mc.zeros(3))
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', not 'fan'"):
        init.kaiming_normal_(mc.zeros(3, 3), mode="fan")
    with pytest.raises(ValueError, match="nonlinearity must be one of linear, .* not 'swish'"):
        init.kaiming_normal_(mc.zeros(3, 3), nonlinearity="swish")
