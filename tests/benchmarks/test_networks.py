"""The networks are those that people know, and the same in every library; what is known of them without computing is right."""
import importlib.util
import types

import numpy as np
import pytest

import minicnn
from benchmarks import frameworks, graph, networks
from benchmarks.arrays import random_array
from benchmarks.graph import Graph

ONNX = "onnxruntime or onnx is not installed, so there is nothing to ask: pip install -e '.[reference]'"

# Parameters and multiply-adds for an image. Those of torchvision's networks are what its documentation says of them; GoogLeNet's are
# without the auxiliary classifiers. ResNet-20 has 269,722 parameters with shortcuts of option A; the projections add 2,752.
KNOWN = {"LeNet": (61_706, 416_520), "AlexNet": (61_100_840, 714_188_480), "VGG-16": (138_357_544, 15_470_264_320),
         "GoogLeNet": (6_624_904, 1_498_376_192), "ResNet-18": (11_689_512, 1_814_073_344), "ResNet-50": (25_557_032, 4_089_184_256),
         "CIFAR ResNet-20": (272_474, 40_813_184), "SqueezeNet": (1_235_496, 349_151_936)}


def test_they_are_as_large_as_people_know_them():
    assert networks.ALL.keys() == KNOWN.keys()
    for name, network in networks.ALL.items():
        state = network.build(graph).state_dict()
        parameters = sum(array.size for key, array in state.items() if "running" not in key)
        assert (parameters, sum(node.multiply_adds for node in network.graph().nodes)) == KNOWN[name]
        assert network.graph(3).output.shape == (3, network.classes)


@pytest.mark.parametrize("name", KNOWN)
def test_pytorch_makes_the_same_network_of_it(name, torch):
    network = networks.ALL[name]
    with torch.device("meta"):   # nothing is allocated
        state = network.build(torch).state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items() if "num_batches_tracked" not in key}
    assert shapes == {key: array.shape for key, array in network.build(graph).state_dict().items()}


def test_the_graph_of_a_small_network():
    traced = networks.LENET.graph(5)
    assert [node.kind for node in traced.nodes] == ["Conv2d", "ReLU", "MaxPool2d"] * 2 + ["Flatten"] + ["Linear", "ReLU"] * 2 + ["Linear"]
    assert [node.output.shape for node in traced.of_kind("MaxPool2d", "Linear")] == [
        (5, 6, 14, 14), (5, 16, 5, 5), (5, 120), (5, 84), (5, 10)]
    assert traced.nodes[0].inputs == (traced.input,) and traced.nodes[-1].output is traced.output
    assert traced.nodes[0].multiply_adds == 5 * 28 * 28 * 6 * 25 and traced.nodes[1].multiply_adds == 0


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("kernel_size, stride, padding", [(3, 2, 0), (2, 2, 0), (2, 2, 1), (3, 2, 1), (3, 1, 1), (2, 3, 0)])
def test_sizes_after_pooling(torch, kernel_size, stride, padding, ceil_mode):
    for size in range(4, 12):
        pool = graph.MaxPool2d(kernel_size, stride, padding, ceil_mode)
        expected = torch.nn.MaxPool2d(kernel_size, stride, padding, ceil_mode=ceil_mode)(torch.zeros(1, 2, size, size)).shape
        assert Graph(pool, (1, 2, size, size)).output.shape == tuple(expected)


def block(library):
    """All kinds of nodes, and everything beside LeNet's layers, small."""
    nn = library.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(4, eps=0.1)
            self.relu = nn.ReLU()
            self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
            self.keep = nn.AdaptiveAvgPool2d(4)
            self.end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5))

        def forward(self, x):
            x = self.pool(self.relu(self.bn1(self.conv1(x))))
            return self.end(library.cat([x, self.keep(self.relu(x + x))], 1))

    return Block()


BLOCK = networks.Network("block", block, (3, 16, 16), classes=5)


@pytest.fixture
def onnxruntime():
    for package in ("onnx", "onnxruntime"):
        if not importlib.util.find_spec(package):
            pytest.skip(ONNX)


def scores(name, network, batch=2):
    with frameworks.FRAMEWORKS[name]() as framework, framework.library.no_grad():
        return framework.numpy(networks.make(framework, network).eval()(framework.tensor(random_array(batch, *network.input_shape))))


@pytest.mark.parametrize("network", [networks.LENET, networks.CIFAR_RESNET20, BLOCK], ids=lambda network: network.name)
def test_onnxruntime_gives_the_scores_that_pytorch_gives(network, torch, onnxruntime):
    np.testing.assert_allclose(scores("onnxruntime", network), scores("PyTorch", network), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("network", [networks.LENET, networks.CIFAR_RESNET20, BLOCK], ids=lambda network: network.name)
def test_minicnn_gives_the_scores_that_pytorch_gives(network, torch):
    np.testing.assert_allclose(scores("minicnn", network), scores("PyTorch", network), rtol=1e-4, atol=1e-4)


def test_onnxruntime_gets_batch_normalisation_as_it_is_and_our_number_of_threads(onnxruntime, monkeypatch):
    from benchmarks import onnx_model

    model = onnx_model.model(BLOCK.graph())
    operators = [node.op_type for node in model.graph.node]
    assert operators == ["Conv", "BatchNormalization", "Relu", "MaxPool", "Add", "Relu", "Identity", "Concat", "GlobalAveragePool",
                         "Flatten", "Gemm"]
    normalization = model.graph.node[1]
    assert list(normalization.input) == ["value1", "layer2.weight", "layer2.bias", "layer2.running_mean", "layer2.running_var"]

    given = []
    session = types.SimpleNamespace(run=lambda names, inputs: [None])
    monkeypatch.setattr(onnx_model.onnxruntime, "InferenceSession", lambda content, options, providers: given.append(options) or session)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    scores("onnxruntime", BLOCK)
    assert given[0].intra_op_num_threads == 3


def test_a_layer_without_a_name_in_onnx_is_an_error(onnxruntime):
    from benchmarks import onnx_model

    class Swish(graph.ReLU):
        pass

    with pytest.raises(NotImplementedError, match="Swish has no name in ONNX"):
        onnx_model.model(Graph(Swish(), (1, 2, 3, 3)))


@pytest.mark.parametrize("name", ["CIFAR ResNet-20", "LeNet"])
def test_scores_are_neither_tiny_nor_huge(name, torch):
    assert 0.1 < scores("PyTorch", networks.ALL[name]).std() < 100


def test_weights_are_the_same_in_every_process_and_differ_from_layer_to_layer():
    first, again, other = (networks._initial(name, (8, 4, 3, 3)) for name in ("a.weight", "a.weight", "b.weight"))
    assert np.array_equal(first, again) and not np.array_equal(first, other) and first.dtype == np.float32
    assert networks._initial("fc.weight", (500, 1000)).std() == pytest.approx((2 / 1000) ** 0.5, rel=0.01)
    assert (networks._initial("bn1.running_var", (1000,)) > 0).all()


def test_the_multiply_adds_of_lenet_are_those_that_autograd_counts():
    counted = []
    with minicnn.watch(lambda function, inputs, output: counted.append(function.multiply_adds)):
        scores("minicnn", networks.LENET, batch=3)
    assert sum(counted) == sum(node.multiply_adds for node in networks.LENET.graph(3).nodes)
