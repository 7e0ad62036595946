"""Normalising layers against PyTorch's: what they give, learn and keep."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from tests.functional.checks import close

LAYERS = [
    (lambda nn: nn.BatchNorm1d(3), (5, 3)),
    (lambda nn: nn.BatchNorm1d(3, eps=0.1), (5, 3, 4)),
    (lambda nn: nn.BatchNorm2d(3), (4, 3, 2, 5)),
    (lambda nn: nn.BatchNorm2d(3, momentum=None), (4, 3, 2, 5)),
    (lambda nn: nn.BatchNorm2d(3, momentum=0.5, affine=False), (4, 3, 2, 5)),
    (lambda nn: nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
]


@pytest.mark.parametrize("build, shape", LAYERS)
def test_training_and_evaluation_are_torchs(build, shape, torch):
    ours, theirs = build(nn).double(), build(torch.nn).double()
    chance = np.random.default_rng(0)
    for _ in range(3):
        x = chance.standard_normal(shape)
        close([ours(mc.tensor(x)).detach().numpy()], [theirs(torch.tensor(x)).detach().numpy()], 1e-12)
    close([ours.eval()(mc.tensor(x)).detach().numpy()], [theirs.eval()(torch.tensor(x)).detach().numpy()], 1e-12)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    close([tensor.numpy() for tensor in state.values()], [tensor.numpy() for tensor in expected.values()], 1e-12)


def test_the_batches_are_counted_in_whole_numbers():
    layer = nn.BatchNorm2d(2)
    for _ in range(3):
        layer(mc.randn(2, 2, 3, 3))
    assert layer.num_batches_tracked.dtype == np.int64 and layer.num_batches_tracked.item() == 3
    other = nn.BatchNorm2d(2)
    other.load_state_dict(layer.state_dict())
    assert other.num_batches_tracked.item() == 3 and other.running_mean.tolist() == layer.running_mean.tolist()


def test_the_whole_layer_passes_gradcheck_and_evaluation_changes_nothing():
    layer = nn.BatchNorm2d(2).double()
    mc.gradcheck(layer, mc.randn(3, 2, 2, 2).double()).assert_passed()
    before = [buffer.numpy().copy() for buffer in layer.buffers()]
    mc.gradcheck(layer.eval(), mc.randn(3, 2, 2, 2).double()).assert_passed()
    for buffer, kept in zip(layer.buffers(), before):
        np.testing.assert_array_equal(buffer.numpy(), kept)


def test_the_shape_must_be_the_layers():
    with pytest.raises(ValueError, match=r"BatchNorm2d: x must have the shape \(N, C, H, W\), not \(2, 3\)"):
        nn.BatchNorm2d(3)(mc.ones(2, 3))
    with pytest.raises(ValueError, match=r"BatchNorm1d: x must have the shape \(N, C\) or \(N, C, L\), not \(2, 3, 1, 1\)"):
        nn.BatchNorm1d(3)(mc.ones(2, 3, 1, 1))
