"""The average of weights: PyTorch's once it is under way, put in place and taken away again, and saved."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F
from minicnn import nn, optim
from minicnn.errors import InputError


def network():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))


def train(model, average, steps, seed=0):
    """Weights go their way, and the average after them."""
    chance = np.random.default_rng(seed)
    for _ in range(steps):
        model.train()(mc.tensor(chance.standard_normal((4, 2, 5, 5)).astype(np.float32)))   # moves the running statistics
        for parameter in model.parameters():
            parameter.copy_(parameter.settle() + chance.standard_normal(parameter.shape).astype(np.float32))
        average.update()


def arrays(model):
    return {name: tensor.array.copy() for name, tensor in model.state_dict().items()}


def test_average_is_torchs(torch):
    """From the update on at which `decay` takes over from the start."""
    model = network()
    average = optim.WeightAverage(model, decay=0.5)
    train(model, average, 7)
    theirs = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    reference = torch.optim.swa_utils.AveragedModel(theirs, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.5),
                                                    use_buffers=True)
    load = {name: torch.tensor(array) for name, array in average.average.items()}
    theirs.load_state_dict(load)
    reference.update_parameters(theirs)   # the first time, it copies
    for step in range(5):
        train(model, average, 1, seed=step)
        theirs.load_state_dict({name: torch.tensor(array) for name, array in arrays(model).items()})
        reference.update_parameters(theirs)
    for name, expected in reference.module.state_dict().items():
        if name != "1.num_batches_tracked":
            np.testing.assert_allclose(average.average[name], expected.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def test_average_begins_with_short_memory():
    parameter = nn.Parameter(mc.zeros(1))
    model = nn.Module()
    model.weight = parameter
    average = optim.WeightAverage(model, decay=0.25)
    found = []
    for value in 1.0, 2.0, 3.0:
        parameter.copy_(np.array([value]))
        average.update()
        found.append(average.average["weight"].item())
    first = 9 / 11 * 1
    second = 0.25 * first + 0.75 * 2
    assert found == pytest.approx([first, second, 0.25 * second + 0.75 * 3])


def test_counts_are_copied_not_averaged():
    model = network()
    average = optim.WeightAverage(model, 0.9)
    train(model, average, 3)
    count = average.average["1.num_batches_tracked"]
    assert count == 3 and count.dtype == np.int64
    model[1].num_batches_tracked.copy_(np.array(7))
    assert average.average["1.num_batches_tracked"] == 3


def test_weights_come_back_after_the_average_was_applied():
    model = network()
    average = optim.WeightAverage(model, 0.9)
    train(model, average, 3)
    before, x = arrays(model), mc.ones(1, 2, 4, 4)
    own = model.eval()(x).detach().numpy().copy()
    with pytest.raises(KeyError), average.applied():
        inside = arrays(model)
        assert not np.allclose(F.relu(model(x)).detach().numpy(), own)   # and what was worked out from the weights is not used again
        raise KeyError
    for name, array in arrays(model).items():
        np.testing.assert_array_equal(inside[name], average.average[name])
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(model(x).detach().numpy(), own)


def test_going_on_from_a_saved_state_gives_the_same_bits():
    model = network()
    average = optim.WeightAverage(model, 0.9)
    train(model, average, 3)
    saved = {name: np.copy(value) if name != "updates" else value for name, value in average.state_dict().items()}
    second = optim.WeightAverage(model, 0.9)
    second.load_state_dict(saved)
    weights = arrays(model)
    train(model, average, 2, seed=5)
    model.load_state_dict(weights)
    train(model, second, 2, seed=5)
    assert second.updates == average.updates == 5
    for name, array in average.average.items():
        assert second.average[name].tobytes() == array.tobytes() and second.average[name].dtype == array.dtype


def test_the_average_of_other_weights_is_refused():
    average = optim.WeightAverage(network(), 0.9)
    with pytest.raises(InputError, match="no average of these weights: it lacks updates, 0.weight, 0.bias"):
        average.load_state_dict({"1.weight": np.ones(3)})
    with pytest.raises(InputError, match="does not fit: 0.bias has the shape"):
        average.load_state_dict({**average.state_dict(), "0.bias": np.ones(4)})


@pytest.mark.parametrize("decay", [0, 1, -0.5, float("nan")])
def test_decays_that_make_no_average(decay):
    with pytest.raises(ValueError, match="decay must be between 0 and 1"):
        optim.WeightAverage(network(), decay)
