"""Timing that can be trusted on a machine that does other things too.

Those to be compared take turns, A B, B A, A B, ..., so that what makes the machine faster or slower for a while meets them all.
A turn begins with an idle gap, in which threads of the others that spin for new work fall asleep (PyTorch's spin for some
milliseconds), and with calls that do not count: they wake one's own, and it takes the system some milliseconds to give each of them a
core. Rounds in which other processes took a share of the machine are dropped and repeated. Of what is left the median counts, and
ratios are taken round by round before their median is.
"""
import os
import statistics
import time
from typing import NamedTuple

_QUIET = 0.04    # share of the machine that others may take in a round that counts
_TRIES = 3       # times as many rounds as are wanted, at most
_FEWEST = 3      # rounds are enough, if they take long or if the others were disturbed


class Effort(NamedTuple):
    """How much time goes into one comparison."""

    rounds: int        # that count
    least: float       # seconds that a turn takes at least: short calls are repeated
    patience: float    # seconds after which a contender has had enough, if it was in a few rounds


QUICK = Effort(rounds=5, least=0.05, patience=0.6)
FULL = Effort(rounds=9, least=0.06, patience=3)


class Measurement(NamedTuple):
    """What is known of one contender. Times are seconds for one call."""

    median: float
    minimum: float
    quartiles: tuple    # (lower, upper)
    ratio: float        # its time, divided by that of the first contender in the same round: the median of that
    rounds: int
    disturbed: int      # rounds that count although others were busy, because there were not enough quiet ones


class Round(NamedTuple):
    disturbance: float   # share of the machine that other processes took
    seconds: dict        # for one call, by contender


def repeat(function):
    """A contender for `interleave`: repeat(function)(n) calls it n times and returns how many seconds that took."""
    def time_calls(repetitions):
        started = time.perf_counter()
        for _ in range(repetitions):
            function()
        return time.perf_counter() - started
    return time_calls


def interleave(contenders, effort, own_seconds=time.process_time, gap=0.03):
    """Time contenders against each other: {name: Measurement}.

    contenders    {name: function}, where function(repetitions) runs that often and returns how many seconds it took
    own_seconds   function: how much processor time the contenders, and whoever calls them, have used up to now
    gap           seconds of idleness before each turn
    """
    repetitions = {name: _repetitions(run, effort.least) for name, run in contenders.items()}
    rounds = []
    while turns := [name for name in contenders if _wants_more(rounds, name, repetitions[name], effort)]:
        rounds.append(_take_round(turns[::-1] if len(rounds) % 2 else turns, contenders, repetitions, own_seconds, gap))
    return summarize(rounds, list(contenders), effort.rounds)


def _repetitions(run, least):
    """How many calls make a turn of at least so many seconds."""
    fastest = run(1)
    for _ in range(2):
        if fastest < least:
            fastest = min(fastest, run(1))
    return max(1, round(least / max(fastest, 1e-7)))


def _wants_more(rounds, name, repetitions, effort):
    """Does a contender take part in another round?"""
    own = [taken for taken in rounds if name in taken.seconds]
    if len(own) >= _FEWEST and sum(taken.seconds[name] for taken in own) * repetitions > effort.patience:
        return False
    return len(own) < _TRIES * effort.rounds and sum(taken.disturbance <= _QUIET for taken in own) < effort.rounds


def _take_round(turns, contenders, repetitions, own_seconds, gap):
    seconds, others = {}, Others(own_seconds)
    for name in turns:
        time.sleep(gap)
        contenders[name](max(1, repetitions[name] // 2))
        seconds[name] = contenders[name](repetitions[name]) / repetitions[name]
    return Round(others.share(), seconds)


class Others:
    """What other processes took of the machine since this was made."""

    def __init__(self, own_seconds):
        self.own_seconds = own_seconds
        self.busy, self.own, self.started = busy_seconds(), own_seconds(), time.perf_counter()

    def share(self):
        """A share of all its cores. The machine counts in hundredths of a second, so one hundredth means nothing."""
        elapsed = time.perf_counter() - self.started
        taken = busy_seconds() - self.busy - (self.own_seconds() - self.own)
        return max(0.0, taken - 0.01) / (elapsed * os.cpu_count())


def busy_seconds():
    """How long the machine's cores, added up, have worked since it was started, for whomever; 0 where that is not told.

    The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, and steal, what a virtual machine's host took.
    """
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def summarize(rounds, names, most):
    """Measurements of contenders, of which the first is what ratios refer to, from Rounds, of which `most` count."""
    measurements = {}
    for name in names:
        kept = _quietest(rounds, {name}, most)
        pairs = _quietest(rounds, {names[0], name}, most)
        seconds = [taken.seconds[name] for taken in kept]
        measurements[name] = Measurement(
            median=statistics.median(seconds), minimum=min(seconds), quartiles=_quartiles(seconds),
            ratio=statistics.median(taken.seconds[name] / taken.seconds[names[0]] for taken in pairs),
            rounds=len(kept), disturbed=sum(taken.disturbance > _QUIET for taken in kept))
    return measurements


def _quietest(rounds, names, most):
    """Of the rounds in which all these took part the quiet ones; if those are too few, the least disturbed ones."""
    together = sorted((taken for taken in rounds if names <= taken.seconds.keys()), key=lambda taken: taken.disturbance)
    quiet = [taken for taken in together if taken.disturbance <= _QUIET]
    return (quiet if len(quiet) >= _FEWEST else together)[:most]


def _quartiles(values):
    if len(values) == 1:
        return values[0], values[0]
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, upper
