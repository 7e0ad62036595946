"""Functions that wait for what follows them: which are applied, and that nobody can tell but by the time it takes."""
import contextlib
import gc

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd import Function


@pytest.fixture
def applied(monkeypatch):
    """The functions that are applied, as ["Conv2d+normalization+rectify", ...]."""
    names, apply = [], Function.apply

    def noting(self, inputs, recording):
        parts = [part for part in ("normalization", "residual", "rectify") if getattr(self, part, None)]
        names.append("+".join([type(self).__name__, *parts]))
        return apply(self, inputs, recording)

    monkeypatch.setattr(Function, "apply", noting)
    return names


class Block(nn.Module):
    """A residual block; `steps` are lines of its forward."""

    def __init__(self):
        self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        self.bn1, self.bn2, self.relu = nn.BatchNorm2d(4), nn.BatchNorm2d(4), nn.ReLU()

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


def make(module_class):
    mc.manual_seed(0)
    module = module_class()
    for name, buffer in module.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.copy_(mc.rand(*buffer.shape))
    return module, mc.randn(2, 4, 7, 6, requires_grad=True)


def outcome(module, x):
    """Output, all gradients and running statistics, as arrays."""
    x.grad = None
    module.zero_grad()
    y = module(x)
    if y.requires_grad:
        y.backward(mc.tensor(np.cos(np.arange(y.numel(), dtype=np.float32)).reshape(y.shape)))
    gradients = [tensor.grad.numpy() for tensor in (x, *module.parameters()) if tensor.grad is not None]
    return [y.detach().numpy(), *gradients, *(buffer.numpy().copy() for buffer in module.buffers())]


def assert_same(module_class, evaluation=False, context=contextlib.nullcontext):
    outcomes = []
    for watching in (contextlib.nullcontext(), mc.watch(lambda *_: None)):   # who watches sees each function by itself
        module, x = make(module_class)
        with watching, context():
            outcomes.append(outcome(module.eval() if evaluation else module, x))
    assert len(outcomes[0]) == len(outcomes[1])
    for together, apart in zip(*outcomes):
        np.testing.assert_allclose(together, apart, rtol=0, atol=2e-6 * max(1, np.abs(apart).max()))


def test_in_training(applied):
    block, x = make(Block)
    block(x)
    assert applied == ["Conv2d", "BatchNorm+rectify", "Conv2d", "BatchNorm+residual+rectify"]
    assert_same(Block)


def test_in_evaluation(applied):
    block, x = make(Block)
    with mc.no_grad():
        block.eval()(x)
    assert applied == ["Conv2d+normalization+rectify", "Conv2d+normalization+residual+rectify"]
    assert_same(Block, evaluation=True, context=mc.no_grad)


def test_normalisation_in_evaluation_stays_by_itself_where_gradients_are_wanted(applied):
    block, x = make(Block)
    block.eval()(x)
    assert applied == ["Conv2d", "BatchNorm+rectify", "Conv2d", "BatchNorm+residual+rectify"]
    assert_same(Block, evaluation=True)


class Holder(Block):
    """Uses in other ways what might have waited."""

    def forward(self, x):
        self.held = self.conv1(x)                        # somebody holds it
        first = self.relu(self.held)
        used_twice = self.conv2(x)
        second, third = self.relu(used_twice), used_twice + first
        itself = self.conv1(x)
        itself = itself + itself
        seen = self.conv2(x)
        self.sum = float(seen.detach().sum())            # somebody has asked for it
        fourth = self.relu(seen)
        broadcast = self.conv1(x)
        broadcast = broadcast + x[:1]
        fifth, sixth = self.both(self.conv1(x), x)
        return first + second + third + itself + fourth + broadcast + fifth + sixth

    def both(self, waiting, x):
        return self.relu(waiting), waiting + x


def test_what_is_held_or_used_twice_is_computed_once(applied):
    holder, x = make(Holder)
    with mc.no_grad():
        holder(x)
    assert sum(name.startswith("Conv2d") for name in applied) == 6
    assert all(name in ("Conv2d", "ReLU", "Add", "Index", "Sum") for name in applied)
    for context in (contextlib.nullcontext, mc.no_grad):
        assert_same(Holder, context=context)


class Changer(Block):
    """Changes a weight after it was used."""

    def forward(self, x):
        out = self.conv1(x)
        with mc.no_grad():
            self.conv1.weight.copy_(self.conv1.weight * 2)
        return self.relu(out)


def test_a_weight_that_changes_is_used_as_it_was():
    assert_same(Changer, context=mc.no_grad)


class Keeper(Block):
    """Gives each step's result a name of its own, so that normalisations in training are wanted by themselves and by what follows."""

    def forward(self, x):
        first = self.bn1(self.conv1(x))
        second = self.relu(first)
        third = self.bn2(self.conv2(second))
        fourth = third + x
        fifth = self.relu(fourth)
        self.sum = float(third.detach().sum())   # asks for one in the middle
        return self.conv1(fifth)


@pytest.mark.parametrize("evaluation", [False, True])
def test_a_normalisation_that_is_held_while_others_wait_for_it(evaluation):
    assert_same(Keeper, evaluation)


class Mixed(Block):
    def forward(self, x):
        with mc.no_grad():
            out = self.conv1(x)
        return self.relu(out) * self.relu(self.conv2(x))


def test_no_grad_holds_for_what_was_called_inside():
    assert_same(Mixed)


def test_outside_of_modules_nothing_waits(applied):
    block, x = make(Block)
    with mc.no_grad():
        y = block.conv1(x)
        assert applied == ["Conv2d"] and y.promise is None
        mc.functional.relu(y)
    assert applied == ["Conv2d", "ReLU"]


class Failing(Block):
    def forward(self, x):
        self.held = self.conv1(x)
        raise KeyError


def test_what_a_failure_has_left_is_computed_before_its_weight_changes():
    (block, x), (other, _) = make(Failing), make(Block)
    expected = block.conv1(x).detach().numpy().copy()
    with pytest.raises(KeyError):
        block(x)
    other(x)   # begins to wait anew
    with mc.no_grad():
        block.conv1.weight.copy_(block.conv1.weight * 2)
    np.testing.assert_allclose(block.held.detach().numpy(), expected, rtol=1e-6)


def test_a_failure_leaves_nothing_behind(applied):
    block, x = make(Failing)
    with pytest.raises(KeyError):
        block(x)
    assert block.held.shape == (2, 4, 7, 6) and not applied
    assert block.held.numpy is not None and np.isfinite(block.held.detach().numpy()).all()
    outside = block.conv1(x)
    assert outside.promise is None


def test_what_was_promised_and_dropped_is_not_computed(applied):
    class Forgetful(Block):
        def forward(self, x):
            self.conv1(x)
            return x * 2

    block, x = make(Forgetful)
    gc.disable()
    block(x)
    gc.enable()
    assert applied == ["Multiply"]


class TestKept:
    def run(self, block, x):
        with mc.no_grad():
            return block(x).numpy()

    def test_weights_that_do_not_change_are_prepared_once(self):
        block, x = make(Block)
        block.eval()
        first = self.run(block, x)
        kept = block.conv1.weight.memory.kept[1]
        normalized = kept["normalized"]
        assert self.run(block, x).tobytes() == first.tobytes()
        assert block.conv1.weight.memory.kept[1]["normalized"] is normalized

    @pytest.mark.parametrize("change", [
        lambda block: block.conv1.weight.copy_(block.conv1.weight.detach().numpy() * 2),
        lambda block: block.conv1.weight.detach().copy_(block.conv1.weight.detach() * 2),
        lambda block: block.conv1.load_state_dict({"weight": block.conv1.weight.detach() * 2}),
        lambda block: block.conv1.weight.detach().numpy().__imul__(2),
        lambda block: block.conv1.weight.array.__imul__(2),
        lambda block: block.conv1.weight.detach().reshape(-1).numpy().__imul__(2),
        lambda block: setattr(block.conv1.weight, "array", block.conv1.weight.array * 2),
        lambda block: block.bn1.running_var.copy_(block.bn1.running_var * 4),
        lambda block: setattr(block.bn1.running_var, "array", block.bn1.running_var.settle() * 4),
        lambda block: block.bn1.weight.copy_(block.bn1.weight.detach() * 2),
        lambda block: nn.init.constant_(block.bn1.bias, 3),
        lambda block: setattr(block.bn1, "bias", nn.Parameter(mc.ones(4))),
    ])
    def test_changes_are_seen(self, change):
        block, x = make(Block)
        block.eval()
        before = self.run(block, x)
        with mc.no_grad():
            change(block)
        after = self.run(block, x)
        assert np.abs(after - before).max() > 1e-3
        with mc.watch(lambda *_: None):
            np.testing.assert_allclose(after, self.run(block, x), atol=1e-5)

    def test_whoever_holds_the_memory_may_write_later(self):
        block, x = make(Block)
        block.eval()
        view = block.conv1.weight.detach().numpy()
        before = self.run(block, x)
        view *= 2
        assert np.abs(self.run(block, x) - before).max() > 1e-3

    def test_an_optimiser_lets_go_of_it(self):
        block, x = make(Block)
        self.run(block.eval(), x)
        assert block.conv2.weight.memory.kept is not None
        block.train()(x).sum().backward()
        mc.optim.SGD(block.parameters(), lr=0.1).step()
        assert block.conv2.weight.memory.kept is None
