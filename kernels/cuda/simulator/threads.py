"""The threads of a block and their turns. A thread runs until it has to wait; each that waits is a greenlet, which keeps its place.

Nobody interrupts a running thread, so how its steps mix with those of others is not tried out; that two threads are not ordered is
seen from the moments of what they do (races.py), in whatever order they run.
"""
import contextvars
import sys
import threading

import greenlet

from .errors import BarrierError
from .races import WARP
from .sites import caller, line_of

FULL = 0xffffffff


class Dimensions:
    """x, y and z, of an index or a size."""

    __slots__ = ("triple", "x", "y", "z")

    def __init__(self, x=1, y=1, z=1):
        self.x, self.y, self.z = self.triple = x, y, z

    def __iter__(self):
        return iter(self.triple)


class Thread:
    __slots__ = ("block", "copies", "ended", "frame", "groups", "known", "lane", "locals", "moment", "number", "partial", "position",
                 "products", "published", "steps", "warp")

    def __init__(self, number, position, warp):
        self.number, self.position, self.lane, self.warp = number, position, number % WARP, warp
        self.partial, self.known = 0, {}    # how often it has waited for some of its warp since all did; lane -> what it knows of that
        self.copies, self.groups = [], []   # asynchronous ones: begun, and committed in groups
        self.products, self.published = [], True   # of its warpgroup, begun; may that read what the thread's copies have brought?
        self.locals, self.block, self.frame, self.steps, self.ended = [], None, None, None, False

    def begin(self, block):
        """The same thread of another block."""
        self.block, self.ended = block, False
        self.partial = 0
        if self.known or self.copies or self.groups:
            self.known, self.copies, self.groups = {}, [], []
        self.products, self.published = [], True

    @property
    def waits_at(self):
        """(file, line)"""
        return line_of((self.frame.f_code, self.frame.f_lasti))


class Warp:
    __slots__ = ("epoch", "gatherings", "live")

    def begin(self, live):
        """Of another block. `live` has a bit for each lane."""
        self.epoch, self.live, self.gatherings = 0, live, {}


class Gathering:
    """Lanes of a warp that wait for each other."""

    __slots__ = ("arrived", "frame", "kind", "threads", "values")

    def __init__(self, kind, frame):
        self.kind, self.frame, self.arrived, self.threads, self.values = kind, frame, 0, [], {}


class Block:
    """The threads of one block, and what they share.

    launch.enter(thread) is called whenever a thread begins to run.
    """

    def __init__(self, launch, index):
        self.launch, self.now, self.index = launch, launch.now, Dimensions(*index)
        self.shared, self.static_bytes, self.dynamic = {}, 0, None
        self.fenced, self.has_seen_atomics = 0, False
        self.threads = launch.threads
        for first in range(0, len(self.threads), WARP):
            lanes = self.threads[first:first + WARP]
            lanes[0].warp.begin((1 << len(lanes)) - 1)
            for thread in lanes:
                thread.begin(self)
        self.live, self.ready, self.at_barrier, self.votes, self.apart = len(self.threads), [], [], [], False

    @property
    def running(self):
        return self.now.thread

    def run(self, function, arguments):
        now = self.now
        now.begin_all(self)
        now.block, now.first = self, now.floor
        self.function, self.arguments = function, arguments
        idle = _workers.__dict__.setdefault("idle", [])
        self.fresh, self.hub, context = self.launch.shuffled(self.threads), greenlet.getcurrent(), contextvars.copy_context()
        while self.live:
            if self.ready:
                self._go_on()
            elif self.fresh:
                steps = idle.pop() if idle else greenlet.greenlet(_serve)
                steps.parent, steps.gr_context = self.hub, context
                steps.switch(self)
            else:
                self._complain()
        self.threads = self.shared = self.dynamic = self.hub = None   # what refers to the block or to much memory

    def _go_on(self):
        """Another thread's turn."""
        if self.ready:
            thread = self.ready.pop()
            self.launch.enter(thread)
            thread.steps.switch()
        else:
            self.hub.switch()

    def run_fresh(self):
        """One thread after the other, from begin to end; when one waits, another greenlet goes on with the next."""
        fresh, steps, enter, function, arguments = self.fresh, greenlet.getcurrent(), self.launch.enter, self.function, self.arguments
        while fresh:
            thread = fresh.pop()
            thread.steps = steps
            enter(thread)
            function(*arguments)
            if thread.locals:
                self.launch.ended(thread)
            thread.ended, thread.frame = True, None
            self.live -= 1
            warp = thread.warp
            warp.live &= ~(1 << thread.lane)
            if warp.gatherings:
                self._check_gatherings(warp)

    def _check_gatherings(self, warp):
        """A lane has ended: nobody has to wait for it any more."""
        for mask, gathering in list(warp.gatherings.items()):
            if gathering.arrived == mask & warp.live:
                self._release(warp, mask, gathering)

    # waiting for the block

    def barrier(self, frame, vote=None):
        """Until all threads are here; what they voted. `frame` is the kernel's."""
        thread, waiting, votes = self.now.thread, self.at_barrier, self.votes
        thread.frame = frame
        if waiting and (frame.f_lasti != waiting[0].frame.f_lasti or frame.f_code is not waiting[0].frame.f_code):
            self.apart = True
        waiting.append(thread)
        votes.append(vote)
        if len(waiting) == len(self.threads):
            self._pass_barrier(thread)
        else:
            self._go_on()
        return votes

    def _pass_barrier(self, last):
        waiting = self.at_barrier
        if self.apart and len({thread.waits_at for thread in waiting}) > 1:
            self._diverged(waiting)
        self.now.begin_all(self)
        self.now.moment = last.moment
        for thread in waiting:
            thread.warp.epoch = thread.partial = 0
            if thread.known:
                thread.known = {}
        self.at_barrier, self.votes, self.apart = [], [], False
        waiting.pop()   # the last one, which goes on
        self.ready = self.launch.shuffled(waiting)

    def _diverged(self, threads):
        one = threads[0]
        other = next(thread for thread in threads if thread.waits_at != one.waits_at)
        raise BarrierError(f"waits at this barrier, while thread {other.position.triple} of the block waits at another one, in line "
                           f"{other.waits_at[1]}; all threads have to reach the same", one.waits_at).of(one)

    def _complain(self):
        """Nobody can go on."""
        if self.at_barrier:
            one = self.at_barrier[0]
            other = next(thread for thread in self.threads if thread not in self.at_barrier)
            where = "has ended without it" if other.ended else f"waits for lanes of its warp in line {other.waits_at[1]}"
            raise BarrierError(f"waits at this barrier, while thread {other.position.triple} of the block {where}; "
                               "all threads of the block have to reach it", one.waits_at).of(one)
        one = next(thread for thread in self.threads if not thread.ended)
        mask, gathering = next((mask, gathering) for mask, gathering in one.warp.gatherings.items() if one in gathering.threads)
        missing = mask & one.warp.live & ~gathering.arrived
        lane = (missing & -missing).bit_length() - 1
        raise BarrierError(f"waits in {gathering.kind} for lane {lane} of its warp, which is in the mask {mask:#x} but waits elsewhere",
                           one.waits_at).of(one)

    # waiting for the warp

    def exchange(self, value, mask=FULL, kind="an operation of the warp", frame=None):
        """All lanes of the warp that the mask names give a value: {lane: value}. It orders no memory."""
        thread = self.now.thread
        lane, warp = thread.lane, thread.warp
        mask = int(mask) & FULL
        if not mask >> lane & 1:
            raise BarrierError(f"takes part in {kind} with the mask {mask:#x}, which does not name its own lane, {lane}")
        thread.frame = frame = caller(sys._getframe(1)) if frame is None else frame
        gathering = warp.gatherings.get(mask)
        if gathering is None:
            gathering = warp.gatherings[mask] = Gathering(kind, frame)
        elif gathering.kind is not kind or frame.f_lasti != gathering.frame.f_lasti or frame.f_code is not gathering.frame.f_code:
            self._check_same(gathering, kind, thread)
        gathering.values[lane] = value
        gathering.arrived |= 1 << lane
        gathering.threads.append(thread)
        if gathering.arrived == mask & warp.live:
            self._release(warp, mask, gathering, thread)
        else:
            self._go_on()
        return gathering.values

    def _check_same(self, gathering, kind, thread):
        other = gathering.threads[0]
        if gathering.kind != kind or kind != "syncwarp" and other.waits_at != thread.waits_at:
            raise BarrierError(f"takes part in {kind}, while lane {other.lane} of its warp waits in {gathering.kind} in line "
                               f"{other.waits_at[1]}; all lanes that the mask names have to be in the same")

    def _release(self, warp, mask, gathering, last=None):
        del warp.gatherings[mask]
        if gathering.kind == "syncwarp":
            self._order(warp, gathering)
        waiting = gathering.threads
        if last is not None:
            waiting.pop()
        self.ready += self.launch.shuffled(waiting)

    def _order(self, warp, gathering):
        """What these lanes do from now on comes after what they have done."""
        everybody = gathering.arrived == warp.live
        known = {}
        if everybody:
            warp.epoch += 1
        else:
            for thread in gathering.threads:
                thread.partial += 1
                for lane, partial in (*thread.known.items(), (thread.lane, thread.partial)):
                    known[lane] = max(partial, known.get(lane, 0))
        for thread in gathering.threads:
            thread.partial, thread.known = (0 if everybody else thread.partial), dict(known)
            self.now.begin(thread)
        self.now.moment = self.now.thread.moment


_workers = threading.local()   # greenlets that wait for work: to begin one anew costs more than most threads of a kernel


def _serve(block):
    """What such a greenlet does: threads of one block, then of another."""
    while True:
        block.run_fresh()
        hub, block = block.hub, None
        _workers.idle.append(greenlet.getcurrent())
        block = hub.switch()
