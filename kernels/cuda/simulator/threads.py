"""The threads of a block and their turns. A thread runs until it has to wait; each that waits is a greenlet, which keeps its place.

Nobody interrupts a running thread, so how its steps mix with those of others is not tried out; that two threads are not ordered is
seen from the moments of what they do (races.py), in whatever order they run.
"""
import contextvars
import random
import sys

import greenlet

from .errors import BarrierError
from .sites import caller, line_of

WARP = 32
FULL = 0xffffffff


class Dimensions:
    """x, y and z, of an index or a size."""

    __slots__ = ("triple", "x", "y", "z")

    def __init__(self, x=1, y=1, z=1):
        self.x, self.y, self.z = self.triple = x, y, z

    def __iter__(self):
        return iter(self.triple)


class Thread:
    __slots__ = ("block", "copies", "ended", "groups", "known", "lane", "locals", "moment", "partial", "position", "steps", "waits_at",
                 "warp")

    def __init__(self, block, position, lane, warp):
        self.block, self.position, self.lane, self.warp = block, position, lane, warp
        self.partial, self.known = 0, {}    # how often it has waited for some of its warp since all did; lane -> what it knows of that
        self.copies, self.groups = [], []   # asynchronous ones: begun, and committed in groups
        self.locals, self.waits_at, self.steps, self.ended = [], None, None, False


class Warp:
    __slots__ = ("epoch", "gatherings", "live")

    def __init__(self):
        self.epoch, self.live, self.gatherings = 0, 0, {}   # live: one bit for each lane


class Gathering:
    """Lanes of a warp that wait for each other."""

    __slots__ = ("arrived", "kind", "place", "threads", "values")

    def __init__(self, kind, place):
        self.kind, self.place, self.arrived, self.threads, self.values = kind, place, 0, [], {}


class Block:
    """The threads of one block, and what they share.

    launch.enter(thread) is called whenever a thread begins to run.
    """

    def __init__(self, launch, index):
        self.launch, self.now, self.index = launch, launch.now, Dimensions(*index)
        self.shared, self.static_bytes, self.dynamic = {}, 0, None
        self.fenced, self.has_seen_atomics = 0, False
        warps = [Warp() for _ in range(-(-len(launch.positions) // WARP))]
        self.threads = [Thread(self, position, number % WARP, warps[number // WARP])
                        for number, position in enumerate(launch.positions)]
        for thread in self.threads:
            thread.warp.live |= 1 << thread.lane
        self.live, self.ready, self.at_barrier, self.votes = len(self.threads), [], [], []

    @property
    def running(self):
        return self.now.thread

    def run(self, function, arguments):
        now = self.now
        now.block, now.floor, now.first = self, now.next(), now.next()
        for thread in self.threads:
            thread.moment = now.begin(thread)
        self.function, self.arguments = function, arguments
        self.fresh, self.hub, context = self.ordered(self.threads), greenlet.getcurrent(), contextvars.copy_context()
        while self.live:
            if self.ready:
                thread = self.ready.pop()
                self.launch.enter(thread)
                thread.steps.switch()
            elif self.fresh:
                steps = greenlet.greenlet(self._run_fresh)
                steps.gr_context = context
                steps.switch()
            else:
                self._complain()

    def ordered(self, threads):
        """In the order in which they will be taken from the end of the list."""
        threads = list(threads)
        if isinstance(self.launch.order, random.Random):
            self.launch.order.shuffle(threads)
        elif self.launch.order is None:
            threads.reverse()
        return threads

    def _run_fresh(self):
        """One thread after the other, from begin to end; when one waits, another greenlet goes on with the next."""
        fresh, steps, enter, function, arguments = self.fresh, greenlet.getcurrent(), self.launch.enter, self.function, self.arguments
        while fresh:
            thread = fresh.pop()
            thread.steps = steps
            enter(thread)
            function(*arguments)
            self._end(thread)

    def _end(self, thread):
        self.launch.ended(thread)
        thread.ended = True
        self.live -= 1
        warp = thread.warp
        warp.live &= ~(1 << thread.lane)
        for mask, gathering in list(warp.gatherings.items()):
            if gathering.arrived == mask & warp.live:
                self._release(warp, mask, gathering)

    # waiting for the block

    def barrier(self, vote=None):
        """Until all threads are here; what they voted."""
        thread = self.now.thread
        thread.waits_at = _place()
        self.at_barrier.append(thread)
        votes = self.votes
        votes.append(vote)
        if len(self.at_barrier) == len(self.threads):
            self._pass_barrier()
        else:
            self.hub.switch()
        return votes

    def _pass_barrier(self):
        places = {thread.waits_at for thread in self.at_barrier}
        if len(places) > 1 and len({line_of(place) for place in places}) > 1:
            self._diverged(self.at_barrier)
        now, now_thread = self.now, self.now.thread
        now.floor = now.next()
        for thread in self.threads:
            thread.moment, thread.partial = now.begin(thread), 0
            thread.known.clear()
        waiting, self.at_barrier, self.votes = self.at_barrier, [], []
        now.moment = now_thread.moment
        self.ready = self.ordered(thread for thread in waiting if thread is not now_thread)

    def _diverged(self, threads):
        one = threads[0]
        other = next(thread for thread in threads if line_of(thread.waits_at) != line_of(one.waits_at))
        raise BarrierError(f"waits at this barrier, while thread {other.position.triple} of the block waits at another one, in line "
                           f"{line_of(other.waits_at)[1]}; all threads have to reach the same", line_of(one.waits_at)).of(one)

    def _complain(self):
        """Nobody can go on."""
        if self.at_barrier:
            one = self.at_barrier[0]
            other = next(thread for thread in self.threads if thread not in self.at_barrier)
            if other.ended:
                where = "has ended without it"
            else:
                where = f"waits for lanes of its warp in line {line_of(other.waits_at)[1]}"
            raise BarrierError(f"waits at this barrier, while thread {other.position.triple} of the block {where}; "
                               "all threads of the block have to reach it", line_of(one.waits_at)).of(one)
        one = next(thread for thread in self.threads if not thread.ended)
        mask, gathering = next((mask, gathering) for mask, gathering in one.warp.gatherings.items() if one in gathering.threads)
        missing = mask & one.warp.live & ~gathering.arrived
        lane = (missing & -missing).bit_length() - 1
        raise BarrierError(f"waits in {gathering.kind} for lane {lane} of its warp, which is in the mask {mask:#x} but waits elsewhere",
                           line_of(one.waits_at)).of(one)

    # waiting for the warp

    def exchange(self, value, mask=FULL, kind="an operation of the warp"):
        """All lanes of the warp that the mask names give a value: {lane: value}. It orders no memory."""
        return self._gather(value, mask, kind).values

    def sync_warp(self, mask=FULL):
        """Until the lanes are here; what they did before comes before what they do after."""
        self._gather(None, mask, "syncwarp")

    def _gather(self, value, mask, kind):
        thread = self.now.thread
        warp, bit = thread.warp, 1 << thread.lane
        mask = int(mask) & FULL
        if not mask & bit:
            raise BarrierError(f"takes part in {kind} with the mask {mask:#x}, which does not name its own lane, {thread.lane}")
        thread.waits_at = place = _place()
        gathering = warp.gatherings.get(mask)
        if gathering is None:
            gathering = warp.gatherings[mask] = Gathering(kind, place)
        elif gathering.place != place and kind != "syncwarp" and line_of(gathering.place) != line_of(place) or gathering.kind != kind:
            raise BarrierError(f"takes part in {kind}, while other lanes of its warp wait in {gathering.kind} in line "
                               f"{line_of(gathering.place)[1]}; all lanes that the mask names have to be in the same")
        gathering.values[thread.lane] = value
        gathering.arrived |= bit
        gathering.threads.append(thread)
        if gathering.arrived == mask & warp.live:
            self._release(warp, mask, gathering, thread)
        else:
            self.hub.switch()
        return gathering

    def _release(self, warp, mask, gathering, last=None):
        del warp.gatherings[mask]
        if gathering.kind == "syncwarp":
            self._order(warp, gathering)
        self.ready += self.ordered(thread for thread in gathering.threads if thread is not last)

    def _order(self, warp, gathering):
        """What these lanes do from now on comes after what they have done."""
        everybody = gathering.arrived == warp.live
        if everybody:
            warp.epoch += 1
        else:
            known = {}
            for thread in gathering.threads:
                for lane, partial in thread.known.items():
                    known[lane] = max(partial, known.get(lane, 0))
            for thread in gathering.threads:
                thread.partial += 1
                known[thread.lane] = thread.partial
        for thread in gathering.threads:
            thread.known = {} if everybody else dict(known)
            if everybody:
                thread.partial = 0
            thread.moment = self.now.begin(thread)
        self.now.moment = self.now.thread.moment


def _place():
    """Where in the kernel, or in a function that it calls, is the running thread? (code, offset)"""
    frame = caller(sys._getframe(2))
    return frame.f_code, frame.f_lasti
