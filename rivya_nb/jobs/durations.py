"""How long tasks of one kind take: learned from the latest ones, as a curve of how many still run after a time.

Tasks count in the order in which they were submitted. Those that are submitted together end with the slowest:
in the order of their ends, the latest would seem to be slow ones only.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

from rivya_nb.store.records import DURATIONS_ENOUGH, DURATIONS_KEPT, TaskDuration

if TYPE_CHECKING:
    from rivya_nb.api.records import Task

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

RENEWED_AFTER = 1 / 16
"""The part of the durations that must be new before the curve is drawn again."""

_SUBMITTED = attrgetter("submitted_at")


class Curve:
    """The part of the tasks that still run after a time, between 1 and 0.

    Each duration is spread evenly over the time in which its task may have ended, so the curve is made of
    straight lines. Beyond the longest one it falls like 1/t², and never reaches 0: a task may take longer than any
    before it. `start` is the second up to which no task has ended, `end` that from which on none was seen to end,
    and `typical` the median.
    """

    def __init__(self, tasks: Sequence[TaskDuration]) -> None:
        weights = [0.5 ** (age / HALF_LIFE) for age in range(len(tasks) - 1, -1, -1)]
        total = sum(weights)
        # As with n equal ones, of which the next is longer than all with a probability of 1 / (n + 1).
        count = total**2 / sum(weight**2 for weight in weights)
        seen = count / (count + 1)
        slopes: dict[float, float] = {}
        for task, weight in zip(tasks, weights, strict=True):
            least, most = _spread(task)
            slope = seen * weight / total / (most - least)
            slopes[least] = slopes.get(least, 0.0) + slope
            slopes[most] = slopes.get(most, 0.0) - slope
        self._times = sorted(slopes)
        slope_after = accumulate(slopes[time] for time in self._times)
        lengths = [after - time for time, after in zip(self._times, self._times[1:], strict=False)]
        rises = [max(0.0, slope * length) for slope, length in zip(slope_after, lengths, strict=False)]
        self._ended = [min(ended, seen) for ended in accumulate(rises, initial=0.0)]
        self._ended[-1] = seen
        self.start, self.end = self._times[0], self._times[-1]
        self.typical = self._quantile(0.5)

    def survival(self, seconds: float) -> float:
        """The probability that a task still runs so long after its submission."""
        if seconds <= self.start:
            return 1.0
        if seconds >= self.end:
            return float((1 - self._ended[-1]) * (self.end / seconds) ** 2)
        after = bisect_right(self._times, seconds)
        return 1 - _between(seconds, *self._times[after - 1 : after + 1], *self._ended[after - 1 : after + 1])

    def _quantile(self, part: float) -> float:
        after = min(bisect_right(self._ended, part), len(self._ended) - 1)
        return _between(part, *self._ended[after - 1 : after + 1], *self._times[after - 1 : after + 1])


def _spread(task: TaskDuration) -> tuple[float, float]:
    middle = (task.least + task.most) / 2
    half = max((task.most - task.least) / 2, SPREAD * middle + SPREAD_SECONDS)
    return max(0.0, middle - half), middle + half


def _between(x: float, x0: float, x1: float, y0: float, y1: float) -> float:
    """The value at `x` on the line from (x0, y0) to (x1, y1)."""
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0) if x1 > x0 else y1


class Durations:
    """How long the latest tasks of one kind took, in the order of their submission. Immutable.

    Below `DURATIONS_ENOUGH` tasks nothing is known: `curve` and `typical` are None.
    """

    __slots__ = ("_new", "_tasks", "curve")

    def __init__(self, tasks: Iterable[TaskDuration] = ()) -> None:
        self._keep(sorted(tasks, key=_SUBMITTED))
        self.curve = Curve(self._tasks) if len(self._tasks) >= DURATIONS_ENOUGH else None

    def _keep(self, tasks: list[TaskDuration]) -> None:
        self._tasks = tasks[-DURATIONS_KEPT:]
        self._new = 0

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
        all_tasks = list(self._tasks)
        for task in tasks:
            insort(all_tasks, task, key=_SUBMITTED)
        durations = Durations.__new__(Durations)
        durations._keep(all_tasks)
        durations._new = self._new + len(tasks)
        durations.curve = self.curve
        if durations._new >= RENEWED_AFTER * len(all_tasks):
            return Durations(all_tasks)
        return durations


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
