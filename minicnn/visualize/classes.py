"""Classes by name: which score is whose."""
import difflib
import numbers

from minicnn.errors import InputError
from minicnn.models import imagenet

_MOST_NAMED = 5


def find(model, wanted, count=None):
    """The number of a class among a network's scores.

    wanted  its name ("banana", "7"), in any case; of ImageNet's classes any of their words or their WordNet id; or its number, as an
            integer, or in words if no class is called so
    count   how many scores there are; needed of a network of your own, which has only numbers

    InputError names the near ones.
    """
    if getattr(model, "classes", None) is None:
        return _number(wanted, count or model.num_classes)
    if isinstance(wanted, numbers.Integral):   # of digits 3, 5 and 7, the second is number 1, and none is called so
        return _number(wanted, len(model.classes))
    names = [name.casefold() for name in model.classes]
    if str(wanted).casefold() in names:
        return names.index(str(wanted).casefold())
    if str(wanted).isdecimal():
        return _number(wanted, len(names))
    if model.classes == imagenet.names():
        return _in_imagenet(wanted)
    raise InputError(f"the network knows no class {wanted!r}: {_near(wanted, model.classes) or ', '.join(model.classes)}")


def name(model, number):
    """What a class is called; its number if the network has not been told."""
    names = getattr(model, "classes", None)
    return str(number) if names is None else names[number]


def _number(wanted, count):
    if not (str(wanted).isdecimal() and int(wanted) < count):
        raise InputError(f"there is no class {wanted}: the network tells {count} classes apart, 0 to {count - 1}")
    return int(wanted)


def _in_imagenet(wanted):
    try:
        return imagenet.classes().index(imagenet.look_up(wanted, imagenet.classes()))
    except InputError:
        kinds = _kinds(wanted)
        if not kinds:
            near = _near(wanted, imagenet.names())
            raise InputError(f"ImageNet has no class {wanted!r}: {near or 'minicnn.models.imagenet.names() lists all'}") from None
    some, more = " or ".join(map(repr, kinds[:_MOST_NAMED])), len(kinds) - _MOST_NAMED
    raise InputError(f"{wanted!r} is {len(kinds)} of ImageNet's classes: choose {some}" + f", or one of {more} others" * (more > 0))


def _kinds(wanted):
    """The classes that are kinds of something above the classes: of "cat", "Egyptian cat" and others."""
    try:
        return [imagenet.names()[place] for place in imagenet.descendants(wanted)]
    except InputError:
        return []


def _near(wanted, known):
    """Names that hold the wanted one, then those spelled like it."""
    lower = {name.casefold(): name for name in known}
    word = str(wanted).casefold()
    found = [name for key, name in lower.items() if word in key]
    found += [lower[key] for key in difflib.get_close_matches(word, lower, _MOST_NAMED) if lower[key] not in found]
    return f"did you mean {' or '.join(map(repr, found[:_MOST_NAMED]))}?" if found else ""
