"""What is left of a trained network when blocks are taken out or change places.

A. Veit, M. Wilber, S. Belongie, "Residual networks behave like ensembles of relatively shallow networks", NIPS 2016, section 4.

The network itself is never changed: it is run as its stem, then the blocks that a *plan* names, then its head. A plan has an entry for
every place where there is a block: the number of the block to run there, from 0, or None to leave only the shortcut of the block that
belongs there. Of a plain network's block nothing is left then: its input goes on to the next.
"""
import numpy as np

from minicnn import functional as F, no_grad
from minicnn.errors import InputError
from minicnn.models.resnet import PlainBlock


def whole(model):
    """The plan of the network as it is."""
    return list(range(len(model.blocks())))


@no_grad()
def errors(model, batches, plans):
    """The share of images that the network does not recognise under each plan (plans,).

    batches  pairs (images, labels), gone through once

    What blocks see in the whole network is kept for a batch: each plan starts at the first place where it differs.
    """
    model.eval()
    blocks, wrong, count = model.blocks(), np.zeros(len(plans), int), 0
    for images, labels in batches:
        seen = [model.stem(images)]   # the input of each block; then that of the head
        for block in blocks:
            seen.append(block(seen[-1]))
        for number, plan in enumerate(plans):
            predicted = _scores(model, blocks, plan, seen).argmax(1)
            wrong[number] += int((predicted != labels).numpy().sum())
        count += len(labels)
    return wrong / count


def _scores(model, blocks, plan, seen):
    start = next((place for place, number in enumerate(plan) if number != place), len(plan))
    x = seen[start]
    for place in range(start, len(plan)):
        x = F.relu(blocks[place].shortcut(x)) if plan[place] is None else blocks[plan[place]](x)
    return model.head(x)


@no_grad()
def keeping_shape(model, images):
    """The places of the blocks whose output has the shape of their input: any of them can stand where another of its shape does.

    Returned as a list of such groups, each a list of places.
    """
    model.eval()
    groups, x = {}, model.stem(images[:1])
    for place, block in enumerate(model.blocks()):
        y = block(x)
        if y.shape == x.shape:
            groups.setdefault(y.shape, []).append(place)
        x = y
    return list(groups.values())


def removable(model, images):
    """The places of the blocks that can be taken out: of a plain network those that keep the shape, of a residual one all."""
    if isinstance(model.blocks()[0], PlainBlock):
        return [place for group in keeping_shape(model, images) for place in group]
    return whole(model)


def without(model, removed):
    """The plan in which the blocks at these places are taken out."""
    return [None if place in removed else place for place in whole(model)]


def delete_each(model, batches):
    """The error after taking out one block, for each of them (blocks,); nan where that cannot be. Their Figure 3."""
    found = np.full(len(model.blocks()), np.nan)
    places = removable(model, batches[0][0])
    found[places] = errors(model, batches, [without(model, {place}) for place in places])
    return found


def delete_some(model, batches, counts, repeats, generator):
    """Errors (counts, repeats) after taking out so many blocks, drawn by a numpy.random.Generator. Their Figure 5 (a)."""
    places = removable(model, batches[0][0])
    if max(counts) > len(places):
        raise InputError(f"{max(counts)} blocks cannot be taken out of {len(places)}")
    plans = [without(model, set(generator.choice(places, count, replace=False))) for count in counts for _ in range(repeats)]
    return errors(model, batches, plans).reshape(len(counts), repeats)


def swap_some(model, batches, counts, repeats, generator):
    """After so many swaps of two random blocks of one shape: Kendall's tau of the new order and the error, two arrays
    (counts, repeats). Their Figure 5 (b)."""
    pairs = [(first, second) for group in keeping_shape(model, batches[0][0]) for first in group for second in group if first < second]
    if not pairs:
        raise InputError("there are no two blocks of one shape to be swapped")
    plans = []
    for count in np.repeat(counts, repeats):
        plan = whole(model)
        for first, second in generator.choice(pairs, count):
            plan[first], plan[second] = plan[second], plan[first]
        plans.append(plan)
    taus = np.array([kendall_tau(plan) for plan in plans])
    return taus.reshape(len(counts), repeats), errors(model, batches, plans).reshape(len(counts), repeats)


def kendall_tau(order):
    """How far an order of 0, 1, 2, ... is the natural one: pairs in order less pairs that are not, as a share of all; 1 to -1."""
    order = np.asarray(order)
    first, second = np.triu_indices(len(order), 1)
    return float(np.sign(order[second] - order[first]).mean())
