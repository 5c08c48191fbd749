"""A service without a network: tasks whose durations follow a law, and polls at the times that the pace gives."""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from rivya_nb.api.records import Task
from rivya_nb.jobs.durations import Durations, duration_of
from rivya_nb.jobs.pacing import DEADLINE, next_poll

Law = Callable[[random.Random, float], float]
"""Seconds that a task takes which is submitted at a moment; in seconds since the first one."""


def lognormal(low: float, high: float) -> Law:
    """Of 100 tasks, 5 are faster than `low` seconds, and 5 slower than `high`."""
    middle, width = math.log(low * high) / 2, math.log(high / low) / 2
    return lambda chance, _: chance.lognormvariate(middle, width / 1.6449)


def around(seconds: Law) -> Law:
    """About so many seconds, most of them within a fifth."""
    return lambda chance, moment: seconds(chance, moment) * chance.lognormvariate(0, 0.1)


LAWS: dict[str, Law] = {
    "8 to 20 s": lognormal(8, 20),
    "2 to 4 s": lognormal(2, 4),
    "60 to 90 s": lognormal(60, 90),
    "half 3 s, half 30 s": around(lambda chance, _: chance.choice((3, 30))),
    "6 s, each minute 3 s more": around(lambda _, moment: 6 + moment / 20),
    "46 s, each minute 3 s less": around(lambda _, moment: max(6.0, 46 - moment / 20)),
    "heavy tail": lambda chance, _: 4 * chance.paretovariate(1.2),
}
"""The laws of the table in docs/pace.md."""


@dataclass(order=True)
class _Running:
    at: float
    number: int
    submitted: float = field(compare=False)
    takes: float = field(compare=False)
    polls: list[float] = field(compare=False, default_factory=list)


@dataclass(frozen=True)
class Seen:
    """What came of some tasks: seconds from their ends to the polls that saw them, and the numbers of polls."""

    delays: list[float]
    polls: list[int]

    def later(self, first: int) -> Seen:
        return Seen(self.delays[first:], self.polls[first:])

    @property
    def delay(self) -> float:
        return statistics.fmean(self.delays)

    @property
    def mean_polls(self) -> float:
        return statistics.fmean(self.polls)

    @property
    def median_polls(self) -> float:
        return statistics.median(self.polls)


def simulate(
    law: Law,
    jobs: int,
    *,
    at_once: int,
    bursts: bool = False,
    learns: bool = True,
    tells: bool = True,
    known: Durations | None = None,
    seed: int = 12,
) -> Seen:
    """What comes of the jobs, in their order.

    Another job follows each that is seen to end; with `bursts`, the next ones follow when all have ended. A
    service that `tells` gives its own times. `known` is what is known before.
    """
    chance = random.Random(seed)
    durations = known or Durations()
    running: list[_Running] = []
    delays, polls = [0.0] * jobs, [0] * jobs
    now, begun = 0.0, 0

    def pace() -> Durations | None:
        return durations if learns else None

    while True:
        room = at_once - len(running)
        for number in range(begun, min(jobs, begun + room if not (bursts and running) else begun)):
            # No service takes all in one instant.
            submitted = now + chance.random()
            task = _Running(submitted + next_poll(pace(), ()), number, submitted, law(chance, submitted))
            heapq.heappush(running, task)
            begun += 1
        if not running:
            return Seen(delays, polls)
        task = heapq.heappop(running)
        now = task.at
        age = task.at - task.submitted
        if age < min(task.takes, DEADLINE):
            task.polls.append(age)
            task.at = task.submitted + next_poll(pace(), task.polls)
            heapq.heappush(running, task)
            continue
        delays[task.number], polls[task.number] = age - task.takes, len(task.polls) + 1
        told = _told(task.takes) if tells else Task("task", "succeeded")
        duration = duration_of(told, submitted_at=task.submitted, polls=task.polls, seen=age)
        if duration is not None:
            durations = durations.later(duration)


def _told(seconds: float) -> Task:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    end = f"2026-05-11T{hours:02}:{minutes:02}:{rest:06.3f}Z"
    return Task("task", "succeeded", created_at="2026-05-11T00:00:00.000Z", updated_at=end)


JOBS, AT_ONCE, LEARNED = 1280, 256, 256
"""Jobs of each simulation, how many of them run at once, and the first ones, which do not count."""


def compared(law: Law, *, bursts: bool, at_once: int = AT_ONCE, tells: bool = True) -> tuple[Seen, Seen]:
    """With the documented pace, and with the learned one, after as many jobs as one batch has."""
    before, after = (
        simulate(law, JOBS, at_once=at_once, bursts=bursts, learns=learns, tells=tells)
        for learns in (False, True)
    )
    return before.later(LEARNED), after.later(LEARNED)


CASES = [(name, at_once, at_once == AT_ONCE) for name in LAWS for at_once in (20, AT_ONCE)]
"""Of each line of the table: the law, how many jobs run at once, and whether they come in batches."""


def line(name: str, at_once: int, before: Seen, after: Seen) -> str:
    """A line of the table in docs/pace.md."""
    return (
        f"| {name} | {at_once} | {before.delay:.1f} s | {after.delay:.1f} s | {before.mean_polls:.1f} | "
        f"{after.mean_polls:.1f} | {after.median_polls:g} |"
    )
