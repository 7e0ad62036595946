"""What is known of an array's memory, and what may be kept as long as it stays as it is."""
from minicnn.device import recording


class Memory:
    """What is known of an array's memory, which several tensors may share."""

    __slots__ = ("kept", "lent", "version")

    def __init__(self):
        self.version = 0    # how often it was changed in place (by optimisers, say)
        self.lent = False   # has the array been handed out, so that it may be changed at any time?
        self.kept = None    # see `kept_for`

    def change(self):
        self.version += 1
        self.kept = None

    def __reduce__(self):
        return Memory, ()   # a copy is of another array


def kept_for(learned, *others):
    """A dictionary for what has been worked out from a Parameter and some other tensors, and holds until one of them changes.

    None if that cannot be told, because somebody has been given one of the arrays and may write into it at any time; and in a
    recorded step, whose replays work it out from what is there then.
    """
    tensors = learned, *others
    if not learned.learned or any(tensor.memory.lent for tensor in tensors) or recording(learned._array) is not None:
        return None
    state = [(tensor.memory, tensor.version) for tensor in tensors]
    if learned.memory.kept is None or learned.memory.kept[0] != state:
        learned.memory.kept = state, {}
    return learned.memory.kept[1]
