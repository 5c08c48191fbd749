"""What all views of a run share: its records, its sums, and words for them."""

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
"""Seconds by which a job may exceed all earlier ones before its end counts as unknown."""


class Hint(NamedTuple):
    """A next step: `code` to type, and what it does (may be empty)."""

    code: str
    text: str


@dataclass(frozen=True)
class RunView:
    """Everything that a view of a run needs.

    `thumbnails` are by cell key: absent while there is none yet, None if one is left out. `now` is in epoch
    seconds. `notice` is a current message for the user (`rate limited, next try in 8 s`). `live` is True
    while the run is worked on; `idle` has the ids of those of its jobs that are not: they are held back, or
    no process works on them. `progress` replaces the progress line. `lost` has, by cell key, the files that
    are gone from the store, `marks` the marks by job id.
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
        """How references differ from the given pictures, a line for each."""
        jobs = (self.jobs[cell.job_id] for cell in self.run.cells)
        return list(dict.fromkeys(ref.note for job in jobs for ref in job.references if ref.note))


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

    @property
    def done(self) -> int:
        return self.states.get("succeeded", 0)

    @property
    def ended(self) -> int:
        return self.total - sum(self.states.get(state, 0) for state in UNFINISHED)


def tally(view: RunView) -> Tally:
    """Count a run's jobs, each once, even if it is in several cells."""
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
    # The run also waited for pictures that another run made meanwhile, but not for what had ended before.
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    end = now if live else max(ends, default=run.created_at)
    return max(0.0, end - run.created_at)


def time_left(jobs: Iterable[JobRecord], now: float) -> float | None:
    """Estimated seconds until the last job is done, its download included. None before the first job is done,
    if no job is running, and if one runs longer than all that are done took.

    A running job is expected to take the median time of those that took longer than it has taken so far, and
    has at least 1 s left. Jobs that are not submitted yet take the median time of all each, one after
    another, on as many lanes as jobs are running now. The estimate is the end of the longest lane.
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
    """The seconds that a job of this age has left."""
    longer = [each for each in took if each > age]
    return max(1.0, median(longer) - age) if longer else 1.0


def progress_line(view: RunView) -> str:
    """The progress of a run, or its result, on one line of plain text."""
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
    # Rounded up, so that it is not less than what the user saw while the last picture was stored.
    took = seconds(math.ceil(sums.elapsed)) if sums.elapsed >= 1 else ""
    return [done, *_others(sums), credits_line(sums), took]


_ENDED_WITHOUT = ("deleted", "failed", "undelivered", "unknown", "stopped")
_SPOKEN = (*_ENDED_WITHOUT, *reversed(STATUSES[: STATUSES.index("succeeded")]))
"""States in the order of the progress line: first those that need attention, then the nearest to a picture."""


def _others(sums: Tally) -> list[str]:
    return [f"{sums.states[state]} {state}" for state in _SPOKEN if sums.states.get(state)]


def credits_line(sums: Tally) -> str:
    """`132 credits (12 refunded)`, with what may be billed and what came from the history."""
    asides = [
        f"{sums.refunded} refunded" if sums.refunded else "",
        f"{sums.spent.perhaps_billed} more perhaps billed" if sums.spent.perhaps_billed else "",
        f"{sums.reused} from the history at no cost" if sums.reused else "",
    ]
    aside = ", ".join(part for part in asides if part)
    spent = credit_count(sums.spent.certain_credits, about=sums.spent.costs_about)
    return f"{spent} ({aside})" if aside else spent


class ActionNames(NamedTuple):
    """The words for the next steps where a run is shown: what to type or press to `retry`, to `resume`, and
    to `send` unsent jobs. `sends` has the states of jobs that `send` sends."""

    retry: str
    resume: str
    send: str
    sends: Collection[str]


def commands(run_id: int) -> ActionNames:
    resume = f"%rivya resume {run_id}"
    return ActionNames(f"%rivya retry {run_id}", resume, f"{resume} --unsent", {*UNSENT, "stopped"})


BUTTONS = ActionNames("Retry", "Resume", "Send the rest", UNSENT)
"""The names of the control panel's buttons."""


def default_hints(
    run: RunRecord, jobs: Mapping[str, JobRecord], variable: str | None, ways: ActionNames | None = None
) -> list[Hint]:
    """The next steps for a run that is not worked on, by default as commands; `variable` is its name in the
    notebook."""
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
