"""Functions that move data. PyTorch's tensors have the same methods, so most cases are one expression for both."""
import re

import numpy as np
import pytest

import minicnn as mc
from tests.functional.checks import case, three_questions

TestShapes = three_questions(
    case(lambda x: x.reshape(4, 6), (2, 3, 4)),
    case(lambda x: x.reshape((6, -1)).view(-1), (2, 3, 4)),
    case(lambda x: x.flatten() * x.flatten(1).reshape(-1), (2, 3, 4)),
    case(lambda x: x.flatten(1, 2), (2, 3, 4, 2)),
    case(lambda x: x.flatten(), ()),
    case(lambda x: x.transpose(0, -1) * 2, (2, 3, 4)),
    case(lambda x: x.permute(2, 0, 1).exp(), (2, 3, 4)),
    case(lambda x: x.permute((1, 2, 0)), (2, 3, 4)),
    case(lambda x: x.T @ x, (3, 4)),
    case(lambda x: x.T.T + x, (3, 4)),
    case(lambda x: x.squeeze(), (1, 3, 1, 4)),
    case(lambda x: x.squeeze(0).squeeze(0), (1, 3, 1, 4)),
    case(lambda x: x.unsqueeze(0).unsqueeze(-1), (3, 4)),
    case(lambda x: x.clone(), (3, 4)),
)

TestIndexing = three_questions(
    case(lambda x: x[1], (3, 4)),
    case(lambda x: x[-1, 2], (3, 4)),
    case(lambda x: x[1:, ::2], (3, 4)),
    case(lambda x: x[..., None, 1], (3, 4)),
    case(lambda x: x[[0, 2, 2, 0, 0]], (3, 4)),
    case(lambda x: x[:, [1, 1, 1, 1, 1, 1, 1]], (3, 4)),
    case(lambda x: x[[0, 1, 1], [3, 2, 2]], (3, 4)),
    case(lambda x: x[np.array([[0, 0], [0, 1]])], (3, 4)),
    case(lambda x: x[x > 0], (3, 4)),
    case(lambda x: x[[]], (3, 4)),
)


def test_types_other_than_floating_point_move_too():
    labels = mc.arange(6)
    assert labels.reshape(2, 3).T.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert labels[labels > 3].tolist() == [4, 5]
    assert labels[mc.tensor([5, 0])].tolist() == [5, 0]


def test_reshaping_and_slicing_share_memory():
    x = mc.zeros(4, 6)
    for view in (x.reshape(3, 8), x[1:], x.T, x.detach(), x.flatten()):
        assert np.shares_memory(view.array, x.array)
    assert not np.shares_memory(x.clone().array, x.array)


def test_casts_pass_gradients_on_in_the_type_of_their_input():
    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (x.double() ** 2).sum().backward()
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [2, 4]
    assert x.to("float32") is x and x.to("cpu") is x
    assert not x.long().requires_grad


def test_many_equal_indices_add_up():
    x = mc.zeros(3, dtype="float64", requires_grad=True)
    weights = mc.rand(1000, dtype="float64")
    (x[np.arange(1000) % 2] * weights).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [weights.numpy()[::2].sum(), weights.numpy()[1::2].sum(), 0])


@pytest.mark.parametrize("call, error, sentence", [
    (lambda x: x.reshape(4, 2), ValueError, "reshape: 6 elements do not fit into shape (4, 2)"),
    (lambda x: x.reshape(-1, 4), ValueError, "reshape: 6 elements do not fit into shape (-1, 4)"),
    (lambda x: x.reshape(-1, -1), ValueError, "reshape: 6 elements do not fit into shape (-1, -1)"),
    (lambda x: x.transpose(0, 2), IndexError, "transpose: dim 2 is out of range for a tensor with 2 axes"),
    (lambda x: x.permute(0, 0), ValueError, "permute: dims (0, 0) must name each of the 2 axes of x (2, 3) once"),
    (lambda x: x.flatten(1, 0), ValueError, "flatten: start_dim 1 lies behind end_dim 0"),
    (lambda x: x[2], IndexError, "index 2 is out of bounds for axis 0 with size 2"),
])
def test_what_does_not_fit_is_named(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        call(mc.zeros(2, 3))
