"""What all views of a run share: its records, its sums, and words for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rivya_nb.contract.text import count
from rivya_nb.store.records import SENT, STATUSES, UNSENT, JobRecord, Marks, RunRecord
from rivya_nb.views.cells import Figure
from rivya_nb.views.layout import Layout, sides
from rivya_nb.views.players import Player
from rivya_nb.views.tally import Count, Tally
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import about, credit_count, joined, seconds

WORK = "rivya-nb work"
"""The command that sends what was deferred."""


class Hint(NamedTuple):
    """A next step: `code` to type, and what it does (may be empty)."""

    code: str
    text: str


@dataclass(frozen=True)
class RunView:
    """Everything that a view of a run needs.

    `thumbnails` are by cell key: absent while there is none yet, None if one is left out; `players` are what plays
    in the place of some of them. `now` is in epoch
    seconds. `notice` is a current message for the user (`rate limited, next try in 8 s`). `live` is True while
    the run is worked on; `idle` has the ids of those of its jobs that are not: they are held back, or no process
    works on them. `progress` replaces the progress line. `lost` has, by cell key, the files that are gone from
    the store; `trouble` is why others could not be read now. `marks` has the marks by job id, and `origins`
    where the pictures of these jobs come from, as far as they are there before the run. `prompts` are told as a
    whole to whoever opens them. `figures` has the number of a picture by cell key, where numbers are shown.
    With `names_users`, it says who asked. Unless it `grows`, the grid is no larger on a wide page than on a
    narrow one.
    """

    run: RunRecord
    jobs: Mapping[str, JobRecord]
    layout: Layout
    now: float
    live: bool
    idle: Collection[str] = frozenset()
    thumbnails: Mapping[str, Thumbnail | None] = field(default_factory=dict)
    players: Mapping[str, Player] = field(default_factory=dict)
    notice: str = ""
    hints: tuple[Hint, ...] = ()
    progress: str = ""
    lost: Mapping[str, Path] = field(default_factory=dict)
    trouble: str = ""
    marks: Mapping[str, Marks] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    prompts: Sequence[str] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    grows: bool = True
    names_users: bool = False

    @property
    def notes(self) -> list[str]:
        """How references differ from the given pictures, a line for each."""
        return reference_notes(self.jobs[cell.job_id] for cell in self.run.cells)


def reference_notes(jobs: Iterable[JobRecord]) -> list[str]:
    """How the references of these jobs differ from the given pictures, a line for each."""
    return list(dict.fromkeys(ref.note for job in jobs for ref in job.references if ref.note))


def tally(view: RunView) -> Tally:
    """Count a run's jobs, each once, even if it is in several cells."""
    counted = Count()
    reused = {cell.job_id for cell in view.run.cells if cell.reused}
    for job_id in dict.fromkeys(cell.job_id for cell in view.run.cells):
        counted.add(view.jobs[job_id], reused=job_id in reused)
    return counted.tally(view.run.created_at, view.now, live=view.live, idle=view.idle)


def progress_line(view: RunView, *, credit: str = "credit") -> str:
    """The progress of a run, or its result, on one line of plain text; `credit` is the word for a credit."""
    return view.progress or progress_words(tally(view), live=view.live, credit=credit)


def progress_words(sums: Tally, *, live: bool, credit: str = "credit") -> str:
    """The same of these sums."""
    if sums.total and sums.states.get("deferred") == sums.total:
        cost = count(sums.price, credit) if sums.price or not sums.reused else "at no more cost"
        return f"deferred: {count(sums.total, sums.noun)}, {cost}; `{WORK}` sends them"
    return joined(_live_parts(sums) if live else _final_parts(sums, credit))


def _live_parts(sums: Tally) -> list[str]:
    left = f"{about(sums.left)} left" if sums.left is not None else ""
    return [f"{sums.done:,} of {sums.total:,} done", *_others(sums), seconds(math.floor(sums.elapsed)), left]


def _final_parts(sums: Tally, credit: str) -> list[str]:
    if sums.pictures > sums.done:
        done = f"{count(sums.pictures, sums.noun)} from {sums.done:,} of {count(sums.total, 'request')}"
    elif sums.done < sums.total:
        done = f"{sums.done:,} of {count(sums.total, sums.noun)}"
    else:
        done = count(sums.total, sums.noun)
    # Rounded up, so that it is not less than what the user saw while the last picture was stored.
    took = seconds(math.ceil(sums.elapsed)) if sums.elapsed >= 1 else ""
    return [done, *_others(sums), credits_line(sums, credit), took]


_ENDED_WITHOUT = ("deleted", "failed", "undelivered", "unknown", "stopped")
_SPOKEN = (*_ENDED_WITHOUT, *reversed(STATUSES[: STATUSES.index("succeeded")]), "deferred")
"""States in the order of the progress line: first those that need attention, then the nearest to a picture."""


def _others(sums: Tally) -> list[str]:
    return [f"{sums.states[state]:,} {state}" for state in _SPOKEN if sums.states.get(state)]


def credits_line(sums: Tally, credit: str = "credit") -> str:
    """`132 credits (12 refunded)`, with what may be billed and what came from the history."""
    asides = [
        f"{sums.refunded:,} refunded" if sums.refunded else "",
        f"{sums.spent.perhaps_billed:,} more perhaps billed" if sums.spent.perhaps_billed else "",
        f"{sums.reused:,} from the history at no cost" if sums.reused else "",
    ]
    aside = ", ".join(part for part in asides if part)
    spent = credit_count(sums.spent.certain_credits, about=sums.spent.costs_about, credit=credit)
    return f"{spent} ({aside})" if aside else spent


class ActionNames(NamedTuple):
    """The words for the next steps where a run is shown: what to type or press to `retry`, to `resume`, and
    to `send` unsent jobs; what to type to `wait` on and to `stop`. `sends` has the states of jobs that `send`
    sends."""

    retry: str
    resume: str
    send: str
    sends: Collection[str]
    wait: str = ""
    stop: str = ""


def commands(run_id: int) -> ActionNames:
    """The next steps as magics."""
    resume = f"%rivya resume {run_id}"
    return ActionNames(
        retry=f"%rivya retry {run_id}",
        resume=resume,
        send=f"{resume} --unsent",
        sends={*UNSENT, "stopped"},
        wait=f"%rivya wait {run_id}",
        stop=f"%rivya stop {run_id}",
    )


def calls(run_id: int) -> ActionNames:
    """The same in Python, for places where no magic can be typed."""
    return ActionNames(
        retry=f"rv.connect(…).retry({run_id})",
        resume=f"rv.resume({run_id})",
        send=f"rv.resume({run_id}, unsent=True)",
        sends={*UNSENT, "stopped"},
        wait=f"rv.runs({run_id}).wait()",
        stop=f"rv.runs({run_id}).stop()",
    )


BUTTONS = ActionNames("Retry", "Resume", "Send the rest", UNSENT)
"""The names of the control panel's buttons."""


def default_hints(
    run: RunRecord,
    jobs: Mapping[str, JobRecord],
    variable: str | None,
    ways: ActionNames | None = None,
    *,
    rows: str | None = None,
    cols: str | None = None,
) -> list[Hint]:
    """The next steps for a run that is not worked on, by default as commands; `variable` is its name in the
    notebook. It is shown with the axes `rows` and `cols`, or as it is by itself."""
    ways = ways or commands(run.id)
    mine = list({cell.job_id: jobs[cell.job_id] for cell in run.cells}.values())
    hints = []
    at = {side: name for name, side in sides(run.axes, rows, cols).items()}
    if variable and {"rows", "columns"} <= at.keys() and any(job.pictures for job in mine):
        turned = f'rows="{at["columns"]}"' + (f', cols="{at["rows"]}"' if rows or cols else "")
        what = f"makes {at['columns']} the rows and {at['rows']} the columns"
        hints.append(Hint(f"{variable}.grid({turned})", what))
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
    hints += deferred_hints(mine)
    unsent = [job for job in mine if job.status in ways.sends]
    if unsent:
        hints.append(Hint(ways.send, f"sends {_those(unsent, 'unsent')} ({_price(unsent)})"))
    return hints


def deferred_hints(jobs: Iterable[JobRecord]) -> list[Hint]:
    """What sends the jobs that were left to workers, if there are any."""
    deferred = [job for job in jobs if job.is_deferred]
    return [Hint(WORK, f"sends {_those(deferred, 'deferred')} ({_price(deferred)})")] if deferred else []


def _those(jobs: list[JobRecord], kind: str) -> str:
    return f"the {kind} one" if len(jobs) == 1 else f"the {len(jobs):,} {kind} ones"


def _price(jobs: list[JobRecord]) -> str:
    if any(job.price is None for job in jobs):
        return "price not known"
    least = "at least " if any(job.price_is_least for job in jobs) else ""
    return f"{least}{count(sum(job.price or 0 for job in jobs), 'credit')}"
