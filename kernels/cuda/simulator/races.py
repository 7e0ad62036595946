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
import bisect
import typing

from .errors import DataRace

WARP = 32
NEVER, PENDING = 0, 1 << 62   # not written in this launch; written by a copy that has not arrived
_HINTS = {
    "shared": "and no barrier (cuda.syncthreads) lies between the two",
    "global": "and no barrier lies between the two",
    "blocks": "and the blocks of a launch run in any order",
}


class Owner(typing.NamedTuple):
    """Whose a moment is: the block and the number of the thread in it; how often all of its warp had waited for each other since the last
    barrier, and the thread for a part of them since; where in the source (None: not written down)."""

    block: object
    number: int
    epoch: int
    partial: int
    place: tuple


class Now:
    """What is running. One for each launch, seen by all its arrays.

    block, thread   who
    moment          since when it runs without waiting
    floor           what is older lies before the last barrier of the block
    first           what is older is of other blocks
    recording       begin a new moment with every access, to know its line, and go on after a read of what nobody has written, to see
                    whether it was a race
    """

    __slots__ = ("_blocks", "_next", "_single", "_starts", "block", "first", "floor", "moment", "races", "recording", "thread")

    def __init__(self, races, recording):
        self.races, self.recording, self.block, self.thread = races, recording, None, None
        self.moment = self.floor = self.first = NEVER
        self._next = 2
        self._starts, self._blocks = [], []   # where moments begin that all threads of a block began at once, and of which block
        self._single = {}                     # the others: moment -> what Owner says

    def begin_all(self, block):
        """A new moment for each thread of a block, in the order of its list."""
        self.floor = self._next
        self._starts.append(self.floor)
        self._blocks.append(block)
        self._next += 2 * len(block.threads)
        for moment, thread in zip(range(self.floor, self._next, 2), block.threads):
            thread.moment = moment

    def begin(self, thread, place=None):
        """A new moment of one thread; `place`: the (file, line) where, for a message."""
        thread.moment = self._next
        self._next += 2
        self._single[thread.moment] = Owner(thread.block, thread.number, thread.warp.epoch, thread.partial, place)

    def owner(self, moment):
        moment &= ~1
        if moment in self._single:
            return self._single[moment]
        at = bisect.bisect_right(self._starts, moment) - 1
        return Owner(self._blocks[at], (moment - self._starts[at]) // 2, 0, 0, None)

    def ordered(self, moment):
        """Does that moment come before what the running thread does now?"""
        if self.first <= moment < self.floor:
            return True
        block, number, epoch, partial, _ = self.owner(moment)
        now = self.thread
        if block is now.block:
            lane = number % WARP
            return number == now.number or (number // WARP == now.number // WARP and
                                            (epoch < now.warp.epoch or partial < now.known.get(lane, 0)))
        return moment < block.fenced and self.block.has_seen_atomics

    def race(self, array, place, doing, moment, done):
        """The error: the running thread does one thing, the other did another."""
        block, number, _, _, where = self.owner(moment)
        other = block.launch.positions[number].triple
        if block is not self.block:
            who, hint = f"thread {other} of block {block.index.triple}", _HINTS["blocks"]
        else:
            who, hint = f"thread {other}", _HINTS[array.memory.kind]
        if moment & 1:
            done = "changes"
            hint += "; an atomic operation orders nothing but other atomic operations"
        return DataRace(f"{doing} {array.element(place)}, which {who} {done}{_in_line(where)}, {hint}")


def _in_line(where):
    return "" if where is None else f" in line {where[1]}"
