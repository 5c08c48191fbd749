"""A run as its views see it: the records, the moment, and the sums and words that every form shares."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rivya_nb.contract.text import count
from rivya_nb.store.records import SENT, STATUSES, UNFINISHED, UNSENT, JobRecord, Marks, RunRecord, Spent
from rivya_nb.views.layout import Layout
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import about, credit_count, joined, seconds, state

_OVERDUE = 2.0
"""Seconds by which a job may take longer than any before it until its end counts as unknown."""


class Hint(NamedTuple):
    """What one would do next: `code` to type, and what it does (may be empty)."""

    code: str
    text: str


@dataclass(frozen=True)
class RunView:
    """Everything one picture of a run is drawn from.

    `thumbnails` by cell key: absent while there is none yet, None where one is left out. `now` in epoch
    seconds. `notice` is what the user should know at this moment (`rate limited, next try in 8 s`). `live`
    while somebody is working on the run, and `idle` has the ids of those of its jobs that nobody carries on all
    the same: held back, or left. `progress` replaces the line that says how far it is. `lost` has, by cell key,
    the files that somebody took out of the store, `marks`, by job id, what was said of pictures.
    """

    run: RunRecord
    jobs: Mapping[str, JobRecord]
    layout: Layout
    now: float
    live: bool
    idle: Collection[str] = frozenset()
    thumbnails: Mapping[str, Thumbnail | None] = field(default_factory=dict)
    notice: str = ""
    hints: tuple[Hint, ...] = ()
    progress: str = ""
    lost: Mapping[str, Path] = field(default_factory=dict)
    marks: Mapping[str, Marks] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """How references differ from the pictures that were given, a line for each."""
        jobs = (self.jobs[cell.job_id] for cell in self.run.cells)
        return list(dict.fromkeys(ref.note for job in jobs for ref in job.references if ref.note))


@dataclass(frozen=True)
class Tally:
    """A run's sums. Credits count this run's own jobs; a job taken from the history costs it nothing.

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

    @property
    def done(self) -> int:
        return self.states.get("succeeded", 0)

    @property
    def ended(self) -> int:
        """Jobs that nothing happens to any more."""
        return self.total - sum(self.states.get(state, 0) for state in UNFINISHED)


def tally(view: RunView) -> Tally:
    """Count a run's jobs, each once, however many cells it fills."""
    run, jobs = view.run, view.jobs
    reused_ids = {cell.job_id for cell in run.cells if cell.reused}
    mine = {cell.job_id: jobs[cell.job_id] for cell in run.cells}
    own = [job for job_id, job in mine.items() if job_id not in reused_ids]
    ended = [job for job in own if job.status not in UNFINISHED]
    going = [job for job in mine.values() if job.status in UNFINISHED and job.id not in view.idle]
    return Tally(
        total=len(mine),
        states=Counter(state(job) for job in mine.values()),
        pictures=sum(len(job.pictures) for job in mine.values()),
        reused=sum(mine[job_id].is_there and mine[job_id].status != "unknown" for job_id in reused_ids),
        price=sum(job.expected_credits for job in own),
        spent=Spent.by(own),
        refunded=sum(job.refunded for job in own),
        elapsed=_elapsed(run, mine.values(), view.now, view.live),
        left=time_left([*ended, *going], view.now) if view.live else None,
    )


def _elapsed(run: RunRecord, jobs: Iterable[JobRecord], now: float, live: bool) -> float:
    # Pictures that another run made meanwhile were waited for too; what had ended before the run took none of it.
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    end = now if live else max(ends, default=run.created_at)
    return max(0.0, end - run.created_at)


def time_left(jobs: Iterable[JobRecord], now: float) -> float | None:
    """Estimated seconds until the last job is done, its download included. None before the first one was, where
    none goes on, and where one goes on for longer than all that are done took: nobody knows then.

    A job that is under way is expected to take the median time of those that took longer than it has taken by
    now, and has at least 1 s left. Those not submitted yet take the median time of all each, one after the other,
    on as many lanes as jobs are under way now. The estimate is the end of the longest lane.
    """
    everything = list(jobs)
    took = [
        job.finished_at - job.submitted_at
        for job in everything
        if job.status == "succeeded" and job.finished_at is not None and job.submitted_at is not None
    ]
    going = [job for job in everything if job.status in UNFINISHED]
    if not took or not going:
        return None
    ages = [now - job.submitted_at for job in going if job.submitted_at is not None]
    if max(ages, default=0.0) > max(took) + _OVERDUE:
        return None
    lanes = [_expected(age, took) for age in ages]
    waiting = len(going) - len(lanes)
    lanes = lanes or [0.0]
    heapq.heapify(lanes)
    for _ in range(waiting):
        heapq.heappush(lanes, heapq.heappop(lanes) + max(1.0, median(took)))
    return max(lanes)


def _expected(age: float, took: Iterable[float]) -> float:
    """Seconds that a job of this age has left."""
    longer = [each for each in took if each > age]
    return max(1.0, median(longer) - age) if longer else 1.0


def progress_line(view: RunView) -> str:
    """What is happening, or what has become of it, on one line of plain text."""
    if view.progress:
        return view.progress
    sums = tally(view)
    return joined(_live_parts(sums) if view.live else _final_parts(sums))


def _live_parts(sums: Tally) -> list[str]:
    left = f"{about(sums.left)} left" if sums.left is not None else ""
    return [f"{sums.done} of {sums.total} done", *_others(sums), seconds(math.floor(sums.elapsed)), left]


def _final_parts(sums: Tally) -> list[str]:
    if sums.pictures > sums.done:
        done = f"{count(sums.pictures, 'picture')} from {sums.done} of {count(sums.total, 'request')}"
    elif sums.done < sums.total:
        done = f"{sums.done} of {count(sums.total, 'picture')}"
    else:
        done = count(sums.total, "picture")
    # Rounded up: who looked while the last picture was being written down has seen a little more than that.
    took = seconds(math.ceil(sums.elapsed)) if sums.elapsed >= 1 else ""
    return [done, *_others(sums), credits_line(sums), took]


_ENDED_WITHOUT = ("deleted", "failed", "undelivered", "unknown", "stopped")
_SPOKEN = (*_ENDED_WITHOUT, *reversed(STATUSES[: STATUSES.index("succeeded")]))
"""What needs attention first, then what is nearest to its picture."""


def _others(sums: Tally) -> list[str]:
    return [f"{sums.states[state]} {state}" for state in _SPOKEN if sums.states.get(state)]


def credits_line(sums: Tally) -> str:
    """`132 credits (12 refunded)`, with what is doubtful and what came from the history."""
    asides = [
        f"{sums.refunded} refunded" if sums.refunded else "",
        f"{sums.spent.perhaps_billed} more perhaps billed" if sums.spent.perhaps_billed else "",
        f"{sums.reused} from the history at no cost" if sums.reused else "",
    ]
    aside = ", ".join(part for part in asides if part)
    spent = credit_count(sums.spent.credits, about=sums.spent.costs_about)
    return f"{spent} ({aside})" if aside else spent


class Ways(NamedTuple):
    """How one goes on with a run where it is shown: what is typed or pressed to `retry`, to `resume` and to `send`
    what was not sent. `sends` has the states that the last is for."""

    retry: str
    resume: str
    send: str
    sends: Collection[str]


def commands(run_id: int) -> Ways:
    """The ways on in a cell."""
    resume = f"%rivya resume {run_id}"
    return Ways(f"%rivya retry {run_id}", resume, f"{resume} --unsent", {*UNSENT, "stopped"})


BUTTONS = Ways("Retry", "Resume", "Send the rest", UNSENT)
"""The ways on in the control panel: the names of its buttons."""


def default_hints(
    run: RunRecord, jobs: Mapping[str, JobRecord], variable: str | None, ways: Ways | None = None
) -> list[Hint]:
    """What one would do next with a run that nobody is working on, by commands unless there are other ways;
    `variable` is its name in the notebook."""
    ways = ways or commands(run.id)
    mine = list({cell.job_id: jobs[cell.job_id] for cell in run.cells}.values())
    hints = []
    if variable and len(run.axes) > 1 and any(job.pictures for job in mine):
        hints.append(Hint(f'{variable}.grid(rows="{run.axes[1].name}")', ""))
    failed = [job for job in mine if job.status == "failed"]
    undelivered = [job for job in mine if job.status == "undelivered"]
    again = [
        f"generates {_those(failed, 'failed')} again ({_price(failed)})" if failed else "",
        f"fetches {_those(undelivered, 'undelivered')} again (paid already)" if undelivered else "",
    ]
    if failed or undelivered:
        hints.append(Hint(ways.retry, " and ".join(part for part in again if part)))
    open_jobs = [job for job in mine if job.status in SENT or job.status == "unknown"]
    if open_jobs:
        hints.append(Hint(ways.resume, f"collects {_those(open_jobs, 'unfinished')}"))
    unsent = [job for job in mine if job.status in ways.sends]
    if unsent:
        hints.append(Hint(ways.send, f"sends {_those(unsent, 'unsent')} ({_price(unsent)})"))
    return hints


def _those(jobs: list[JobRecord], kind: str) -> str:
    return f"the {kind} one" if len(jobs) == 1 else f"the {len(jobs)} {kind} ones"


def _price(jobs: list[JobRecord]) -> str:
    if any(job.price is None for job in jobs):
        return "price not known"
    return count(sum(job.price or 0 for job in jobs), "credit")
