"""A machine for pickles that can build plain containers and what it was given to build, and nothing else.

A pickle is a program for a small stack machine (Python's pickletools explains each operation). Python's own machine imports and calls
whatever a pickle names, so a stranger's file can do anything. This one finds names in a table that its caller gives, calls nothing
else, never imports, sets no attributes, and knows only those operations that weights need. What it does not know it refuses.
"""
import pickletools
import struct

import numpy as np

_DEEPEST = 100   # containers within containers; state dicts have one or two, and who walks through a result may recurse

_NUMBERS = {"BININT": "<i", "BININT1": "<B", "BININT2": "<H", "BINFLOAT": ">d"}
_PLACES = {"BINGET": "<B", "LONG_BINGET": "<I", "BINPUT": "<B", "LONG_BINPUT": "<I"}
_TEXTS = {"SHORT_BINUNICODE": ("<B", "utf-8"), "BINUNICODE": ("<I", "utf-8"), "BINUNICODE8": ("<Q", "utf-8"),
          "SHORT_BINSTRING": ("<B", "latin-1"), "BINSTRING": ("<I", "latin-1")}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class Refused(Exception):
    """What a pickle asks for and does not get: to be said after "it asks for"."""


class Damaged(Exception):
    """No whole pickle: to be said in brackets."""


class Named:
    """What a pickle may name. Called with what the pickle passes, `build` returns a value or raises Refused or Damaged.

    Arguments of the wrong number are Damaged already here; that they are what they should be, `build` looks at itself.
    """

    def __init__(self, build):
        self.build = build


class Blank:
    """A value that a pickle makes empty and fills afterwards: `fill(state)` gives the value."""

    def __init__(self, fill):
        self.fill = fill
        self.places = []   # where the machine has noted it


def read(file, named, stored):
    """The value of the pickle that begins where `file` stands, and ends where it then stands: arrays in plain containers.

    file    binary; its read(n) may believe n, so it is best one that lies in memory or is mapped into it
    named   what the pickle may name, {"package.module.name": a Named to call, or any other value}; text instead says in words what it
            may not
    stored  called with a persistent id, which is any value: what is kept outside the pickle
    """
    try:
        value = _run(file, named, stored)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as problem:
        raise Damaged(f"its pickle makes no sense: {type(problem).__name__}") from None
    _check_plain(value, {}, 0)
    return value


def _run(file, named, stored):
    stack, outer, memo = [], [], {}   # outer: the stacks below, one for each mark that is open

    def to_mark():
        nonlocal stack
        items, stack = stack, outer.pop()
        return items

    while True:
        code = file.read(1)
        if not code:
            raise Damaged("it ends in the middle of a pickle")
        operation = pickletools.code2op[code.decode("latin-1")].name
        match operation:
            case "PROTO":
                _number(file, "<B")
            case "FRAME":
                _number(file, "<Q")
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                stack.append(_CONSTANTS[operation])
            case "BININT" | "BININT1" | "BININT2" | "BINFLOAT":
                stack.append(_number(file, _NUMBERS[operation]))
            case "LONG1":
                stack.append(int.from_bytes(_bytes(file, _number(file, "<B")), "little", signed=True))
            case "SHORT_BINUNICODE" | "BINUNICODE" | "BINUNICODE8" | "SHORT_BINSTRING" | "BINSTRING":
                length, encoding = _TEXTS[operation]
                stack.append(_bytes(file, _number(file, length)).decode(encoding))
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})

            case "MARK":
                outer.append(stack)
                stack = []
            case "TUPLE":
                items = to_mark()
                stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(operation[-1]))]
                stack.append(tuple(reversed(items)))
            case "APPEND":
                item = stack.pop()
                _top(stack, list).append(item)
            case "APPENDS":
                items = to_mark()
                _top(stack, list).extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _top(stack, dict)[key] = value
            case "SETITEMS":
                items = to_mark()
                _top(stack, dict).update(zip(items[::2], items[1::2], strict=True))

            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                place = len(memo) if operation == "MEMOIZE" else _number(file, _PLACES[operation])
                memo[place] = stack[-1]
                if isinstance(stack[-1], Blank):
                    stack[-1].places.append(place)
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[_number(file, _PLACES[operation])])

            case "GLOBAL":
                module, name = _line(file), _line(file)
                stack.append(_find(named, module, name))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_find(named, module, name))
            case "REDUCE" | "NEWOBJ":
                arguments, builder = stack.pop(), stack.pop()
                if not isinstance(builder, Named) or type(arguments) is not tuple:
                    raise Damaged("its pickle calls what cannot be called")
                stack.append(builder.build(*arguments))
            case "BUILD":
                state, built = stack.pop(), stack.pop()
                if isinstance(built, Blank):
                    value = built.fill(state)
                    memo.update(dict.fromkeys(built.places, value))
                    built = value
                elif not isinstance(built, dict | np.ndarray):   # these have attributes (`_metadata`) that nobody needs
                    raise Refused("attributes for what has none")
                stack.append(built)
            case "BINPERSID":
                stack.append(stored(stack.pop()))
            case "STOP":
                return stack.pop()
            case _:
                raise Refused(f"the pickle operation {operation}")


def _bytes(file, count):
    found = file.read(count)
    if len(found) < count:
        raise Damaged("it ends in the middle of a pickle")
    return found


def _number(file, form):
    return struct.unpack(form, _bytes(file, struct.calcsize(form)))[0]


def _line(file):
    return file.readline().decode("utf-8").rstrip("\n")


def _top(stack, kind):
    if type(stack[-1]) is not kind:
        raise Damaged(f"its pickle puts something into what is no {kind.__name__}")
    return stack[-1]


def _find(named, module, name):
    if type(module) is not str or type(name) is not str:
        raise Damaged("what its pickle names is no name")
    name = f"{module}.{name}"
    found = named.get(name, name if name.isprintable() and len(name) <= 100 else ascii(name[:100]))
    if isinstance(found, str):
        raise Refused(found)
    return found


def _check_plain(value, seen, depth):
    """Refuse anything but arrays, numbers, text and None in lists, tuples and dictionaries that are nested like a tree.

    seen  {id of a container: has all that is in it been looked at?}; what is in two places is looked at once
    """
    if type(value) in (np.ndarray, str, int, float, bool, type(None)):
        return
    if type(value) not in (list, tuple, dict):
        raise Refused(f"a {type(value).__name__.strip('_').lower()} on its own, which is no value")
    if depth == _DEEPEST or seen.get(id(value)) is False:
        raise Refused(f"containers that are nested more than {_DEEPEST} deep, or within themselves")
    if id(value) not in seen:
        seen[id(value)] = False
        for item in (*value.keys(), *value.values()) if type(value) is dict else value:
            _check_plain(item, seen, depth + 1)
        seen[id(value)] = True
