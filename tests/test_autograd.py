"""The graph: what is remembered, in which order backward passes it, what it leaves behind."""
import gc
import re
import threading
import weakref

import numpy as np
import pytest

import kernels.cpu.memory
import minicnn as mc
from minicnn import functional as F
from minicnn import nn, optim
from tests.graphs import Double, leaf


# Order and accumulation

def test_a_tensor_used_twice_gets_both_gradients():
    a = leaf(3.0)
    (a + a).backward()
    assert a.grad.tolist() == [2]


def test_a_diamond_is_passed_once_at_each_corner():
    """a -> b -> c, d -> e: the backward of b must wait for both c and d, however the graph is walked."""
    Double.passes = 0
    a = leaf(1.0)
    b = Double()(a)
    (b * 3 + Double()(b) * b).backward()       # 3 b + 2 b^2, b = 2 a: slope 2 (3 + 4 b) = 22
    assert a.grad.tolist() == [22] and Double.passes == 2


def test_a_long_and_a_short_way_to_the_same_tensor():
    Double.passes = 0
    a = leaf(1.0)
    b = Double()(a)
    c = b
    for _ in range(5):
        c = c * b                              # b^6
    (c + b).backward()                         # slope 2 (6 * 2^5 + 1)
    assert a.grad.tolist() == [386] and Double.passes == 1


def test_a_ladder_of_shared_tensors_takes_linear_time():
    """50 rungs hold 2^50 ways from top to bottom."""
    x = leaf(1.0)
    y = x
    for _ in range(50):
        y = y + y
    y.backward()
    assert x.grad.tolist() == [2.0 ** 50]


def test_two_backwards_add_up():
    a = leaf(1.0, 2.0)
    (a * a).sum().backward()
    first = a.grad
    (a * a).sum().backward()
    assert a.grad.tolist() == [4, 8] and first.tolist() == [2, 4]   # the sum is a new tensor


def test_gradients_that_are_shared_are_not_changed():
    a, b = leaf(1.0), leaf(1.0)
    (a + b).backward()     # both get the same array
    (a * 5).backward()
    assert a.grad.tolist() == [6] and b.grad.tolist() == [1]


def test_backward_of_a_leaf():
    a = leaf(1.0, 2.0)
    a.backward(mc.tensor([3.0, 4.0]))
    assert a.grad.tolist() == [3, 4]


# Only what is needed

def test_gradients_go_only_where_they_are_needed():
    learned, fixed = leaf(2.0), mc.tensor([3.0])
    y = learned * fixed
    y.backward()
    assert learned.grad.tolist() == [3] and fixed.grad is None and y.grad is None
    assert (fixed * fixed).creator is None and not (fixed * fixed).requires_grad


def test_a_branch_without_learning_is_not_passed():
    class Forbidden(Double):
        def backward(self, gradient):
            raise AssertionError("nobody needs this gradient")
    (Forbidden()(mc.tensor([1.0])) * leaf(1.0)).backward()


def test_detach_cuts_the_graph():
    a = leaf(3.0)
    (a * (a * a).detach()).backward()
    assert a.grad.tolist() == [9]


def test_no_grad():
    a = leaf(1.0)
    with mc.no_grad():
        assert not (a * 2).requires_grad
        with mc.enable_grad():
            assert (a * 2).requires_grad
        assert not (a * 2).requires_grad
    assert (a * 2).requires_grad

    @mc.no_grad()
    def evaluate():
        return a * 2
    assert not evaluate().requires_grad and not evaluate().requires_grad
    with pytest.raises(ZeroDivisionError), mc.no_grad():
        raise ZeroDivisionError
    assert (a * 2).requires_grad


def test_no_grad_is_a_matter_of_the_thread():
    seen = []
    with mc.no_grad():
        thread = threading.Thread(target=lambda: seen.append((leaf(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


# Depth

@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_deep_chains(depth, backward):
    """In a thread with little stack: neither backward nor the end of the graph may use it up."""
    def run():
        x = leaf(1.0)
        y = x
        for _ in range(depth):
            y = y.reshape(1)
        if backward:
            y.backward()
        end = weakref.ref(y.creator)
        del y
        results.append((x.grad is not None and x.grad.tolist(), end() is None))

    results, size = [], threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert results == [(backward and [1], True)]


# Once and again

def test_backward_twice_is_refused():
    a = leaf(2.0)
    y = a * a
    y.backward()
    with pytest.raises(RuntimeError, match="backward: it has passed Multiply before.*retain_graph=True"):
        y.backward()
    assert a.grad.tolist() == [4]


def test_a_part_that_was_passed_before_is_found_before_anything_is_changed():
    a, b = leaf(2.0), leaf(3.0)
    shared = a * a
    (shared * 2).backward()
    with pytest.raises(RuntimeError, match="has passed Multiply before"):
        (b + shared).backward()
    assert b.grad is None


def test_retain_graph():
    a = leaf(2.0)
    y = a * a * a
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert a.grad.tolist() == [36]
    with pytest.raises(RuntimeError, match="has passed"):
        y.backward()


def test_a_function_object_is_applied_once():
    function = Double()
    function(leaf(1.0))
    with pytest.raises(RuntimeError, match="Double: a Function object is one node of the graph and is applied once"):
        function(leaf(1.0))


# What is kept

def test_what_was_kept_is_freed_as_backward_passes():
    class Witness(mc.Function):
        def forward(self, x):
            return x

        def backward(self, gradient):
            freed.append(later() is None)
            return (gradient,)

    freed = []
    y = Witness()(mc.randn(100, requires_grad=True)).exp()
    later = weakref.ref(y.creator.y)    # what exp keeps is also its output
    z = y.sum()
    del y
    assert later() is not None
    z.backward()
    assert freed == [True] and vars(z.creator) == {}


def test_tensors_between_functions_are_not_kept():
    """The convolution keeps its input and ReLU its output, so nobody needs what lies between them."""
    between = F.conv2d(mc.randn(2, 3, 6, 6), mc.randn(4, 3, 3, 3, requires_grad=True))
    array = weakref.ref(between.array)
    y = F.relu(between)
    del between
    assert array() is None and y.requires_grad


def test_graphs_have_no_cycles():
    gc.collect()
    gc.disable()
    try:
        y = F.cross_entropy(F.linear(leaf(1.0, 2.0).reshape(1, 2), mc.randn(3, 2)), mc.tensor([1]))
        function = weakref.ref(y.creator)
        del y
        assert function() is None
    finally:
        gc.enable()


def test_a_training_step_takes_no_new_memory(monkeypatch):
    """LeNet-like; the first steps fill the pool."""
    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                          nn.Linear(84, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images, labels = mc.rand(64, 1, 28, 28), mc.tensor(np.arange(64) % 10)

    def step():
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for _ in range(3):
        step()
    taken = []
    block = kernels.cpu.memory._Block
    monkeypatch.setattr(kernels.cpu.memory, "_Block", lambda size: taken.append(size) or block(size))
    for _ in range(3):
        step()
    assert taken == []


# Mistakes

def test_backward_of_what_needs_no_gradient():
    with pytest.raises(RuntimeError, match="computed from nothing that requires a gradient"):
        mc.tensor([1.0]).backward()
    with mc.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="or under no_grad"):
        y.backward()


def test_backward_of_more_than_a_number_needs_a_gradient():
    with pytest.raises(RuntimeError, match=re.escape("backward: a tensor of shape (2, 3) needs a gradient of that shape")):
        (mc.ones(2, 3, requires_grad=True) * 2).backward()


@pytest.mark.parametrize("gradient", [mc.ones(3, 2), mc.ones(2, 3, dtype="float64")])
def test_a_gradient_must_fit(gradient):
    with pytest.raises(ValueError, match=re.escape(f"backward: gradient is {gradient.dtype} of shape {gradient.shape}, "
                                                   "but the tensor is float32 of shape (2, 3)")):
        (mc.ones(2, 3, requires_grad=True) * 2).backward(gradient)


@pytest.mark.parametrize("returned, sentence", [
    (lambda g: g, "Wrong.backward must return a tuple of 1"),
    (lambda g: (g, g), "Wrong.backward must return a tuple of 1"),
    (lambda g: (None,), "Wrong.backward returned None as the gradient of x, which is float32 of shape (2, 3)"),
    (lambda g: (g.T,), "Wrong.backward returned float32 of shape (3, 2) as the gradient of x"),
    (lambda g: (g.astype(float),), "Wrong.backward returned float64 of shape (2, 3) as the gradient of x"),
])
def test_what_a_backward_returns_is_checked(returned, sentence):
    class Wrong(mc.Function):
        def forward(self, x):
            return x.copy()

        def backward(self, gradient):
            return returned(gradient)

    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        Wrong()(mc.ones(2, 3, requires_grad=True)).sum().backward()


def test_a_parameter_changed_before_backward_is_noticed():
    weight = nn.Parameter(mc.ones(3, 2))
    loss = F.linear(mc.ones(1, 2), weight).sum()
    loss.backward(retain_graph=True)
    optim.SGD([weight], lr=0.1).step()
    with pytest.raises(RuntimeError, match=re.escape("Linear has used weight, shape (3, 2), which was then changed in place")):
        loss.backward()


# Watching

def test_watch_tells_of_every_function():
    seen = []
    x = leaf(1.0)
    with mc.watch(lambda function, inputs, output: seen.append((type(function).__name__, inputs, output))):
        with mc.watch(lambda *_: seen.append("inner")), mc.no_grad():
            y = F.relu(x)
        z = -y
    F.relu(x)
    assert [entry if entry == "inner" else entry[0] for entry in seen] == ["ReLU", "inner", "Negative"]
    assert seen[0][1] == (x,) and seen[0][2] is y and seen[2][2] is z


def test_functions_get_contiguous_writable_arrays():
    class Layout(mc.Function):
        def forward(self, x):
            found.append(x.flags.carray)
            return x

        def backward(self, gradient):
            found.append(gradient.flags.carray)
            return (gradient,)

    found = []
    x = mc.randn(3, 4, requires_grad=True)
    Layout()(x.T).T.sum().backward()
    frozen = np.zeros(3, np.float32)
    frozen.flags.writeable = False
    Layout()(mc.from_numpy(frozen))
    assert found == [True, True, True] and x.grad.array.flags.carray


def test_listening_hears_of_every_call_and_functions_wait_all_the_same():
    heard, model = [], nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten()).eval()
    with mc.autograd.listen(lambda inputs, output: heard.append((output.promise is not None, inputs[0].shape, output.shape))):
        model(mc.ones(1, 1, 4, 4))
    assert heard == [(True, (1, 1, 4, 4), (1, 2, 2, 2)), (True, (1, 2, 2, 2), (1, 2, 2, 2)), (False, (1, 2, 2, 2), (1, 8))]


def test_what_a_listener_holds_is_computed():
    """Before ReLU and after it, though both are one with the convolution otherwise."""
    held, model, x = [], nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).eval(), mc.randn(1, 1, 5, 5)
    with mc.no_grad(), mc.autograd.listen(lambda inputs, output: held.append(output)):
        y = model(x)
    before, after = (tensor.numpy() for tensor in held)
    np.testing.assert_allclose(before, model[0](x).detach().numpy(), rtol=1e-6)
    assert held[1] is y and (before < 0).any()
    np.testing.assert_array_equal(after, np.maximum(before, 0))
