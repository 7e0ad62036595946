"""Who may import whom: the arrows of the layout, read from the sources."""
import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = sorted(path for package in ("kernels", "minicnn", "benchmarks", "tests") for path in (ROOT / package).rglob("*.py"))

# From the bottom up; a module imports from its own layer or from those below. What is named nowhere is the top: the commands.
LAYERS = (
    {"errors", "wording", "files", "registry", "random", "device", "drawing", "fusion", "memory"},
    {"arithmetic", "tensor", "autograd", "creation", "gradcheck"},
    {"functional"},
    {"nn", "optim", "data", "state"},
    {"models"},
)
# Tensors are made by functions and functions take tensors: at its end, tensor.py imports the functions that are its methods.
ALLOWED = {("tensor", "functional")}


def name_of(path):
    """minicnn/nn/layers.py is minicnn.nn.layers, minicnn/nn/__init__.py is minicnn.nn."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def imports_of(path):
    """The modules that a file imports, by their full names; of `from package import name` the module `name`, if it is one."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(package.split(".")[:len(package.split(".")) - node.level + 1] + ([base] if base else []))
            for alias in node.names:
                assert alias.name != "*", f"{path.relative_to(ROOT)} imports a star"
                inside = f"{base}.{alias.name}"
                yield inside if is_module(inside) or base == "numba" else base


def in_folder(folder):
    return [pytest.param(path, id=name_of(path)) for path in SOURCES if path.is_relative_to(ROOT / folder)]


@pytest.mark.parametrize("path", in_folder("kernels"))
def test_kernels_know_nothing_of_what_is_above_them(path):
    roots = {name.partition(".")[0] for name in imports_of(path)}
    on_a_gpu = {"cuda", "greenlet"} if path.is_relative_to(ROOT / "kernels" / "cuda") else set()   # NVIDIA's driver; threads in turns
    assert roots <= sys.stdlib_module_names | {"numpy", "numba", "llvmlite", "kernels"} | on_a_gpu


@pytest.mark.parametrize("path", in_folder("kernels/reference"))
def test_reference_kernels_are_plain_numpy(path):
    roots = {name for name in imports_of(path) if not name.startswith("kernels.reference")}
    assert all(name in {"numpy", "kernels.geometry", "kernels.seed"} or name in sys.stdlib_module_names for name in roots)


def layer_of(module):
    """The number of a minicnn module's layer. The package itself, minicnn/__init__.py, brings all together: it is on top."""
    part = module.split(".")[1] if "." in module else None
    return next((number for number, layer in enumerate(LAYERS) if part in layer), len(LAYERS)), part


@pytest.mark.parametrize("path", in_folder("minicnn"))
def test_layers_of_minicnn_point_downwards(path):
    layer, part = layer_of(name_of(path))
    for name in imports_of(path):
        if name.partition(".")[0] == "minicnn":
            below, imported = layer_of(name)
            assert below <= layer or (part, imported) in ALLOWED, f"{name_of(path)} imports {name}"


def test_layers_name_what_is_there():
    assert all(is_module(f"minicnn.{part}") for layer in LAYERS for part in layer)


def test_cuda_is_left_to_the_cuda_kernels():
    """And to the one that measures a GPU's peak."""
    places = "kernels/cuda", "tests/kernels/cuda", "benchmarks/cuda/peak.py"
    for path in SOURCES:
        if not any(path.is_relative_to(ROOT / place) for place in places):
            assert not [name for name in imports_of(path) if (name + ".").startswith("numba.cuda.")], path
            assert "numba.cuda" not in {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                                        if isinstance(node, ast.Attribute)}, path


def test_no_file_is_a_drawer_for_odds_and_ends():
    assert not [path for path in SOURCES if "util" in path.stem]
