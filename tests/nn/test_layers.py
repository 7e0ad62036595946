"""Layers: what they compute is tested in tests/functional; here, that settings and parameters arrive there, as PyTorch's do."""
import copy

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from tests.functional.checks import close

SAME = [
    (lambda nn: nn.Conv2d(3, 4, 3), (2, 3, 8, 8)),
    (lambda nn: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2), groups=2, bias=False), (2, 4, 8, 8)),
    (lambda nn: nn.ConvTranspose2d(3, 4, 3), (2, 3, 5, 6)),
    (lambda nn: nn.ConvTranspose2d(4, 6, (3, 2), 2, 1, (1, 0), 2, False, (1, 2)), (2, 4, 5, 6)),
    (lambda nn: nn.Upsample(scale_factor=2), (2, 3, 5, 4)),
    (lambda nn: nn.Upsample((7, 9), mode="bilinear", align_corners=True), (2, 3, 5, 4)),
    (lambda nn: nn.ZeroPad2d(2), (2, 3, 5, 4)),
    (lambda nn: nn.ReflectionPad2d((1, 2, 3, 0)), (2, 3, 5, 4)),
    (lambda nn: nn.ReplicationPad2d(3), (2, 3, 5, 4)),
    (lambda nn: nn.CircularPad2d((1, 0, 2, 3)), (2, 3, 5, 4)),
    (lambda nn: nn.Linear(5, 3), (4, 5)),
    (lambda nn: nn.Linear(5, 3, bias=False), (2, 4, 5)),
    (lambda nn: nn.MaxPool2d(2), (2, 3, 8, 8)),
    (lambda nn: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 3, 8, 8)),
    (lambda nn: nn.AvgPool2d(2), (2, 3, 8, 8)),
    (lambda nn: nn.AvgPool2d((3, 2), 2, 1, count_include_pad=False), (2, 3, 8, 8)),
    (lambda nn: nn.AvgPool2d(3, 2, 1, True), (2, 3, 8, 8)),
    (lambda nn: nn.AdaptiveMaxPool2d((3, None)), (2, 3, 8, 8)),
    (lambda nn: nn.AdaptiveAvgPool2d(3), (2, 3, 8, 8)),
    (lambda nn: nn.ReLU(), (2, 3)),
    (lambda nn: nn.LeakyReLU(), (2, 3)),
    (lambda nn: nn.LeakyReLU(0.2), (2, 3)),
    (lambda nn: nn.LocalResponseNorm(5), (2, 7, 3, 3)),
    (lambda nn: nn.LocalResponseNorm(3, alpha=0.2, beta=0.5, k=2.0), (2, 7, 3, 3)),
    (lambda nn: nn.Tanh(), (2, 3)),
    (lambda nn: nn.Sigmoid(), (2, 3)),
    (lambda nn: nn.Softmax(1), (2, 3)),
    (lambda nn: nn.Softmax(dim=-2), (2, 3)),
    (lambda nn: nn.Flatten(), (2, 3, 4)),
    (lambda nn: nn.Flatten(0, 1), (2, 3, 4)),
    (lambda nn: nn.Dropout(0.5).eval(), (2, 3)),
]


@pytest.mark.parametrize("build, shape", SAME)
def test_a_layer_is_torchs(build, shape, torch):
    ours, theirs = build(nn), build(torch.nn).double()
    ours.load_state_dict({name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal(shape)
    found, expected = ours.double()(mc.tensor(x)), theirs(torch.tensor(x))
    close([found.detach().numpy()], [expected.detach().numpy()], 1e-6)   # the state went through float32


@pytest.mark.parametrize("settings", [{}, {"reduction": "sum"}, {"ignore_index": 1, "label_smoothing": 0.1}])
def test_cross_entropy_loss(settings, torch):
    logits, labels = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 1, 2, 1])
    ours = nn.CrossEntropyLoss(**settings)(mc.tensor(logits), mc.tensor(labels))
    theirs = torch.nn.CrossEntropyLoss(**settings)(torch.tensor(logits), torch.tensor(labels))
    assert ours.item() == pytest.approx(theirs.item())


@pytest.mark.parametrize("layer, fan_in", [(lambda: nn.Conv2d(16, 64, 5), 400), (lambda: nn.Conv2d(16, 64, 5, groups=4), 100),
                                           (lambda: nn.ConvTranspose2d(64, 16, 5), 400), (lambda: nn.Linear(400, 300), 400)])
def test_initial_weights_are_uniform_as_torchs(layer, fan_in):
    mc.manual_seed(0)
    layer = layer()
    bound = fan_in ** -0.5
    for array in (layer.weight.array, layer.bias.array):
        assert np.abs(array).max() <= bound and array.std() == pytest.approx(bound / 3 ** 0.5, rel=0.15)
    assert np.abs(layer.weight.array).max() > 0.99 * bound


def test_manual_seed_decides_on_initial_weights():
    def weights():
        mc.manual_seed(3)
        return nn.Linear(4, 4).weight.tolist()
    assert weights() == weights()


def test_dropout_drops_in_training_only():
    layer, x = nn.Dropout(0.5), mc.ones(100)
    assert (layer(x) == 0).sum().item() > 0
    assert layer.eval()(x) is x
    with pytest.raises(ValueError, match="Dropout: p must be a probability"):
        nn.Dropout(-0.1)


def test_channels_must_split_into_groups():
    with pytest.raises(ValueError, match="Conv2d: 3 input and 4 output channels do not split into 2 groups"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ValueError, match="ConvTranspose2d: 4 input and 3 output channels do not split into 2 groups"):
        nn.ConvTranspose2d(4, 3, 3, groups=2)


def test_containers():
    a, b, c = nn.ReLU(), nn.Tanh(), nn.Sigmoid()
    row = nn.Sequential(a, b).append(c)
    assert len(row) == 3 and list(row) == [a, b, c] and row[-1] is c
    assert isinstance(row[1:], nn.Sequential) and list(row[1:]) == [b, c]
    x = mc.randn(5)
    assert row(x).tolist() == c(b(a(x))).tolist()
    named = nn.Sequential({"first": a, "second": b})
    assert [name for name, _ in named.named_children()] == ["first", "second"] and named.first is a
    some = nn.ModuleList([a, b])
    assert some[0] is a and some[:1] == [a] and [name for name, _ in some.named_children()] == ["0", "1"]


def test_a_network_can_be_copied():
    model = nn.Sequential(nn.Linear(2, 2))
    twin = copy.deepcopy(model)
    twin[0].weight.copy_(mc.zeros(2, 2))
    assert model[0].weight.array.any() and isinstance(twin[0].weight, nn.Parameter) and twin[0].weight.requires_grad
