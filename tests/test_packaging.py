"""What a person installs is what lies here: every package, every data file, every dependency."""
import ast
import configparser
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("minicnn", "kernels", "benchmarks")
OPTIONAL = {"greenlet", "onnx", "onnxruntime", "torch"}   # the simulator of GPUs; benchmarks compare with the others where they are
WITH_NUMBA = {"llvmlite"}                     # Numba brings the one version it works with
IMPORTED_AS = {"pillow": "PIL"}


@pytest.fixture(scope="module")
def setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def modules():
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_every_folder_with_modules_is_a_package():
    assert {path.parent for path in modules()} == {path.parent for path in modules() if path.name == "__init__.py"}


def test_every_embedded_file_is_installed(setup):
    patterns = setup["options.package_data"]["minicnn"].split()
    installed = {path for pattern in patterns for path in (ROOT / "minicnn").glob(pattern)}
    embedded = {path for path in (ROOT / "minicnn").glob("*/embedded/**/*") if path.is_file()}
    assert embedded <= installed and len(embedded) >= 15


def test_every_folder_of_embedded_files_says_where_they_are_from():
    folders = [folder for folder in (ROOT / "minicnn").glob("*/embedded/*") if folder.is_dir()]
    assert {folder.name for folder in folders} >= {"mnist", "photographs", "imagenet", "squeezenet"}
    for folder in folders:
        text = (folder / "ATTRIBUTION").read_text(encoding="utf-8")
        assert "Source:" in text and ("Licence:" in text or "public domain" in text)


def test_what_is_imported_is_declared_and_the_reverse(setup):
    declared = {re.split(r"[ <>=;]", line)[0] for line in setup["options"]["install_requires"].split("\n") if line}
    imported = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - set(PACKAGES) - OPTIONAL - WITH_NUMBA
    assert foreign == {IMPORTED_AS.get(name, name) for name in declared}


def test_make_help_tells_of_every_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split())
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    assert described == {name for name in commands if not name.startswith("install")}
