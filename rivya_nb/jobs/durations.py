"""How long tasks of one kind take: learned from the latest ones, as a curve of how many still run after a time.

Tasks count in the order in which they were submitted. Those that are submitted together end with the slowest:
in the order of their ends, the latest would seem to be slow ones only.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

from rivya_nb.store.pace import DURATIONS_ENOUGH, DURATIONS_KEPT, TaskDuration

if TYPE_CHECKING:
    from rivya_nb.api.records import Task

SLOWEST = 0.03
"""The part of the tasks that are slower than what is called slow."""

HALF_LIFE = 24
"""The number of newer tasks that halves the weight of one."""

SPREAD = 0.04
"""The part of its duration by which a task may just as well be shorter or longer."""

SPREAD_SECONDS = 0.05
"""Seconds that are added to that: of clocks, and of the way to the service and back."""

CLOCK_TOLERANCE = 1.0
"""Seconds by which the service's duration may contradict what was seen: its times may be whole seconds, and a
task begins there before the answer is here."""

LONGEST_GUESS = 3600.0
"""A task that was not looked at for so many seconds tells nothing, unless the service tells its times."""

RENEWED_AFTER = 1 / 10
"""The part of the durations that must be new before the curve is drawn again."""


class Curve:
    """The part of the tasks that still run after a time, between 1 and 0.

    Each duration is spread evenly over the time in which its task may have ended, so the curve is made of
    straight lines. A small part, as of one task more than was seen, is kept back: it ends at any time after the
    median, like 1/t². So the curve never reaches 0, and a time without any known end is not held to be without
    ends. `start` is the second up to which no task has ended, `typical` the median, and `slow` what only the
    slowest tasks exceed.
    """

    def __init__(self, tasks: Sequence[TaskDuration]) -> None:
        weights = [0.5 ** (age / HALF_LIFE) for age in range(len(tasks) - 1, -1, -1)]
        total = sum(weights)
        # As with n equal ones, of which the next is longer than all with a probability of 1 / (n + 1).
        count = total**2 / sum(weight**2 for weight in weights)
        seen = self._seen = float(count / (count + 1))
        slopes: dict[float, float] = {}
        for task, weight in zip(tasks, weights, strict=True):
            least, most = _spread(task)
            slope = seen * weight / total / (most - least)
            slopes[least] = slopes.get(least, 0.0) + slope
            slopes[most] = slopes.get(most, 0.0) - slope
        self._times: list[float] = sorted(slopes)
        slope_after = accumulate(slopes[time] for time in self._times)
        lengths = [after - time for time, after in zip(self._times, self._times[1:], strict=False)]
        rises = [max(0.0, slope * length) for slope, length in zip(slope_after, lengths, strict=False)]
        self._ended = [min(ended, seen) for ended in accumulate(rises, initial=0.0)]
        self._ended[-1] = seen
        self.start = self._times[0]
        self.typical = _on_line(seen / 2, self._ended, self._times)
        self.slow = _on_line(seen * (1 - SLOWEST), self._ended, self._times)

    def survival(self, seconds: float) -> float:
        """The probability that a task still runs so long after its submission."""
        if seconds <= self.start:
            return 1.0
        unseen = (1 - self._seen) * min(1.0, self.typical / seconds) ** 2
        if seconds >= self._times[-1]:
            return unseen
        return self._seen - _on_line(seconds, self._times, self._ended) + unseen


def _spread(task: TaskDuration) -> tuple[float, float]:
    middle = (task.least + task.most) / 2
    half = max((task.most - task.least) / 2, SPREAD * middle + SPREAD_SECONDS)
    return max(0.0, middle - half), middle + half


def _on_line(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """The value at `x` on the lines through the points; `x` is between the first and the last of `xs`."""
    after = min(bisect_right(xs, x), len(xs) - 1)
    x0, x1, y0, y1 = xs[after - 1], xs[after], ys[after - 1], ys[after]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0) if x1 > x0 else y1


class Durations:
    """How long the latest tasks of one kind took, in the order of their submission. Immutable.

    Below `DURATIONS_ENOUGH` tasks nothing is known: `curve` and `typical` are None.
    """

    __slots__ = ("_new", "_tasks", "curve")

    def __init__(self, tasks: Iterable[TaskDuration] = ()) -> None:
        self._tasks = _latest(tasks)
        self._new = 0
        self.curve = Curve(self._tasks) if len(self._tasks) >= DURATIONS_ENOUGH else None

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def typical(self) -> float | None:
        """Seconds after which half of the tasks have ended; None if too few are known."""
        return None if self.curve is None else self.curve.typical

    def survival(self, seconds: float) -> float:
        """The probability, never 0, that a task still runs so long after its submission.

        Raises:
            ValueError: too few durations are known.
        """
        if self.curve is None:
            raise ValueError(f"{len(self)} durations are too few; {DURATIONS_ENOUGH} are needed")
        return self.curve.survival(seconds)

    def later(self, *tasks: TaskDuration) -> Durations:
        """These durations and newer ones. The curve stays the same object until enough of them are new, so that
        what was computed from it can be used again."""
        new = self._new + len(tasks)
        latest = _latest([*self._tasks, *tasks])
        if new >= RENEWED_AFTER * len(latest):
            return Durations(latest)
        durations = copy(self)
        durations._tasks, durations._new = latest, new
        return durations


def _latest(tasks: Iterable[TaskDuration]) -> list[TaskDuration]:
    return sorted(tasks, key=attrgetter("submitted_at"))[-DURATIONS_KEPT:]


def duration_of(
    task: Task, *, submitted_at: float, polls: Sequence[float], seen: float
) -> TaskDuration | None:
    """How long an ended task took; None if that is not known.

    `submitted_at` is in epoch seconds. `polls` are the earlier polls, which found it running, and `seen` is the
    one that found it ended, all in seconds after the submission. The service's own duration is used where it
    does not contradict them: its clock may be wrong, but is wrong by the same for both times. Otherwise the task
    may have ended at any time between the last two polls, or before the only one.
    """
    least = max(polls, default=0.0)
    most = max(least, seen)
    told = task.seconds
    if told is not None and least - CLOCK_TOLERANCE <= told <= most + CLOCK_TOLERANCE:
        least = most = min(max(told, least), most)
    elif most - least > LONGEST_GUESS:
        return None
    if not all(map(math.isfinite, (submitted_at, least, most))) or least < 0:
        return None
    return TaskDuration(submitted_at, least, most)
