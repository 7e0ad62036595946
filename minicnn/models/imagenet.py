"""The 1000 classes of ImageNet's challenge, and the part of WordNet above them.

O. Russakovsky et al., "ImageNet large scale visual recognition challenge", International Journal of Computer Vision 115, 2015. Each class
is a synset of WordNet 3.0 (G. Miller, "WordNet: a lexical database for English", Communications of the ACM 38(11), 1995): a set of
words that mean the same thing. A synset is a kind of its parents, up to "entity", so one can ask for all classes that are dogs.

    imagenet.names()[285]             "Egyptian cat"
    len(imagenet.descendants("dog"))  118

The 120 dogs of the challenge are these without the Dalmatian, and the dingo, the dhole and the African hunting dog, which WordNet files
under "wild dog": they are the classes of Stanford Dogs (Khosla et al., 2011), drawn for the fine-grained challenge of 2012.
"""
import difflib
import functools
import pathlib
from typing import NamedTuple

from minicnn.errors import InputError

_FOLDER = pathlib.Path(__file__).parent / "embedded" / "imagenet"


class Synset(NamedTuple):
    id: str           # "n02124075": part of speech (noun) and place in WordNet 3.0
    name: str         # how a class is called here: its first word, with its parent's where two of the 1000 would be called alike
    names: tuple      # all its words: ("Egyptian cat",)
    parents: tuple    # ids of what it is a kind of, the most telling first; none for "entity"
    definition: str   # of the 1000 classes only


def names():
    """What the 1000 classes are called, no two alike, in the order of a network's scores."""
    return tuple(synset.name for synset in classes())


def wordnet_ids():
    """The WordNet ids of the 1000 classes, in the order of a network's scores, which is their own."""
    return tuple(synset.id for synset in classes())


@functools.cache
def classes():
    """The 1000 classes as Synsets."""
    return tuple(Synset(id, name, tuple(words.split(", ")), tuple(parents.split()), definition)
                 for id, name, words, parents, definition in _rows("classes.tsv"))


def find(name):
    """The Synset, a class or one above the classes, that has this WordNet id or word.

    A synset whose first word it is goes before those that have it among others: "cat" is the domestic one, not the big one.
    InputError if there is none, or several.
    """
    return look_up(name, _synsets().values())


def look_up(name, synsets):
    """As `find`, among these only."""
    wanted = name.replace("_", " ").casefold()
    for words in (lambda synset: (synset.id, synset.name), lambda synset: synset.names[:1], lambda synset: synset.names):
        found = [synset for synset in synsets if wanted in map(str.casefold, words(synset))]
        if found:
            break
    else:
        known = {word.casefold(): word for synset in synsets for word in synset.names}
        nearest = difflib.get_close_matches(wanted, known, n=1)
        suggestion = f"did you mean {known[nearest[0]]!r}? " if nearest else ""
        raise InputError(f"nothing in ImageNet is called {name!r}: {suggestion}minicnn.models.imagenet.names() lists the classes")
    if len(found) > 1:
        meanings = (f"{synset.id} (a kind of {_synsets()[synset.parents[0]].name})" for synset in found)
        raise InputError(f"{name!r} may mean {' or '.join(meanings)}: give the id")
    return found[0]


def descendants(name):
    """Which of the 1000 classes, by their places among the scores, are kinds of this (or it itself): a WordNet id or a word."""
    root = find(name).id
    return tuple(place for place, synset in enumerate(classes()) if root in _above(synset.id))


def path(name):
    """From the synset up to "entity", by first parents: Egyptian cat, cat, feline, carnivore, ..."""
    way = [find(name)]
    while way[-1].parents:
        way.append(_synsets()[way[-1].parents[0]])
    return tuple(way)


@functools.cache
def _synsets():
    """{id: Synset}, classes and all above them."""
    above = (Synset(id, words.partition(", ")[0], tuple(words.split(", ")), tuple(parents.split()), "")
             for id, words, parents in _rows("tree.tsv"))
    return {synset.id: synset for synset in (*classes(), *above)}


@functools.cache
def _above(id):
    """The ids of all that this is a kind of, and its own."""
    return frozenset({id}).union(*map(_above, _synsets()[id].parents))


def _rows(file):
    """A table's rows, without the first one, which names the columns."""
    return [line.split("\t") for line in (_FOLDER / file).read_text(encoding="utf-8").splitlines()[1:]]
