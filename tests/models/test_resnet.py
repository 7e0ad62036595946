"""Residual networks for ImageNet: He et al. 2016, Table 1, section 3.3, Figures 3 and 5."""
import numpy as np
import pytest

import minicnn as mc
from minicnn import models, nn
from minicnn.models import resnet
from tests.models.comparison import as_torch, assert_is_torchvision_s, build, count, images, randomise, shapes_after, work

COUNTS = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160, "resnet152": 60_192_808}
BILLIONS = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}   # multiply-adds, Table 1


@pytest.mark.parametrize("name", COUNTS)
def test_torchvision_form_as_in_pytorch(name, torch, torch_networks):
    assert_is_torchvision_s(name, torch, torch_networks)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    """The stride's place changes nothing."""
    assert count(build(name)) == count(build(name, variant="paper")) == COUNTS[name]


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_a_plain_network_is_the_residual_one_without_shortcuts(name):
    plain, projecting = build(name.replace("resnet", "plain")), build(name)
    projections = sum(count(block.downsample) for block in projecting.blocks() if block.downsample is not None)
    assert projections == sum(before * after + 2 * after for before, after in ((64, 128), (128, 256), (256, 512)))
    assert count(plain) == count(build(name, variant="paper-a")) == COUNTS[name] - projections
    assert not any(isinstance(module, resnet.ZeroPadding) for module in plain.modules())


def test_shortcuts_of_option_c_are_all_projections():
    network = build("resnet34", variant="paper-c")
    shapes = [(64, 64)] * 3 + [(64, 128)] + [(128, 128)] * 3 + [(128, 256)] + [(256, 256)] * 5 + [(256, 512)] + [(512, 512)] * 2
    assert [block.downsample[0].weight.shape for block in network.blocks()] == [(after, before, 1, 1) for before, after in shapes]


def test_the_paper_s_variant_is_its_option_b():
    for name in "resnet18", "resnet50":
        assert [(key, tensor.shape) for key, tensor in build(name, variant="paper").named_parameters()] == [
            (key, tensor.shape) for key, tensor in build(name, variant="paper-b").named_parameters()]


@pytest.mark.parametrize("name, expansion", [("resnet18", 1), ("resnet34", 1), ("plain34", 1), ("resnet50", 4), ("resnet152", 4)])
def test_shapes_of_table_1(name, expansion):
    network = build(name).eval()
    assert shapes_after([network.stem, *network.stages(), network.head], (3, 224, 224)) == [
        (64, 56, 56), (64 * expansion, 56, 56), (128 * expansion, 28, 28), (256 * expansion, 14, 14), (512 * expansion, 7, 7), (1000,)]
    assert network.conv1(mc.zeros(1, 3, 224, 224)).shape == (1, 64, 112, 112)


@pytest.mark.parametrize("name, layers", [("resnet18", 18), ("resnet34", 34), ("plain18", 18), ("resnet50", 50), ("resnet101", 101),
                                          ("resnet152", 152)])
def test_weight_layers(name, layers):
    """Projections are not counted."""
    weighted = [path for path, module in build(name).named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert len([path for path in weighted if "downsample" not in path]) == layers


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_work_of_table_1(name):
    """With strides where the paper has them, and option A where it has that."""
    network = build(name, variant="paper-a" if name in ("resnet18", "resnet34") else "paper").eval()
    taken = work(network, mc.zeros(1, 3, 224, 224))[1]
    assert taken / 1e9 == pytest.approx(BILLIONS[name], abs=0.06)


def test_stride_of_a_bottleneck():
    """In its first convolution, and in torchvision's form in the second."""
    def strides(variant):
        block = build("resnet50", variant=variant).layer2[0]
        return block.conv1.stride, block.conv2.stride, block.conv3.stride, block.downsample[0].stride

    assert strides("paper") == ((2, 2), (1, 1), (1, 1), (2, 2))
    assert strides("torchvision") == ((1, 1), (2, 2), (1, 1), (2, 2))


# A block of width 3, the option for its shortcut, the maps that it sees, its stride.
BLOCKS = [(resnet.BasicBlock, "a", 3, 1), (resnet.BasicBlock, "a", 2, 2), (resnet.BasicBlock, "b", 3, 1), (resnet.BasicBlock, "b", 2, 2),
          (resnet.BasicBlock, "b", 3, 2), (resnet.BasicBlock, "c", 3, 1), (resnet.PlainBlock, None, 2, 2),
          (resnet.Bottleneck, "a", 5, 2), (resnet.Bottleneck, "b", 12, 1), (resnet.Bottleneck, "b", 5, 1),
          (resnet.Bottleneck, "b", 5, 2), (resnet.PaperBottleneck, "b", 5, 2)]


@pytest.mark.parametrize("block, option, channels, stride", BLOCKS)
def test_blocks_and_their_gradients_as_in_pytorch(block, option, channels, stride, torch):
    """In training: by the batch's own statistics."""
    network = randomise(resnet.make_stage(block, option, channels, 3, 1, stride)).double()
    x = images(2, channels, 7, 6).astype(np.float64)
    w = {name: tensor.clone().requires_grad_(tensor.is_floating_point() and "running" not in name)
         for name, tensor in as_torch(torch, network[0]).items()}
    seen = torch.tensor(x, requires_grad=True)
    expected = torch_block(torch, w, block, seen, stride)
    cotangent = images(*expected.shape).astype(np.float64)
    expected.backward(torch.from_numpy(cotangent))

    own = mc.tensor(x, requires_grad=True)
    y = network(own)
    assert y.shape == (2, 3 * block.expansion, -(-7 // stride), -(-6 // stride))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    y.backward(mc.tensor(cotangent))
    np.testing.assert_allclose(own.grad.numpy(), seen.grad.numpy(), rtol=1e-7, atol=1e-10)
    for name, parameter in network[0].named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-7, atol=1e-10, err_msg=name)


def torch_block(torch, w, block, x, stride):
    nf = torch.nn.functional

    def normalise(name, y):
        return nf.batch_norm(y, None, None, w[f"{name}.weight"], w[f"{name}.bias"], training=True)

    strides = {resnet.Bottleneck: (1, stride, 1), resnet.PaperBottleneck: (stride, 1, 1)}.get(block, (stride, 1))
    y = x
    for number, step in enumerate(strides, 1):
        weight = w[f"conv{number}.weight"]
        y = normalise(f"bn{number}", nf.conv2d(y.relu() if number > 1 else y, weight, stride=step, padding=weight.shape[2] // 2))
    if block is resnet.PlainBlock:
        return y.relu()
    if "downsample.0.weight" in w:
        return (y + normalise("downsample.1", nf.conv2d(x, w["downsample.0.weight"], stride=stride))).relu()
    x = x[:, :, ::stride, ::stride]
    return (y + torch.cat([x, torch.zeros(len(x), y.shape[1] - x.shape[1], *x.shape[2:])], 1)).relu()


def test_zero_padding_keeps_every_other_pixel_and_adds_black_maps():
    x = np.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)
    y = resnet.ZeroPadding(3, 5, 2)(mc.tensor(x)).numpy()
    np.testing.assert_array_equal(y[:, :3], x[:, :, ::2, ::2])
    assert y.shape == (2, 5, 3, 2) and not y[:, 3:].any()
    mc.gradcheck(resnet.ZeroPadding(3, 5, 2), mc.tensor(x)).assert_passed()
    np.testing.assert_array_equal(resnet.ZeroPadding(3, 4, 1)(mc.tensor(x)).numpy()[:, :3], x)


def test_gradients_of_a_paper_bottleneck():
    block = randomise(resnet.make_stage(resnet.PaperBottleneck, "b", 5, 3, 1, 2)).double()
    mc.gradcheck(block, mc.tensor(images(2, 5, 6, 7).astype(np.float64)), tolerance=1e-5).assert_passed()


@pytest.mark.parametrize("name, variant", [("resnet18", "torchvision"), ("resnet50", "paper"), ("plain18", "paper")])
def test_initial_weights(name, variant):
    """He's for the gradient: variance 2 / fan_out. Batch normalisations begin by changing nothing."""
    mc.manual_seed(0)
    network = models.get(name, variant=variant)
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.array.std() == pytest.approx(np.sqrt(2 / nn.init.fans(module.weight)[1]), rel=0.05), path
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight.array == 1).all() and not module.bias.array.any()
    assert abs(network.fc.weight.array).max() == pytest.approx(1 / np.sqrt(network.fc.in_features), rel=0.001)


def test_recipe_is_the_paper_s():
    """Section 3.4: batches of 256, rate 0.1, weight decay 0.0001, momentum 0.9; 60e4 steps are 120 passes over 1.28 million images."""
    recipe = build("resnet50").recipe
    assert (recipe.batch_size, recipe.lr, recipe.weight_decay, recipe.momentum) == (256, 0.1, 0.0001, 0.9)
    assert recipe.epochs == pytest.approx(60e4 * 256 / 1.28e6, abs=1)
