"""The machine builds what it may and refuses all else: each operation that could do something is tried, and nothing happens."""
import collections
import io
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given, strategies

from minicnn.state.pickles import Blank, Damaged, Named, Refused, read
from tests.state.files import START, STOP, named, part

ARRAY = np.arange(3)
KIND = type("Kind", (), {"build": lambda self, *arguments: ["it was called"]})()   # it may be named, not called
BUILDERS = {"house.make": Named(lambda *arguments: list(arguments)), "house.array": Named(lambda: ARRAY), "house.kind": KIND,
            "house.blank": Named(lambda: Blank(lambda state: [state])), "house.old": "something old"}


def run(operations, stored=None):
    return read(io.BytesIO(START + operations + STOP), BUILDERS, stored)


PLAIN = [None, True, False, 0, 255, 256, 65536, -1, 2**31, -2**40, 2**900, 1.5, float("inf"), "", "é", "x" * 300, (), (1,), (1, 2),
         (1, 2, 3), (1, 2, 3, 4), [], [1], [1, 2], {}, {"a": 1}, {1: [2, {"b": (None, "c")}], (1, 2): 3}, [[i] * 3 for i in range(400)]]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:20])
def test_plain_values_come_as_python_s_own_machine_gives_them(value, protocol):
    contents = pickle.dumps(value, protocol)
    found = read(io.BytesIO(contents), {}, None)
    assert found == value and repr(found) == repr(value)


def test_texts_of_python_2():
    assert run(b"U\x02ab") == "ab" and run(b"T\x02\x00\x00\x00ab") == "ab"


def test_pickles_follow_one_another():
    file = io.BytesIO(pickle.dumps(1, 2) + pickle.dumps([2], 4) + b"rest")
    assert read(file, {}, None) == 1 and read(file, {}, None) == [2] and file.read() == b"rest"


def test_what_is_noted_is_the_same_thing():
    first, second = run(b"]q\x00h\x00K\x01a\x86")
    assert first == [1] and first is second


def test_builders_are_called():
    assert run(named("house.make") + part((1, "a")) + b"R") == [1, "a"]
    assert run(named("house.make") + part((1,)) + b"\x81") == [1]
    assert run(b"\x8c\x05house\x8c\x04make\x93)R") == []
    assert run(named("house.array") + b")R") is ARRAY


def test_attributes_of_what_may_have_some_are_left_out():
    assert run(b"}" + part({"_metadata": 1}) + b"b") == {}
    assert run(named("house.array") + b")R" + part((True, None)) + b"b") is ARRAY


def test_blank_is_filled_wherever_it_was_noted():
    assert run(named("house.blank") + b")Rq\x07" + part(5) + b"bh\x07\x86") == ([5], [5])
    for operations in (b")R", b")Rq\x07h\x07" + part(5) + b"b\x86", b")R\x85"):
        with pytest.raises(Refused, match="a blank on its own"):
            run(named("house.blank") + operations)


def test_what_is_kept_outside_is_asked_for():
    assert run(part(("storage", 3)) + b"Q", lambda identity: list(identity)) == ["storage", 3]


ATTACKS = {   # operations, of which {s} leave a shell command, and what is refused
    "REDUCE": (b"cos\nsystem\n({s}tR", "os.system"),
    "REDUCE of posix": (b"cposix\nsystem\n({s}tR", "posix.system"),
    "GLOBAL alone": (b"cos\nsystem\n", "os.system"),
    "eval": (b"c__builtin__\neval\n({s}tR", "__builtin__.eval"),
    "getattr": (b"cbuiltins\ngetattr\n(chouse\nmake\nS'build'\ntR", "builtins.getattr"),
    "STACK_GLOBAL": (b"\x8c\x02os\x8c\x06system\x93({s}tR", "os.system"),
    "name with a dot": (b"\x8c\x05house\x8c\x0fmake.build.__call__\x93", None),
    "INST": (b"({s}ios\nsystem\n", "the pickle operation INST"),
    "OBJ": (b"(cos\nsystem\n{s}o", "os.system"),
    "OBJ of a builder": (b"(chouse\nmake\n{s}o", "the pickle operation OBJ"),
    "NEWOBJ": (b"csubprocess\nPopen\n({s}t\x81", "subprocess.Popen"),
    "NEWOBJ_EX": (b"chouse\nmake\n)}\x92", "the pickle operation NEWOBJ_EX"),
    "BUILD": (b"chouse\nmake\n}(X\x05\x00\x00\x00buildcos\nsystem\nub", "os.system"),
    "BUILD of a builder": (b"chouse\nmake\n}(X\x05\x00\x00\x00buildK\x01ub", "attributes for what has none"),
    "EXT1": (b"\x82\x01", "the pickle operation EXT1"),
    "EXT2": (b"\x83\x01\x00", "the pickle operation EXT2"),
    "EXT4": (b"\x84\x01\x00\x00\x00", "the pickle operation EXT4"),
    "PERSID": (b"Pos.system\n", "the pickle operation PERSID"),
    "name of two lines": (b"\x8c\x02os\x8c\x09sys\ntem\x1b[\x93", r"'os.sys\ntem\x1b['"),
    "what is not read, in words": (b"chouse\nold\n", "something old"),
}


@pytest.mark.parametrize("operations, refused", ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_and_nothing_runs(tmp_path, operations, refused):
    mark = tmp_path / "evil"
    with pytest.raises((Refused, Damaged)) as caught:
        run(operations.replace(b"{s}", part(f"echo > {mark}")))
    assert not mark.exists()
    if refused:
        assert caught.type is Refused and str(caught.value) == refused


def test_python_s_own_machine_runs_them(tmp_path):
    """So the tests above ask something."""
    mark = tmp_path / "evil"
    pickle.loads(START + ATTACKS["REDUCE"][0].replace(b"{s}", part(f"echo > {mark}")) + STOP)
    assert mark.exists()


@pytest.mark.parametrize("operations, found", [
    (named("house.make"), "a named on its own"), (named("house.kind"), "a kind on its own"),
    (b"]" + named("house.make") + b"a", "a named"), (b"}" + named("house.make") + b"K\x01s", "a named"),
    (part((1, 2)) + b"Q", "a storage on its own"),
])
def test_only_plain_values_come_out(operations, found):
    Storage = collections.namedtuple("Storage", "a b")
    with pytest.raises(Refused, match=found):
        run(operations, lambda identity: Storage(*identity))


NONSENSE = [b"", b"t", b"\x85", b"K", b"h\x05", b"K\x01h\x05", b"X\xff\xff\xff\xffab", b"\x8d" + b"\xff" * 8, b"U\x05ab", b"J\x01",
            b"K\x01K\x02a", b"K\x01(K\x02e", b"](K\x02u", b"}(K\x02u", b"}]K\x01s", b"K\x01)R", b"chouse\nkind\n)R",
            b"chouse\nmake\nK\x01R", b"chouse\nmake\n]R", b"Q", b"b", b"\xff", b"cno line", b"K\x01K\x02\x93",
            b"X\x01\x00\x00\x00\xff", b"c\xff\n\xff\n", b"chouse\narray\n(K\x01tR", b"}b", b"s", b"u", b"e"]


@pytest.mark.parametrize("operations", NONSENSE)
def test_nonsense_is_damage(operations):
    with pytest.raises((Damaged, Refused)):
        run(operations)


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_cut_off(length):
    contents = pickle.dumps({"a": [1.5, "text", (1, 2, 3, 4)], "b": 2**40, "c": {"d": None}}, 4)
    with pytest.raises(Damaged, match="ends in the middle of a pickle"):
        read(io.BytesIO(contents[:length]), {}, None)


def test_containers_are_not_nested_without_end():
    assert run(b"]" * 99 + b"a" * 98) != []
    for operations in (b"]" * 101 + b"a" * 100, b"]" * 50_000 + b"a" * 49_999, b"N" + b"\x85" * 50_000, b"]q\x00h\x00a",
                       b"}q\x00K\x01h\x00s", b"]q\x00h\x00\x85a"):
        with pytest.raises(Refused, match="nested more than 100 deep, or within themselves"):
            run(operations)


def test_what_is_in_many_places_is_looked_at_once():
    """A list of twice a list of twice a list ... would be looked at for longer than the sun shines."""
    operations = b"]q\x00" + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(80))
    assert len(run(operations + b"")) == 2


@given(strategies.lists(strategies.sampled_from([code.code.encode("latin-1") for code in pickletools.opcodes])
                        | strategies.binary(max_size=4), max_size=30))
def test_any_bytes_give_a_plain_value_or_one_of_two_errors(parts):
    try:
        value = run(b"".join(parts), lambda identity: identity)
    except (Refused, Damaged):
        return
    assert type(value) in (np.ndarray, str, int, float, bool, type(None), list, tuple, dict)
