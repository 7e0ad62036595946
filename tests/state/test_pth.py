"""PyTorch's files, in both formats: those that PyTorch writes, and those made by hand, honest ones and others."""
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, strategies

from minicnn.errors import InputError
from minicnn.state import pth
from tests.state.files import dictionary, named, part, storage, tensor, write_older, write_zip

SIX = np.arange(6, dtype="<f4")


def written(path, form, value, numbers=SIX, count=None):
    """A file with one storage, "0"."""
    if form == "zip":
        return write_zip(path, value, {"0": numbers.tobytes()})
    return write_older(path, value, {"0": (numbers.size if count is None else count, numbers.tobytes())})


@pytest.fixture(params=["zip", "older"])
def form(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


# Made by hand

VIEWS = {
    "whole": ((0, (2, 3), (3, 1)), [[0, 1, 2], [3, 4, 5]]),
    "transposed": ((0, (3, 2), (1, 3)), [[0, 3], [1, 4], [2, 5]]),
    "from the middle": ((2, (3,), (1,)), [2, 3, 4]),
    "every other": ((1, (3,), (2,)), [1, 3, 5]),
    "no dimension": ((4, (), ()), 4),
    "empty": ((0, (0, 3), (3, 1)), np.zeros((0, 3))),
    "empty at the end": ((6, (0,), (1,)), []),
    "expanded": ((5, (2, 2), (0, 0)), [[5, 5], [5, 5]]),
    "one row with any stride": ((3, (1, 3), (2**62, 1)), [[3, 4, 5]]),
}


@pytest.mark.parametrize("view, expected", VIEWS.values(), ids=VIEWS)
def test_tensors_are_views_of_storages(path, form, view, expected):
    found = pth.read(written(path, form, dictionary(a=tensor(storage(), *view))))["a"]
    assert found.dtype == np.float32 and found.shape == np.shape(expected)
    np.testing.assert_array_equal(found, expected)


def test_what_shared_a_storage_shares_memory(path, form):
    found = pth.read(written(path, form, dictionary(a=tensor(storage()), b=tensor(storage(), 3, (3,), (1,)))))
    found["b"][:] = 7
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [7, 7, 7]])


HALVES = np.array([0x3fc0, 0xc000, 0x7f80], "<u2")   # of bfloat16: 1.5, -2, inf
KINDS = {
    "Double": (np.array([1.5, -2, 1e300]), None), "Half": (np.array([1.5, -2, 6e4], np.float16), np.float32),
    "Long": (np.array([1, -2, 2**62]), None), "Int": (np.array([1, -2, 2**30], np.int32), None),
    "Short": (np.array([1, -2, 3], np.int16), None), "Char": (np.array([1, -2, 3], np.int8), None),
    "Byte": (np.array([1, 2, 255], np.uint8), None), "Bool": (np.array([True, False, True]), None),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", ["torch", "torch.cuda"])
def test_kinds_of_numbers(path, form, kind, package):
    numbers, given_as = KINDS[kind]
    value = tensor(storage(kind=f"{package}.{kind}Storage", count=3), 0, (3,), (1,))
    found = pth.read(written(path, form, value, numbers))
    np.testing.assert_array_equal(found, numbers)
    assert found.dtype == (given_as or numbers.dtype) and found.dtype.isnative


def test_bfloat16(path, form):
    found = pth.read(written(path, form, tensor(storage(kind="torch.BFloat16Storage", count=3), 0, (3,), (1,)), HALVES))
    assert found.dtype == np.float32 and found.tolist() == [1.5, -2, np.inf]


def test_storage_that_is_read_in_several_pieces(path, form):
    numbers = np.random.default_rng(0).standard_normal(2_500_000).astype("<f4")
    found = pth.read(written(path, form, tensor(storage(count=numbers.size), 0, (numbers.size,), (1,)), numbers))
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize("order", ["little", "big"])
def test_byte_order_of_archives(path, order):
    for kind, numbers, expected in (("Float", SIX, SIX), ("BFloat16", HALVES, [1.5, -2, np.inf])):
        stored = numbers.astype(numbers.dtype.newbyteorder(order)).tobytes()
        value = tensor(storage(kind=f"torch.{kind}Storage", count=numbers.size), 0, (numbers.size,), (1,))
        np.testing.assert_array_equal(pth.read(write_zip(path, value, {"0": stored}, byteorder=order)), expected)


@pytest.mark.parametrize("wrap", [
    lambda data: named("torch._utils._rebuild_parameter") + b"(" + data + b"\x88" + part({}) + b"tR",
    lambda data: named("torch.nn.parameter.Parameter") + data + b"\x85R" + part((True, False, None)) + b"b",   # PyTorch 0.1
    lambda data: named("torch.nn.parameter.Parameter") + data + b"\x85\x81" + part((True, False, None)) + b"b",
])
def test_parameters_are_their_data(path, form, wrap):
    np.testing.assert_array_equal(pth.read(written(path, form, wrap(tensor(storage())))), SIX.reshape(2, 3))


def test_tensors_of_pytorch_0_1(path, form):
    state = b"(" + storage() + part(0) + part((2, 3)) + part((3, 1)) + b"t"
    first = named("torch._utils._rebuild_tensor") + state + b"R"
    second = named("torch.FloatTensor") + b")Rq\x63" + state + b"b"   # made empty, filled afterwards
    found = pth.read(written(path, form, dictionary(a=first, b=second, c=b"h\x63")))
    for array in found.values():
        np.testing.assert_array_equal(array, SIX.reshape(2, 3))


def test_dictionary_of_python_2_and_size(path, form):
    plain = dictionary(d=named("collections.OrderedDict") + part([["a", 1], ["b", 2]]) + b"\x85R",
                       s=named("torch.Size") + part((2, 3)) + b"\x85R")
    path = write_zip(path, plain, {}) if form == "zip" else write_older(path, plain, {})
    assert pth.read(path) == {"d": {"a": 1, "b": 2}, "s": (2, 3)}


def test_storage_that_is_a_part_of_another(path):
    value = tensor(storage(view=("v", 2, 4)), 1, (3,), (1,))
    assert pth.read(write_older(path, value, {"0": (6, SIX.tobytes())})).tolist() == [3, 4, 5]
    assert pth.read(write_older(path, tensor(storage(view=()), 1, (3,), (1,)), {"0": (6, SIX.tobytes())})).tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="sees more in its storage '0' than there is"):
        pth.read(write_older(path, tensor(storage(view=("v", 2, 5)), 0, (3,), (1,)), {"0": (6, SIX.tobytes())}))


# Made by hand, and not honest

LIES = {
    "beyond the storage": (tensor(storage(), 1), "reaches beyond its storage"),
    "beyond it by its strides": (tensor(storage(), 0, (2, 3), (4, 1)), "reaches beyond its storage"),
    "before it": (tensor(storage(), -1), "what it says of a tensor makes no sense"),
    "backwards": (tensor(storage(), 5, (6,), (-1,)), "what it says of a tensor makes no sense"),
    "negative size": (tensor(storage(), 0, (-2, -3)), "what it says of a tensor makes no sense"),
    "sizes without strides": (tensor(storage(), 0, (2, 3), (3,)), "what it says of a tensor makes no sense"),
    "fractions": (tensor(storage(), 0, (2.0, 3), (3, 1)), "what it says of a tensor makes no sense"),
    "no sizes": (tensor(storage(), 0, None, (3, 1)), "what it says of a tensor makes no sense"),
    "no storage": (tensor(part("0")), "what it says of a tensor makes no sense"),
    "bomb": (tensor(storage(), 0, (2**20, 2**20), (0, 0)), "claims more numbers than the file holds"),
    "sizes beyond all bounds": (tensor(storage(), 0, (2**62, 2**62), (0, 0)), "claims more numbers than the file holds"),
    "empty, and beyond all bounds": (tensor(storage(), 0, (0, 2**62, 2**62), (1, 1, 1)), "ValueError"),
    "too many dimensions": (tensor(storage(), 0, (1,) * 100, (1,) * 100), "ValueError"),
    "storage larger than the file": (tensor(storage(count=10**12)), "claim more than the file holds"),
    "storage of less than nothing": (tensor(storage(count=-1)), "what it says of a storage makes no sense"),
    "storage of another size": (tensor(storage(count=5), 0, (5,), (1,)), "(it|its tensors|that its tensors) say"),
    "storage of two sizes": (dictionary(a=tensor(storage()), b=tensor(storage(count=5), 0, (5,), (1,))), "says different things"),
    "storage of two kinds": (dictionary(a=tensor(storage()), b=tensor(storage(kind="torch.IntStorage"))), "says different things"),
    "storage of no kind": (tensor(b"(" + part("storage") + part(1) + part("0") + part("cpu") + part(6) + b"tQ"), "of a storage makes no"),
    "storage that is not there": (tensor(storage("1", count=0), 0, (0,), (1,)), "storage"),
    "odd identity": (tensor(part(7) + b"Q"), "what is kept outside its pickle is no storage"),
    "empty identity": (tensor(part(()) + b"Q"), "what is kept outside its pickle is no storage"),
    "identity of an array": (tensor(b"(" + tensor(storage()) * 5 + b"tQ"), "no storage|ValueError"),
    "parameter of nothing": (named("torch._utils._rebuild_parameter") + part((None, True, None)) + b"R", "a parameter is no tensor"),
    "dictionary of text": (named("collections.OrderedDict") + part(("abc",)) + b"R", "a dictionary of what are no pairs"),
    "too few arguments": (named("torch._utils._rebuild_tensor_v2") + b")R", "TypeError"),
    "filled with nonsense": (named("torch.FloatTensor") + b")R" + part(7) + b"b", "TypeError"),
}


@pytest.mark.parametrize("value, words", LIES.values(), ids=LIES)
def test_lies_are_damage(path, form, value, words):
    with pytest.raises(InputError, match=rf"^\S+ is no \.pth file, or a damaged one \(.*{words}.*\); get it again"):
        pth.read(written(path, form, value))


REFUSED = {
    "os.system": (named("os.system") + part(("echo",)) + b"R", "os.system"),
    "a sparse tensor": (named("torch._utils._rebuild_sparse_tensor"), "a sparse tensor"),
    "a quantized tensor": (named("torch._utils._rebuild_qtensor"), "a quantized tensor"),
    "complex": (tensor(storage(kind="torch.ComplexFloatStorage")), "a tensor of complex numbers"),
    "conjugate": (tensor(storage())[:-2] + part({"conj": True}) + b"tR", "a tensor that is to be conjugated or negated"),
    "module": (b"(" + part("module") + named("collections.OrderedDict") + part("net.py") + part("class Net") + b"tQ",
               "a network as a whole, whose program is not in the file"),
    "class": (named("net.Net") + b")\x81", "net.Net"),
    "storage alone": (storage(), "a storage on its own"),
}


@pytest.mark.parametrize("value, words", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_named(path, form, value, words):
    with pytest.raises(InputError, match=rf"^\S+ is not read, because it asks for {words}.*: of a \.pth file minicnn takes arrays, .* "
                                         r"executes nothing\. .*torch\.save\(model\.state_dict\(\)"):
        pth.read(written(path, form, value))


def test_dictionary_is_not_made_of_the_same_list_again_and_again(path):
    """Else a file of some megabytes could take hours."""
    again = named("collections.OrderedDict") + b"h\x63\x85R"
    assert pth.read(write_zip(path, b"(" + part([["a", 1]]) + b"q\x63" + again * 3 + b"t", {})) == ([], {"a": 1}, {}, {})


def test_archives_that_are_not_pytorch_s(path):
    value = tensor(storage())

    def rejected(words):
        with pytest.raises(InputError, match=rf"^\S+ is no \.pth file, or a damaged one \(.*{words}.*\); get it again"):
            pth.read(path)

    write_zip(path, value, {"0": SIX.tobytes()}, zipfile.ZIP_DEFLATED)
    rejected("compressed, which torch.save's are not")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "hello")
    rejected("without the one data.pkl")
    write_zip(path, value, {"0": SIX.tobytes()}, byteorder="middle")
    rejected("byte order is neither")
    write_zip(path, value, {})
    rejected("storage '0' is not there")
    write_zip(path, value, {"0": bytes(25)})
    rejected("not of the size that its tensors say")
    contents = bytearray(write_zip(path, value, {"0": SIX.tobytes()}).read_bytes())
    contents[contents.index(SIX.tobytes())] ^= 1
    path.write_bytes(contents)
    rejected("Bad CRC-32")


def test_archive_whose_entries_lie_in_each_other(path):
    """Two storages in the same place: a small file that would fill the memory."""
    numbers = bytes(4000)
    both = dictionary(a=tensor(storage("0", count=1000), 0, (1000,), (1,)), b=tensor(storage("1", count=1000), 0, (1000,), (1,)))
    contents = bytearray(write_zip(path, both, {"0": numbers, "1": b""}).read_bytes())
    first, second = (contents.index(b"PK\x01\x02", contents.index(b"PK\x01\x02") + 4), contents.rindex(b"PK\x01\x02"))
    contents[second + 16:second + 28] = contents[first + 16:first + 28]   # checksum and sizes
    contents[second + 42:second + 46] = contents[first + 42:first + 46]   # place
    path.write_bytes(contents)
    with pytest.raises(InputError, match="promises more than it holds"):
        pth.read(path)


def test_older_files_that_are_not_pytorch_s(path):
    value, storages = tensor(storage()), {"0": (6, SIX.tobytes())}

    def rejected(contents, words):
        path.write_bytes(contents)
        with pytest.raises(InputError, match=rf"^\S+ is no \.pth file, or a damaged one \(.*{words}.*\); get it again"):
            pth.read(path)

    good = write_older(path, value, storages).read_bytes()
    rejected(part({"a": 1}).join([b"\x80\x02", b"."]), "a pickle, but not one of torch.save's")
    rejected(good.replace(b"\xe9\x03", b"\xea\x03"), "a pickle, but not one of torch.save's")
    rejected(good[:-1], "ends in the middle of a tensor")
    rejected(good[:-32], "not of the size that its tensors say, or cut off")
    rejected(write_older(path, value, storages, keys=["1"]).read_bytes(), "storages are not those of its tensors")
    rejected(write_older(path, value, storages, keys=["0", "0"]).read_bytes(), "storages are not those of its tensors")
    rejected(write_older(path, value, storages, keys=[0]).read_bytes(), "storages are not those of its tensors")
    rejected(write_older(path, value, storages, keys={"0": 1}).read_bytes(), "storages are not those of its tensors")
    rejected(write_older(path, value, {"0": (7, SIX.tobytes())}).read_bytes(), "not of the size that its tensors say")


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_files_that_were_cut_off(path, form, share):
    contents = written(path, form, dictionary(a=tensor(storage()))).read_bytes()
    path.write_bytes(contents[:max(4, int(share * len(contents)))])
    with pytest.raises(InputError, match=f"^{path} is no .pth file, or a damaged one"):
        pth.read(path)


@given(strategies.data())
def test_any_damage_gives_arrays_or_a_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    form = data.draw(strategies.sampled_from(["zip", "older"]))
    contents = bytearray(written(folder / "any.pth", form, dictionary(a=tensor(storage()), b=part({"epoch": 3}))).read_bytes())
    for place in data.draw(strategies.lists(strategies.integers(2, len(contents) - 1), min_size=1, max_size=4)):
        contents[place] = data.draw(strategies.integers(0, 255))
    (folder / "any.pth").write_bytes(contents)
    try:
        found = pth.read(folder / "any.pth")
    except InputError as problem:
        assert str(problem).startswith(str(folder / "any.pth"))
    else:
        assert type(found) in (dict, list, tuple, str, int, float, bool, type(None), np.ndarray)


# Made by PyTorch

@pytest.fixture
def save(torch, form, path):
    def save(value, **settings):
        torch.save(value, path, _use_new_zipfile_serialization=form == "zip", **settings)
        return path
    return save


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_state_of_a_network(torch, save, protocol):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)).half().bfloat16().float()
    state = network.state_dict()
    found = pth.read(save({"state_dict": state, "epoch": 3, "best": 0.75, "args": ["--lr", 0.1, None, (True,)]}, pickle_protocol=protocol))
    assert found["epoch"] == 3 and found["best"] == 0.75 and found["args"] == ["--lr", 0.1, None, (True,)]
    assert list(found["state_dict"]) == list(state)
    for name, values in state.items():
        np.testing.assert_array_equal(found["state_dict"][name], values.numpy())
        assert found["state_dict"][name].dtype == values.numpy().dtype


def test_state_of_an_optimizer(torch, save):
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    found = pth.read(save(optimizer.state_dict()))
    assert found["param_groups"][0]["betas"] == (0.9, 0.999) and found["param_groups"][0]["params"] == [0, 1]
    np.testing.assert_array_equal(found["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"].numpy())


def test_every_kind_of_tensor(torch, save):
    base = torch.randn(4, 6)
    tensors = {"view": base[1:3, ::2], "transposed": base.t(), "base": base, "parameter": torch.nn.Parameter(base + 1),
               "expanded": torch.ones(1).expand(3, 4), "number": torch.tensor(2.5), "empty": torch.zeros(0, 3), "channels last":
               torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last), "half": torch.randn(5).half(),
               "bfloat16": torch.randn(5).bfloat16(), "bool": torch.tensor([True, False])}
    for kind in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float64):
        tensors[str(kind)] = torch.arange(3).to(kind)
    found = pth.read(save(tensors))
    for name, values in tensors.items():
        values = values.detach()
        expected = values.float().numpy() if values.dtype in (torch.float16, torch.bfloat16) else values.numpy()
        np.testing.assert_array_equal(found[name], expected, err_msg=name)
        assert found[name].dtype == expected.dtype and found[name].shape == expected.shape
    assert np.shares_memory(found["base"], found["view"]) and np.shares_memory(found["base"], found["transposed"])


def test_one_tensor_alone(torch, save):
    np.testing.assert_array_equal(pth.read(save(torch.arange(3))), [0, 1, 2])


class Evil:
    def __reduce__(self):
        return os.system, (f"echo > {os.environ['MARK']}",)


def test_what_pytorch_can_write_and_nobody_should_load(torch, save, tmp_path, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    for value, words in ((Evil(), f"{os.system.__module__}.system"), (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
                         (torch.ones(2, dtype=torch.complex64), "complex"), (torch.ones(2, dtype=torch.uint16), "a kind of numbers"),
                         ({1, 2}, "set"), (b"bytes", "_codecs.encode"), (np.float64(1), "scalar")):
        with pytest.raises(InputError, match=f"is not read, because it asks for .*{words}"):
            pth.read(save({"state_dict": torch.nn.Linear(1, 1).state_dict(), "more": value}))
    assert not (tmp_path / "mark").exists()
