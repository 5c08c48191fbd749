"""The sums of a run: how many jobs are in which state, what they cost, and when the last one will be done.

Jobs are counted one by one, and can be taken out again: where one of ten thousand has changed, the others are not
looked at.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.media import Medium
from rivya_nb.store.records import UNFINISHED, JobRecord, Spent
from rivya_nb.views.words import made_by, noun, state

_OVERDUE = 2.0
"""Seconds by which a job may exceed all earlier ones before its end counts as unknown."""


@dataclass(frozen=True)
class Tally:
    """A run's sums. Credits count this run's own jobs; a job from the history costs it nothing.

    `price` is what all of it was expected to cost, and `refunded` what came back, in credits. `elapsed` and `left`
    in seconds.
    """

    total: int
    states: Mapping[str, int]
    pictures: int
    reused: int
    price: int
    spent: Spent
    refunded: int
    elapsed: float
    left: float | None
    noun: str = "picture"
    """What one of its results is called."""

    @property
    def done(self) -> int:
        return self.states.get("succeeded", 0)

    @property
    def ended(self) -> int:
        return self.total - sum(self.states.get(state, 0) for state in (*UNFINISHED, "deferred"))


class Count:
    """The sums of the jobs that were added, less those that were removed."""

    def __init__(self) -> None:
        self.total = 0
        self.states: Counter[str] = Counter()
        self.prices: Counter[str] = Counter()
        """The documented prices, in credits, by status."""
        self._media: Counter[Medium] = Counter()
        self._pictures = 0
        self._reused = 0
        self._price = 0
        self._credits = 0
        self._certain = 0
        self._about = 0
        self._perhaps = 0
        self._refunded = 0
        self._last_end = 0.0
        self._took: list[float] = []
        self._unfinished: dict[str, JobRecord] = {}

    def add(self, job: JobRecord, *, reused: bool) -> None:
        """Count a job; one from the history (`reused`) costs nothing."""
        self._change(job, 1, reused)
        if job.status in UNFINISHED:
            self._unfinished[job.id] = job
        elif not reused and (took := _took(job)) is not None:
            insort(self._took, took)
        if job.finished_at is not None:
            self._last_end = max(self._last_end, job.finished_at)

    @property
    def noun(self) -> str:
        """What one of the results is called."""
        return noun((+self._media).keys())

    def remove(self, job: JobRecord, *, reused: bool) -> None:
        """Take out a job that was added as it is here."""
        self._change(job, -1, reused)
        self._unfinished.pop(job.id, None)
        if job.status not in UNFINISHED and not reused and (took := _took(job)) is not None:
            del self._took[bisect_right(self._took, took) - 1]

    def _change(self, job: JobRecord, sign: int, reused: bool) -> None:
        self.total += sign
        self.states[state(job)] += sign
        self.prices[job.status] += sign * (job.price or 0)
        self._media[made_by(job)] += sign
        self._pictures += sign * len(job.pictures)
        if reused:
            self._reused += sign * (job.is_there and job.status != "unknown")
            return
        self._price += sign * job.expected_credits
        self._credits += sign * job.credits
        self._certain += sign * job.certain_credits
        self._about += sign * (job.costs_about and job.status != "unknown")
        self._perhaps += sign * job.perhaps_billed
        self._refunded += sign * job.refunded

    def tally(self, created_at: float, now: float, *, live: bool, idle: Collection[str] = ()) -> Tally:
        """The sums at the moment `now`, of a run that was created at `created_at`, both in epoch seconds.

        The jobs that are `idle`, by their ids, are not worked on.
        """
        # The run also waited for pictures that another run made meanwhile, but not for what had ended before.
        end = now if live else self._last_end or created_at
        going = [job for job in self._unfinished.values() if job.id not in idle] if live else []
        return Tally(
            total=self.total,
            states=+self.states,
            pictures=self._pictures,
            reused=self._reused,
            price=self._price,
            spent=Spent(self._credits, self._certain, self._about > 0, self._perhaps),
            refunded=self._refunded,
            elapsed=max(0.0, end - created_at),
            left=_left(self._took, going, now),
            noun=self.noun,
        )


def _took(job: JobRecord) -> float | None:
    """The seconds from a job's submit to its picture; None if it has none, or they are not known."""
    if job.status != "succeeded" or job.finished_at is None or job.submitted_at is None:
        return None
    return job.finished_at - job.submitted_at


def _left(took: Sequence[float], going: Sequence[JobRecord], now: float) -> float | None:
    """Estimated seconds until the last of the jobs that are `going` is done, its download included; `took` has
    the seconds of those that are done, sorted. None where none is done or going, or one runs longer than all of
    these took.

    A running job is expected to take the median time of those that took longer than it has taken so far, and
    has at least 1 s left. Jobs that are not submitted yet take the median time of all each, one after
    another, on as many lanes as jobs are running now. The estimate is the end of the longest lane.
    """
    if not took or not going:
        return None
    ages = [now - job.submitted_at for job in going if job.submitted_at is not None]
    if max(ages, default=0.0) > took[-1] + _OVERDUE:
        return None
    lanes = [_expected(age, took) for age in ages]
    waiting = len(going) - len(lanes)
    lanes = lanes or [0.0]
    heapq.heapify(lanes)
    each = max(1.0, _middle(took, 0))
    for _ in range(waiting):
        heapq.heapreplace(lanes, lanes[0] + each)
    return max(lanes)


def _expected(age: float, took: Sequence[float]) -> float:
    """The seconds that a job of this age has left."""
    longer = bisect_right(took, age)
    return max(1.0, _middle(took, longer) - age) if longer < len(took) else 1.0


def _middle(values: Sequence[float], start: int) -> float:
    """The median of sorted values from the position `start` on."""
    low, high = (start + len(values) - 1) // 2, (start + len(values)) // 2
    return (values[low] + values[high]) / 2
