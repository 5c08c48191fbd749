"""The tasks that the service works on now, as far as this process knows, and the chance that it takes another.

A service that allows so many tasks at a time frees a place when a task ends, but that is seen only at the next
poll. How long tasks take is known from earlier ones, so a place can be taken when it is probably free.
`docs/pace.md` has the formula.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivya_nb.jobs.durations import Curve


PAST = 1024
"""Ended tasks that are remembered."""


@dataclass(slots=True)
class _Task:
    """One task: when it was submitted, and when it was last known to run, in monotonic seconds.

    `has_ended` is True if it must have ended, although no poll has seen that.
    """

    submitted: float
    running: float
    curve: Curve | None
    has_ended: bool = False

    def chance_of_end(self, now: float) -> float:
        """The probability that it has ended since it was last known to run."""
        if self.curve is None or now <= self.running:
            return 0.0
        before = self.curve.survival(self.running - self.submitted)
        return 1.0 - self.curve.survival(now - self.submitted) / before if before > 0 else 1.0


class InFlight:
    """The tasks between their submit and the poll that sees their end, by job id."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._past: deque[tuple[float, float]] = deque(maxlen=PAST)
        self._refused: list[float] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def expected(self, now: float) -> int:
        """How many tasks run now, as far as that can be told; those left out that must have ended."""
        running = [1.0 - task.chance_of_end(now) for task in self._tasks.values() if not task.has_ended]
        return round(sum(running))

    @property
    def is_known(self) -> bool:
        """Whether it is known of all tasks how long their like takes."""
        return all(task.curve is not None for task in self._tasks.values())

    def join(self, job_id: str, submitted: float, now: float, curve: Curve | None) -> None:
        """Count a task that runs `now` and was submitted at `submitted`, in monotonic seconds."""
        self._tasks[job_id] = _Task(submitted, now, curve)

    def seen_running(self, job_id: str, submitted: float, now: float, curve: Curve | None) -> None:
        """Note a poll that found a task running; an earlier process may have submitted it."""
        if (task := self._tasks.get(job_id)) is None:
            self.join(job_id, submitted, now, curve)
        else:
            task.running, task.curve, task.has_ended = now, curve, False

    def leave(self, job_id: str, took: float | None = None) -> None:
        """Count a task no longer; it ended `took` seconds after its submission, if that is known."""
        task = self._tasks.pop(job_id, None)
        if task is not None and took is not None:
            self._past.append((task.submitted, task.submitted + took))

    def taken_at_once(self) -> int:
        """How many tasks ran when the last task that has ended was submitted, as far as they have ended, too: so
        many places there were at least."""
        return self._running_at(self._past[-1][0]) if self._past else 0

    def found_places(self) -> int | None:
        """How many tasks ran at the last refusal of which that is known by now: so many places there are. None if
        there is no news."""
        known = [at for at in self._refused if all(task.submitted > at for task in self._tasks.values())]
        self._refused = [at for at in self._refused if at not in known]
        is_told = known and self._past and self._past[0][0] <= known[-1]
        return self._running_at(known[-1]) if is_told else None

    def _running_at(self, moment: float) -> int:
        return sum(begin <= moment < end for begin, end in self._past)

    def chance_of_place(self, now: float, places: float) -> float:
        """The probability that fewer than `places` tasks run now.

        Where several must have ended for that, the number of ended tasks counts as Poisson-distributed.
        """
        running = [task for task in self._tasks.values() if not task.has_ended]
        needed = len(running) - int(places) + 1
        if needed <= 0:
            return 1.0
        expected = sum(min(-math.log1p(-min(task.chance_of_end(now), 1 - 1e-9)), 20.0) for task in running)
        below, term = 0.0, math.exp(-expected)
        for ended in range(needed):
            below += term
            term *= expected / (ended + 1)
        return max(0.0, 1.0 - below)

    def submit_was_taken(self, now: float, places: float) -> None:
        """Before this submit, fewer than `places` tasks ran: the likeliest of the others have ended."""
        self._mark_ended(now, keeping=int(places) - 1)

    def submit_was_refused(self, now: float, places: float) -> None:
        """`places` tasks run now: all but the likeliest of those that may have ended."""
        self._refused.append(now)
        self._mark_ended(now, keeping=int(places))
        for task in self._tasks.values():
            if not task.has_ended:
                task.running = now

    def _mark_ended(self, now: float, *, keeping: int) -> None:
        running = [task for task in self._tasks.values() if not task.has_ended]
        running.sort(key=lambda task: (-task.chance_of_end(now), task.submitted))
        for task in running[: max(0, len(running) - max(0, keeping))]:
            task.has_ended = True
