"""A network for onnxruntime: a Graph as an ONNX model, node for node, with nothing folded or fused before onnxruntime gets it."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.graph import Graph

# ONNX's versions are those that went into onnxruntime some years before the one that is measured, so that any of today reads them.
_OPSET, _IR_VERSION = 17, 8


class Session:
    """A network of benchmarks.graph's layers as onnxruntime runs it: called with images, it returns scores. Both are arrays."""

    def __init__(self, network, threads):
        self.network, self.threads = network, threads
        self.session = None

    def eval(self):
        return self

    def __call__(self, images):
        if self.session is None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            content = model(Graph(self.network, images.shape)).SerializeToString()
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        scores, = self.session.run(None, {"value0": images})
        return scores


def model(graph):
    """The onnx.ModelProto of a Graph."""
    names = {graph.input: "value0"}
    nodes, weights = [], []
    for number, node in enumerate(graph.nodes, 1):
        names[node.output] = f"value{number}"
        inputs = [names[value] for value in node.inputs]
        for name, array in (node.layer.weights if node.layer else {}).items():
            inputs.append(f"layer{number}.{name}")
            weights.append(numpy_helper.from_array(np.ascontiguousarray(array), inputs[-1]))
        kind, settings = _operator(node)
        nodes.append(helper.make_node(kind, inputs, [names[node.output]], **settings))
    content = helper.make_graph(nodes, "network", [_description(names, graph.input)], [_description(names, graph.output)], weights)
    return helper.make_model(content, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)


def _operator(node):
    """ONNX's name for what a node does, and its settings."""
    layer = node.layer
    match node.kind:
        case "Conv2d":
            return "Conv", _window(layer)
        case "MaxPool2d":
            return "MaxPool", {**_window(layer), "ceil_mode": int(layer.ceil_mode)}
        case "AdaptiveAvgPool2d":
            if node.output.shape == node.inputs[0].shape:
                return "Identity", {}
            assert layer.output_size == 1   # no network here averages over more than one window but fewer than all pixels
            return "GlobalAveragePool", {}
        case "BatchNorm2d":
            return "BatchNormalization", {"epsilon": layer.eps}
        case "Linear":
            return "Gemm", {"transB": 1}
        case "ReLU":
            return "Relu", {}
        case "Concat":
            return "Concat", {"axis": 1}
        case "Add" | "Flatten":
            return node.kind, {}
    raise NotImplementedError(f"{node.kind} has no name in ONNX yet")


def _window(layer):
    return {"kernel_shape": [layer.kernel_size] * 2, "strides": [layer.stride] * 2, "pads": [layer.padding] * 4}


def _description(names, value):
    return helper.make_tensor_value_info(names[value], TensorProto.FLOAT, value.shape)
