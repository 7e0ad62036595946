"""Who comes first? Moments in the life of a launch, and which are ordered.

Whenever a thread starts or has waited for others, a new moment begins for it: a number larger than all before it. Memory keeps, for
each of its numbers, the moment of the last write and those of the last two reads by different threads. Two accesses are ordered if

    they are of one thread,
    or a barrier of the block lies between them (the older moment lies before the block's last barrier),
    or both threads are of one warp, and `syncwarp` lies between them for both,
    or they are of different blocks, the older block has passed a `threadfence` since, and the younger one has seen it
    by an atomic operation: that is how the last block of a reduction finds the partial results of the others.

Shuffles and votes exchange values but do not order memory (CUDA C++ Programming Guide, "Warp Shuffle Functions"). Moments are even;
the odd number after one stands for an atomic operation in it, and atomic operations do not race with each other.
"""
from .errors import DataRace

NEVER, PENDING = 0, 1 << 62   # not written in this launch; written by a copy that has not arrived
_HINTS = {
    "shared": "and no barrier (cuda.syncthreads) lies between the two",
    "global": "and no barrier lies between the two",
    "blocks": "and the blocks of a launch run in any order",
}


class Now:
    """What is running. One for each launch, seen by all its arrays.

    block, thread   who
    moment          since when it runs without waiting
    floor           what is older lies before the last barrier of the block
    first           what is older is of other blocks
    """

    __slots__ = ("block", "first", "floor", "moment", "owners", "races", "thread")

    def __init__(self, races):
        self.races, self.owners = races, [None]
        self.block = self.thread = None
        self.moment = self.floor = self.first = NEVER

    def begin(self, thread, place=None):
        """A new moment of a thread; its number."""
        self.owners.append((thread, thread.warp.epoch, thread.partial, place))
        return 2 * (len(self.owners) - 1)

    def next(self):
        """The number that the next moment will have."""
        return 2 * len(self.owners)

    def ordered(self, moment):
        """Does that moment come before what the running thread does now?"""
        thread, epoch, partial, _ = self.owners[moment >> 1]
        now = self.thread
        if thread is now:
            return True
        if moment >= self.first:
            return moment < self.floor or (thread.warp is now.warp and
                                           (epoch < now.warp.epoch or partial < now.known.get(thread.lane, 0)))
        return moment < thread.block.fenced and self.block.has_seen_atomics

    def race(self, array, place, doing, moment, done):
        """The error: the running thread does one thing, the other did another."""
        thread, _, _, where = self.owners[moment >> 1]
        other = thread.position.triple
        if thread.block is not self.block:
            who, hint = f"thread {other} of block {thread.block.index.triple}", _HINTS["blocks"]
        else:
            who, hint = f"thread {other}", _HINTS[array.memory.kind]
        if moment & 1:
            done = "changes"
            hint += "; an atomic operation orders nothing but other atomic operations"
        return DataRace(f"{doing} {array.element(place)}, which {who} {done}{_in_line(where)}, {hint}")


def _in_line(where):
    return "" if where is None else f" in line {where[1]}"
