"""ImageNet's classes: the 1000 in the order of the scores, and the tree above them."""
import pytest

from minicnn.errors import InputError
from minicnn.models import imagenet


def test_there_are_1000_classes_and_no_two_are_called_alike():
    assert len(set(imagenet.wordnet_ids())) == len({name.casefold() for name in imagenet.names()}) == 1000
    assert list(imagenet.wordnet_ids()) == sorted(imagenet.wordnet_ids())
    assert all(synset.definition and synset.name.partition(" (")[0] == synset.names[0] for synset in imagenet.classes())


@pytest.mark.parametrize("place, id, name", [
    (0, "n01440764", "tench"), (134, "n02012849", "crane (wading bird)"), (151, "n02085620", "Chihuahua"),
    (268, "n02113978", "Mexican hairless"), (281, "n02123045", "tabby"), (285, "n02124075", "Egyptian cat"),
    (517, "n03126707", "crane (lifting device)"), (638, "n03710637", "maillot (tights)"), (639, "n03710721", "maillot (swimsuit)"),
    (967, "n07920052", "espresso"), (999, "n15075141", "toilet tissue")])
def test_places_ids_and_names_go_together(place, id, name):
    assert (imagenet.wordnet_ids()[place], imagenet.names()[place]) == (id, name)


def test_dogs_are_counted_by_the_tree():
    assert imagenet.descendants("dog") == imagenet.descendants("n02084071") == tuple(range(151, 269))
    assert [imagenet.names()[place] for place in imagenet.descendants("wild dog")] == ["dingo", "dhole", "African hunting dog"]
    assert imagenet.find("dalmatian") in [imagenet.classes()[place] for place in imagenet.descendants("dog")]


@pytest.mark.parametrize("name, count", [("entity", 1000), ("animal", 398), ("bird", 59), ("canine", 130), ("snake", 17),
                                         ("domestic animal", 123), ("tabby", 1)])
def test_kinds_of_things(name, count):
    assert len(imagenet.descendants(name)) == count


def test_every_class_leads_to_the_root():
    for id in imagenet.wordnet_ids():
        way = imagenet.path(id)
        assert way[-1].name == "entity" and all(above.id in below.parents for below, above in zip(way, way[1:]))
    assert [synset.name for synset in imagenet.path("tabby")][:5] == ["tabby", "domestic cat", "cat", "feline", "carnivore"]


@pytest.mark.parametrize("name", ["n02124075", "Egyptian cat", "egyptian_cat"])
def test_ways_to_name_a_class(name):
    assert imagenet.find(name) == imagenet.classes()[285]


def test_the_first_word_goes_before_others():
    assert imagenet.find("cat").id == "n02121620" and "cat" in imagenet.find("big cat").names
    assert imagenet.find("man-eating shark").name == "great white shark"


@pytest.mark.parametrize("name, words", [
    ("crane", "'crane' may mean n02012849 (a kind of wading bird) or n03126707 (a kind of lifting device): give the id"),
    ("Egyptain cat", "nothing in ImageNet is called 'Egyptain cat': did you mean 'Egyptian cat'?"),
    ("n00000000", "names() lists the classes")])
def test_names_that_lead_nowhere(name, words):
    with pytest.raises(InputError) as problem:
        imagenet.descendants(name)
    assert words in str(problem.value)
