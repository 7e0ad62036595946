"""The kernel packages are interchangeable: the same names, arguments and defaults, in files of the same name."""
import inspect
import pathlib
import re

import pytest

import kernels.cpu
import kernels.cuda
import kernels.reference


def test_packages_export_the_same_names():
    assert kernels.cuda.__all__ == kernels.cpu.__all__ == kernels.reference.__all__ == sorted(kernels.reference.__all__)


@pytest.mark.parametrize("package", [kernels.cpu, kernels.cuda])
@pytest.mark.parametrize("name", kernels.reference.__all__)
def test_kernels_have_the_same_arguments_and_place(name, package):
    definition, kernel = getattr(kernels.reference, name), getattr(package, name)
    assert str(inspect.signature(kernel)) == str(inspect.signature(definition))
    assert kernel.__module__.rpartition(".")[2] == definition.__module__.rpartition(".")[2]
    assert definition.__doc__ and kernel.__doc__


@pytest.mark.parametrize("package", [kernels.reference, kernels.cpu, kernels.cuda])
def test_every_public_function_of_a_kernel_file_is_exported(package):
    folder = pathlib.Path(package.__file__).parent
    files = {getattr(kernels.reference, name).__module__.rpartition(".")[2] for name in kernels.reference.__all__}
    internal = {"combine", "max_of_planes", "vector"}   # which other files of the package use
    internal |= {"adam_all", "sgd_all"}                  # of kernels.cuda: a step of all parameters at once, which minicnn.optim asks for
    for file in files:
        source = (folder / f"{file}.py").read_text(encoding="utf-8")
        public = set(re.findall(r"^def ([a-z]\w*)", source, re.MULTILINE))
        assert public - internal <= set(package.__all__), file
