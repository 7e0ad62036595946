"""LeNet as it is taught, and LeNet-5 as the paper has it: LeCun et al. 1998, section II.B."""
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import minicnn as mc
from minicnn import functional as F
from minicnn import models, nn
from minicnn.errors import InputError
from minicnn.models import lenet

# Table I of the paper: a row for each map of S2, a column for each map of C3.
TABLE_I = """
    X . . . X X X . . X X X X . X X
    X X . . . X X X . . X X X X . X
    X X X . . . X X X . . X . X X X
    . X X X . . X X X X . . X . X X
    . . X X X . . X X X X . X X . X
    . . . X X X . . X X X X . X X X
"""


@pytest.fixture
def modern():
    mc.manual_seed(0)
    return models.get("lenet")


@pytest.fixture
def paper():
    mc.manual_seed(0)
    return models.get("lenet", variant="paper")


def random(*shape):
    return mc.tensor(np.random.default_rng(0).standard_normal(shape))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_of_the_modern_network(modern):
    assert {name: parameter.shape for name, parameter in modern.named_parameters()} == {
        "conv1.weight": (6, 1, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,),
        "fc1.weight": (120, 400), "fc1.bias": (120,), "fc2.weight": (84, 120), "fc2.bias": (84,),
        "fc3.weight": (10, 84), "fc3.bias": (10,)}
    assert count(modern) == 61_706


def test_parameters_of_each_layer_of_the_paper(paper):
    counts = {name: count(module) for name, module in paper.named_children()}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
    assert count(paper) == 60_000


def test_scores_have_one_column_for_each_class(modern, paper):
    assert modern(random(3, 1, 28, 28).float()).shape == (3, 10)
    assert paper(random(3, 1, 32, 32).float()).shape == (3, 10)
    assert models.get("lenet", num_classes=7)(random(2, 1, 28, 28).float()).shape == (2, 7)
    assert modern(random(0, 1, 28, 28).float()).shape == (0, 10)


def test_new_network_knows_nothing(modern):
    """Its loss is that of guessing: log 10."""
    loss = modern.loss(modern(random(200, 1, 28, 28).float()), mc.tensor(np.arange(200) % 10))
    assert loss.item() == pytest.approx(np.log(10), abs=0.02)


def test_modern_network_as_in_pytorch(modern, torch):
    x, labels = random(4, 1, 28, 28).float(), mc.tensor([3, 1, 4, 1])
    weights = {name: torch.tensor(tensor.numpy(), requires_grad=True) for name, tensor in modern.state_dict().items()}

    def layer(function, name, x, **settings):
        return function(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **settings)

    nf = torch.nn.functional
    y = nf.max_pool2d(layer(nf.conv2d, "conv1", torch.tensor(x.numpy()), padding=2).relu(), 2)
    y = nf.max_pool2d(layer(nf.conv2d, "conv2", y).relu(), 2).flatten(1)
    y = layer(nf.linear, "fc3", layer(nf.linear, "fc2", layer(nf.linear, "fc1", y).relu()).relu())
    scores = modern(x)
    np.testing.assert_allclose(scores.detach().numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-6)

    modern.loss(scores, labels).backward()
    nf.cross_entropy(y, torch.tensor(labels.numpy())).backward()
    for name, parameter in modern.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), weights[name].grad.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)


def test_connections_are_those_of_table_1():
    table = np.array([line.split() for line in TABLE_I.strip().splitlines()]) == "X"
    expected = [set(np.flatnonzero(column)) for column in table.T]
    assert [set(seen) for seen in lenet.CONNECTIONS] == expected
    assert sum(map(len, lenet.CONNECTIONS)) == 60


def test_table_convolution_sees_only_the_maps_of_its_table(paper):
    x, layer = random(2, 6, 9, 8), paper.c3.double()
    windows = sliding_window_view(x.numpy(), (5, 5), axis=(2, 3))   # (N, 6, 5, 4, 5, 5)
    kernels = iter(layer.weight.detach().numpy())
    expected = np.stack([sum((windows[:, j] * next(kernels)).sum((3, 4)) for j in seen) + bias
                         for seen, bias in zip(lenet.CONNECTIONS, layer.bias.detach().numpy())], 1)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12)


def test_subsampling_sums_windows_times_a_coefficient_plus_a_bias(paper):
    x, layer = random(2, 6, 4, 6), paper.s2.double()
    layer.bias.copy_(random(6, 1, 1))
    sums = x.numpy().reshape(2, 6, 2, 2, 3, 2).sum((3, 5))
    np.testing.assert_allclose(layer(x).detach().numpy(), sums * layer.weight.array + layer.bias.array, rtol=1e-12)


def test_squash_maps_1_to_1():
    np.testing.assert_allclose(lenet.squash(mc.tensor([-1.0, 0.0, 1.0], dtype=mc.float64)).numpy(), [-1, 0, 1], atol=1e-4)
    assert lenet.squash(mc.tensor([100.0])).item() == pytest.approx(1.7159)


def test_codes_are_ten_different_bitmaps():
    codes = lenet.digit_bitmaps()
    assert codes.shape == (10, 7 * 12) and set(codes.flat) == {-1, 1}
    assert len({code.tobytes() for code in codes}) == 10
    one = codes[1].reshape(12, 7)
    assert (one[1:11, 3:5] == 1).all() and (one[:, 0] == -1).all()   # drawn row by row: a stroke from top to bottom


def test_output_is_the_squared_distance_from_the_codes(paper):
    x, codes = random(3, 84), lenet.digit_bitmaps()
    expected = [[((row - code) ** 2).sum() for code in codes] for row in x.numpy()]
    np.testing.assert_allclose(paper.output.double()(x).numpy(), expected, rtol=1e-12)
    np.testing.assert_array_equal(paper.output(mc.tensor(codes, dtype=mc.float64)).numpy().argmin(1), np.arange(10))


def test_codes_are_not_learned_but_part_of_the_state(paper):
    assert "output.codes" in paper.state_dict()
    assert "output.codes" not in dict(paper.named_parameters())


def test_constant_of_the_loss_is_the_penalty_of_silence(paper):
    np.testing.assert_array_equal(paper.output(mc.zeros(1, 84)).numpy(), np.full((1, 10), lenet.RUBBISH))


def test_loss_is_equation_9(paper):
    """The penalty of the right class, plus log(e^-j + sum of e^-penalty)."""
    penalties = np.abs(np.random.default_rng(1).standard_normal((5, 10))) * 40
    penalties[4] = 200   # a picture of nothing: the constant decides
    labels = np.array([0, 3, 9, 3, 1])
    expected = np.mean([row[label] + np.log(np.exp(-lenet.RUBBISH) + np.exp(-row).sum())
                        for row, label in zip(penalties, labels)])
    assert paper.loss(mc.tensor(-penalties), mc.tensor(labels)).item() == pytest.approx(expected, rel=1e-12)
    assert expected > 23   # the last row alone adds (200 - 84) / 5


def test_gradients_of_the_paper_s_parts(paper):
    paper.double()
    mc.gradcheck(paper.s2, random(2, 6, 4, 6)).assert_passed()
    mc.gradcheck(paper.c3, random(2, 6, 7, 6)).assert_passed()
    mc.gradcheck(paper.output, random(3, 84)).assert_passed()
    mc.gradcheck(lenet.squash, random(20)).assert_passed()
    scores = mc.tensor(-np.abs(random(3, 10).numpy()) * 40)
    mc.gradcheck(lambda scores: paper.loss(scores, mc.tensor([1, 2, 3])), scores).assert_passed()


def test_gradients_of_the_whole_paper_network(paper):
    class Loss(nn.Module):
        def __init__(self):
            self.model = paper.double()

        def forward(self, x):
            return self.model.loss(self.model(x), mc.tensor([7, 2]))

    mc.gradcheck(Loss(), random(2, 1, 32, 32), tolerance=1e-5).assert_passed()


def test_paper_network_as_in_pytorch(paper, torch):
    """Everything at once, with the connection table as a dense kernel that has zeros in it."""
    nf, x = torch.nn.functional, random(3, 1, 32, 32).float()
    w = {name: torch.tensor(tensor.numpy()) for name, tensor in paper.state_dict().items()}
    dense, kernels = torch.zeros(16, 6, 5, 5), iter(w["c3.weight"])
    for i, seen in enumerate(lenet.CONNECTIONS):
        for j in seen:
            dense[i, j] = next(kernels)

    def squash(y):
        return 1.7159 * torch.tanh(2 / 3 * y)

    def subsample(name, y):
        return squash(4 * nf.avg_pool2d(y, 2) * w[f"{name}.weight"] + w[f"{name}.bias"])

    y = subsample("s2", squash(nf.conv2d(torch.tensor(x.numpy()), w["c1.weight"], w["c1.bias"])))
    y = subsample("s4", squash(nf.conv2d(y, dense, w["c3.bias"])))
    y = squash(nf.conv2d(y, w["c5.weight"], w["c5.bias"])).flatten(1)
    y = squash(nf.linear(y, w["f6.weight"], w["f6.bias"]))
    expected = -((y[:, None] - w["output.codes"]) ** 2).sum(2)
    np.testing.assert_allclose(paper(x).detach().numpy(), expected.numpy(), rtol=1e-4)


def test_initial_weights_of_the_paper(paper):
    """Uniform within 2.4 / F, where F is the number of inputs of the unit."""
    for name, fan_in in ("c1", 25), ("s2", 4), ("s4", 4), ("c5", 400), ("f6", 120):
        weight = abs(getattr(paper, name).weight.array)
        assert 0.6 * 2.4 / fan_in < weight.max() <= 2.4 / fan_in
    kernels = iter(abs(paper.c3.weight.array))
    for seen in lenet.CONNECTIONS:
        for _ in seen:
            assert 0.6 * 2.4 / (25 * len(seen)) < next(kernels).max() <= 2.4 / (25 * len(seen))


def test_input_of_the_paper_has_its_background_and_foreground(paper):
    size, mean, std, _ = paper.preprocessing_for((0.1307,), (0.3081,))
    assert size == (32, 32)
    assert (0 - mean[0]) / std[0] == pytest.approx(-0.1) and (1 - mean[0]) / std[0] == pytest.approx(1.175)


def test_input_of_the_modern_network_has_mean_0_and_deviation_1(modern):
    assert modern.preprocessing_for((0.1307,), (0.3081,)) == ((28, 28), (0.1307,), (0.3081,), None)


def test_wrong_wishes_get_a_sentence():
    with pytest.raises(InputError, match="lenet has no variant 'papr'; it has 'modern' and 'paper'"):
        models.get("lenet", variant="papr")
    with pytest.raises(InputError, match="bitmaps for the ten digits only, not for 7 classes"):
        models.get("lenet", variant="paper", num_classes=7)
    with pytest.raises(InputError, match="no model called 'lnet': did you mean 'lenet'"):
        models.get("lnet")


def test_functional_names_are_what_people_know(modern):
    """The five lines with which everybody begins."""
    optimizer = mc.optim.SGD(modern.parameters(), lr=0.1)
    x, y = random(8, 1, 28, 28).float(), mc.tensor(np.arange(8))
    before = F.cross_entropy(modern(x), y)
    before.backward()
    optimizer.step()
    optimizer.zero_grad()
    assert F.cross_entropy(modern(x), y).item() < before.item()
