"""GoogLeNet: Szegedy et al. 2015, Table 1, Figures 2 and 3, section 5."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import functional as F, models
from minicnn.errors import InputError
from minicnn.models import googlenet
from tests.models.comparison import (as_torch, assert_is_torchvision_s, build, count, distance, images, randomise, work)

# Table 1: the output, the parameters in units of 1024 and the multiply-adds in millions that it gives for each row.
TABLE_1 = {
    "convolution 7x7": ((112, 112, 64), 2.7, 34),
    "convolution 3x3": ((56, 56, 192), 112, 360),
    "3a": ((28, 28, 256), 159, 128),
    "3b": ((28, 28, 480), 380, 304),
    "4a": ((14, 14, 512), 364, 73),
    "4b": ((14, 14, 512), 437, 88),
    "4c": ((14, 14, 512), 463, 100),
    "4d": ((14, 14, 528), 580, 119),
    "4e": ((14, 14, 832), 840, 170),
    "5a": ((7, 7, 832), 1072, 54),
    "5b": ((7, 7, 1024), 1388, 71),
    "linear": ((1000,), 1000, 1),
}
# Where its figures cannot be those of its own columns: 7 x 7 x 3 x 64 weights are 9.2 K and 118 M; the filters of 4c have 497 K, which
# its 100 M agree with; those of 5a have 1018 K and 51 M.
ERRATA = {"convolution 7x7": (9.19, 118), "4c": (497, 100), "5a": (1018, 51)}


def rows(network):
    """For each row of Table 1 with weights: the module or modules, and the shape of what it sees."""
    yield "convolution 7x7", (network.conv1,), (3, 224, 224)
    yield "convolution 3x3", (network.conv2, network.conv3), (64, 56, 56)
    for name, (channels, _) in googlenet.MODULES.items():
        size = {"3": 28, "4": 14, "5": 7}[name[0]]
        yield name, (getattr(network, f"inception{name}"),), (channels, size, size)
    yield "linear", (network.fc,), (1024,)


def test_rows_of_table_1():
    network = build("googlenet", variant="paper-trunk").eval()
    seen = []
    for name, parts, shape in rows(network):
        output, parameters, operations = TABLE_1[name]
        parameters, operations = ERRATA.get(name, (parameters, operations))

        def apply(x, parts=parts):
            for part in parts:
                x = part(x)
            return x

        y, taken = work(apply, mc.zeros(1, *shape))
        weights = sum(weight.numel() for part in parts for weight in part.parameters() if weight.ndim > 1)
        assert tuple(y.shape[1:]) == (output[::-1] if len(output) == 1 else (output[2], *output[:2])), name
        assert weights / 1024 == pytest.approx(parameters, rel=0.02), name
        assert taken / 1e6 == pytest.approx(operations, rel=0.015, abs=0.5), name
        seen.append(name)
    assert seen == list(TABLE_1)


@pytest.mark.parametrize("variant", ["torchvision-trunk", "paper-trunk"])
def test_rows_are_joined_by_pools(variant):
    """All shapes in the order of Table 1, from the image to the scores."""
    shapes = []
    with mc.no_grad(), mc.watch(lambda function, inputs, output: shapes.append(output.shape[1:])):
        build("googlenet", variant=variant).eval()(mc.zeros(1, 3, 224, 224))
    found = iter(shapes)
    for shape in ((64, 112, 112), (64, 56, 56), (192, 56, 56), (192, 28, 28), (256, 28, 28), (480, 28, 28), (480, 14, 14), (512, 14, 14),
                  (512, 14, 14), (512, 14, 14), (528, 14, 14), (832, 14, 14), (832, 7, 7), (832, 7, 7), (1024, 7, 7), (1024, 1, 1),
                  (1024,), (1000,)):
        assert shape in found, shape


def test_parameters():
    assert count(build("googlenet", variant="torchvision")) == 13_004_888
    assert count(build("googlenet", variant="torchvision-trunk")) == 6_624_904
    # Table 1's columns with a bias for each filter, and with the auxiliary classifiers of section 5.
    trunk = sum(weight.numel() for weight in build("googlenet", variant="paper-trunk").parameters())
    assert trunk == 64 * (147 + 1) + 64 * (64 + 1) + 192 * (576 + 1) + 1000 * (1024 + 1) + sum(
        one * (c + 1) + reduce3 * (c + 1) + three * (9 * reduce3 + 1) + reduce5 * (c + 1) + five * (25 * reduce5 + 1) + pooled * (c + 1)
        for c, (one, reduce3, three, reduce5, five, pooled) in googlenet.MODULES.values())
    heads = sum(128 * (channels + 1) + 1024 * (2048 + 1) + 1000 * (1024 + 1) for channels in (512, 528))
    assert count(build("googlenet", variant="paper")) == trunk + heads


def test_torchvision_form_as_in_pytorch(torch, torch_networks):
    assert_is_torchvision_s("googlenet", torch, torch_networks)


def without_dropout(network):
    for module in network.modules():
        if type(module).__name__ == "Dropout":
            module.p = 0
    return network


def test_training_of_torchvision_s_form_as_in_pytorch(torch, torch_networks):
    """Three sets of scores by the batch's own statistics, the loss of section 5, and where its gradient arrives. In float64, because
    in float32 rounding decides here and there which pixel is a maximum."""
    ours, theirs = without_dropout(randomise(build("googlenet", variant="torchvision"))), torch_networks.make("googlenet")
    theirs.load_state_dict(as_torch(torch, ours), strict=True, assign=True)
    ours.double(), theirs.double()
    x, labels = images(4, 3, 64, 64).astype(np.float64), np.array([1, 20, 300, 999])
    scores, expected = ours(mc.tensor(x)), theirs(torch.from_numpy(x))
    assert ours.main_scores(scores) is scores[0]
    for part, theirs_part in zip(scores, expected, strict=True):
        assert distance(part.detach().numpy(), theirs_part.detach().numpy()) < 1e-10
    losses = [torch.nn.functional.cross_entropy(part, torch.from_numpy(labels)) for part in expected]
    loss, their_loss = ours.loss(scores, mc.tensor(labels)), losses[0] + 0.3 * (losses[1] + losses[2])
    assert loss.item() == pytest.approx(their_loss.item(), rel=1e-10)
    loss.backward()
    their_loss.backward()
    parameters = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert distance(parameter.grad.numpy(), parameters[name].grad.numpy()) < 1e-7, name
    buffers = dict(theirs.named_buffers())
    for name, buffer in ours.named_buffers():
        np.testing.assert_allclose(buffer.numpy(), buffers[name].numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def paper_convolution(torch, w, name, y, **settings):
    return torch.nn.functional.conv2d(y, w[f"{name}.conv.weight"], w[f"{name}.conv.bias"], **settings).relu()


def paper_inception(torch, w, name, y):
    def convolve(branch, y, padding=0):
        return paper_convolution(torch, w, f"{name}.{branch}", y, padding=padding)

    return torch.cat([convolve("branch1", y), convolve("branch2.1", convolve("branch2.0", y), 1),
                      convolve("branch3.1", convolve("branch3.0", y), 2),
                      convolve("branch4.1", torch.nn.functional.max_pool2d(y, 3, 1, 1))], 1)


def test_paper_form_as_in_pytorch(torch):
    """The whole network with its auxiliary classifiers, in which nothing is dropped."""
    network, nf, x = without_dropout(randomise(build("googlenet", variant="paper"))), torch.nn.functional, images(2, 3, 224, 224)
    w = as_torch(torch, network)

    def pool(y):   # to 56, 28, 14 and 7: windows may hang over the edge
        return nf.max_pool2d(y, 3, 2, ceil_mode=True)

    def normalise(y):
        return nf.local_response_norm(y, 5, alpha=5e-4, beta=0.75, k=2)

    def linear(name, y):
        return nf.linear(y, w[f"{name}.weight"], w[f"{name}.bias"])

    def auxiliary(name, y):
        y = paper_convolution(torch, w, f"{name}.conv", nf.avg_pool2d(y, 5, 3)).flatten(1)
        return linear(f"{name}.fc2", linear(f"{name}.fc1", y).relu())

    y = normalise(pool(paper_convolution(torch, w, "conv1", torch.from_numpy(x), stride=2, padding=3)))
    y = pool(normalise(paper_convolution(torch, w, "conv3", paper_convolution(torch, w, "conv2", y), padding=1)))
    expected = []
    for name in "3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b":
        y = paper_inception(torch, w, f"inception{name}", y)
        if name in ("4a", "4d"):
            expected.append(auxiliary("aux1" if name == "4a" else "aux2", y))
        y = pool(y) if name in ("3b", "4e") else y
    expected.insert(0, linear("fc", y.mean((2, 3))))

    with mc.no_grad():
        for part, theirs in zip(network(mc.tensor(x)), expected, strict=True):
            assert theirs.std() > 0.1 and distance(part.numpy(), theirs.numpy()) <= 5e-5
        assert distance(network.eval()(mc.tensor(x)).numpy(), expected[0].numpy()) <= 5e-5


def test_inception_of_the_paper_and_its_gradients_as_in_pytorch(torch):
    layer, x = randomise(googlenet.Inception(12, 5, 4, 7, 3, 6, 2)), images(2, 12, 9, 8)
    w = {name: tensor.requires_grad_() for name, tensor in as_torch(torch, layer).items()}
    w = {f"module.{name}": tensor for name, tensor in w.items()}
    seen = torch.tensor(x, requires_grad=True)
    expected = paper_inception(torch, w, "module", seen)
    cotangent = images(*expected.shape)
    expected.backward(torch.from_numpy(cotangent))
    own = mc.tensor(x, requires_grad=True)
    y = layer(own)
    assert y.shape == (2, 5 + 7 + 6 + 2, 9, 8) and distance(y.detach().numpy(), expected.detach().numpy()) < 1e-5
    y.backward(mc.tensor(cotangent))
    assert distance(own.grad.numpy(), seen.grad.numpy()) < 1e-5
    for name, parameter in layer.named_parameters():
        assert distance(parameter.grad.numpy(), w[f"module.{name}"].grad.numpy()) < 1e-5, name


def test_naive_inception_as_in_pytorch(torch):
    """Figure 2 (a): what is pooled is handed on."""
    layer, x, nf = randomise(googlenet.NaiveInception(6, 3, 4, 2)), images(2, 6, 7, 5), torch.nn.functional
    w, seen = as_torch(torch, layer), torch.from_numpy(x)
    expected = torch.cat([paper_convolution(torch, w, "branch1", seen), paper_convolution(torch, w, "branch2", seen, padding=1),
                          paper_convolution(torch, w, "branch3", seen, padding=2), nf.max_pool2d(seen, 3, 1, 1)], 1)
    y = layer(mc.tensor(x))
    assert y.shape == (2, 3 + 4 + 2 + 6, 7, 5) and distance(y.detach().numpy(), expected.numpy()) < 1e-5


def test_gradients_of_the_parts():
    x = mc.tensor(images(2, 4, 5, 6).astype(np.float64))
    for layer in googlenet.NaiveInception(4, 2, 3, 2), googlenet.Inception(4, 2, 2, 3, 2, 2, 3):
        mc.gradcheck(randomise(layer).double(), x).assert_passed()


def test_dropout_and_auxiliary_classifiers_are_those_of_each_form():
    for variant, dropout, pool in ("paper", 0.4, "AvgPool2d"), ("torchvision", 0.2, "AdaptiveAvgPool2d"):
        network = build("googlenet", variant=variant)
        assert network.dropout.p == dropout
        for head in network.aux1, network.aux2:
            assert head.dropout.p == 0.7 and type(head.pool).__name__ == pool


def test_a_trunk_has_no_auxiliary_scores_and_takes_the_whole_network_s_state():
    for variant in "torchvision", "paper":
        whole, trunk = randomise(build("googlenet", variant=variant)).eval(), build("googlenet", variant=f"{variant}-trunk")
        trunk.load_state_dict(whole.state_dict())
        x = mc.tensor(images(2, 3, 64, 64))
        with mc.no_grad():
            np.testing.assert_array_equal(trunk.eval()(x).numpy(), whole(x).numpy())
        with pytest.raises(InputError, match="missing: fc.weight"):
            trunk.load_state_dict({name: value for name, value in whole.state_dict().items() if name != "fc.weight"})
        with pytest.raises(InputError, match="unexpected: aux3.weight"):
            trunk.load_state_dict({**whole.state_dict(), "aux3.weight": whole.fc.weight})


def test_loss_and_main_scores_of_one_set_of_scores():
    trunk, scores, labels = build("googlenet", variant="torchvision-trunk"), mc.tensor(images(4, 10)), mc.tensor([1, 2, 3, 4])
    assert trunk.main_scores(scores) is scores
    assert trunk.loss(scores, labels).item() == F.cross_entropy(scores, labels).item()
    assert trunk.train()(mc.tensor(images(2, 3, 64, 64))).shape == (2, 1000)


def test_initial_weights():
    """Glorot's uniform ones with biases of 0.2 in the paper's form, He's in torchvision's."""
    mc.manual_seed(0)
    paper, published = models.get("googlenet", variant="paper-trunk"), models.get("googlenet", variant="torchvision-trunk")
    weight = paper.inception4a.branch2[1].conv.weight.array   # (208, 96, 3, 3)
    assert np.abs(weight).max() == pytest.approx(np.sqrt(6 / (9 * (208 + 96))), rel=0.001)
    assert (paper.inception4a.branch2[1].conv.bias.array == np.float32(0.2)).all()
    weight = published.inception4a.branch2[1].conv.weight.array
    assert weight.std() == pytest.approx(np.sqrt(2 / (9 * 96)), rel=0.02)
