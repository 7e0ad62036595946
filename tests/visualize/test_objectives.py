"""What is asked of a network, written out from what its layers give; sums, and what cannot be asked."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn
from minicnn.errors import InputError
from minicnn.visualize import channel, layers, logit, probability, unit, whole
from minicnn.visualize.objectives import log_probability

from tests.visualize.comparison import image, small, state_of

SHAPE = (2, 9, 11)


@pytest.fixture
def model():
    return small()


def given(model, name, x):
    """By a layer, as an array."""
    output, = layers.outputs(model, x, [layers.find(model, name, SHAPE)])
    return output.detach().numpy()


def value(objective, model, x):
    return objective.of(model, SHAPE)(x).detach().numpy()


def test_each_is_what_it_says(model):
    x = image(3)
    scores, maps = model.eval()(x).detach().numpy(), given(model, "3", x)
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    for objective, expected in [
            (logit(1), scores[:, 1]), (logit("2"), scores[:, 2]), (probability(1), probabilities[:, 1]),
            (log_probability(0), np.log(probabilities[:, 0])), (channel("3", 2), maps[:, 2].mean((1, 2))),
            (unit("3", 2, 1, 3), maps[:, 2, 1, 3]), (whole("3"), (maps ** 2).mean((1, 2, 3))),
            (channel("scores", 1), scores[:, 1]), (whole("8"), (scores ** 2).mean(1))]:
        found = value(objective, model, x)
        assert found.shape == (3,)
        np.testing.assert_allclose(found, expected, rtol=1e-10, err_msg=str(objective))


def test_they_add_up(model):
    x = image(2)
    score, mean, square = (value(objective, model, x) for objective in (logit(1), channel("0", 2), whole("5")))
    for objective, expected in [
            (0.2 * channel("0", 2) + 0.8 * logit(1), 0.2 * mean + 0.8 * score), (logit(1) * 3, 3 * score),
            (logit(1) - channel("0", 2), score - mean), (-whole("5"), -square),
            (2 * (logit(1) + 0.5 * whole("5")) - logit(1), score + square), (logit(1) - logit(1), 0 * score)]:
        np.testing.assert_allclose(value(objective, model, x), expected, rtol=1e-10, atol=1e-12, err_msg=str(objective))


def test_adding_changes_no_part(model):
    part = logit(1)
    sum_ = part + part
    assert len(part.terms) == 1 and len(sum_.terms) == 2
    part.of(model, SHAPE)
    assert part.terms[0][1].layer is None   # of another network it may be another layer


def test_the_network_runs_once_whatever_is_asked(model):
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(x)
            return x

    model = nn.Sequential(Counted(), *model.children())
    objective = (logit(0) + logit(1) + channel("4", 1) + probability(2)).of(model, SHAPE)
    calls.clear()
    objective(image())
    assert len(calls) == 1 and {layer.name for layer in objective.layers} == {"scores", "4"}


def test_gradients(model):
    """The derivative of a sum is the sum of derivatives: by differences."""
    objective = (0.5 * logit(1) + probability(0) + 2 * unit("3", 1, 0, 2) + whole("0") - channel("5", 3)).of(model, SHAPE)
    assert mc.gradcheck(lambda x: objective(x).sum(), mc.tensor(image().numpy(), requires_grad=True))


def test_in_words():
    assert str(0.2 * channel("fire9", 3) + 0.8 * logit("banana")) == "0.2 fire9, channel 3 + 0.8 logit of banana"
    assert str(whole("fire5")) == "fire5"
    assert str(unit("fire9", 3, 4, 5) + probability(7)) == "fire9, channel 3 at (4, 5) + probability of 7"


@pytest.mark.parametrize("objective, sentence", [
    (logit("unicorn"), "there is no class unicorn: the network tells 3 classes apart"), (logit(3), "there is no class 3"),
    (channel("conv9", 0), "there is no layer 'conv9': Known: 0, 3, 5, 8"),
    (channel("3", 4), "layer '3' has channels 0 to 3, and no channel 4"),
    (unit("8", 0, 0, 0), "layer '8' gives 3 numbers and no maps"), (unit("3", 0, 4, 0), "have none at (4, 0)"),
    (logit(0) + whole("nothing"), "there is no layer 'nothing'")])
def test_what_cannot_be_asked(model, objective, sentence):
    with pytest.raises(InputError) as problem:
        objective.of(model, SHAPE)
    assert sentence in str(problem.value)


def test_the_network_is_left_as_it_was(model):
    before = state_of(model.train())
    value(logit(1) + whole("3"), model, image())
    assert state_of(model) == before


def test_in_evaluation_mode(model):
    """Dropout and statistics of the batch would make two calls differ."""
    objective = logit(1).of(model.train(), SHAPE)
    np.testing.assert_array_equal(objective(image(2)).detach().numpy()[0], objective(image(1)).detach().numpy()[0])
    np.testing.assert_allclose(objective(image()).detach().numpy(), F.flatten(model.eval()(image()), 1).detach().numpy()[:, 1])
