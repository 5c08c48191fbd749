"""How a run ended, or the wait for it: what is missing, what goes on, and the commands that go on with it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count
from rivya_nb.errors import RunFailedError, WaitInterruptedError
from rivya_nb.store.records import SENT, UNSENT
from rivya_nb.views.run_view import ActionNames, calls, commands

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.run import Run


def ways_on(run_id: int) -> ActionNames:
    """What to type here to go on with a run: a magic if the extension is loaded, else Python, as in a script."""
    ipython: Any = sys.modules.get("IPython")
    # Another front end may have anything there, also something that raises an error.
    with suppress(Exception):
        if ipython.get_ipython().find_line_magic("rivya") is not None:
            return commands(run_id)
    return calls(run_id)


def ended_without(run: Run) -> RunFailedError:
    """The error of a run that ended without a single picture."""
    jobs = run.jobs
    reasons = list(dict.fromkeys((job.live.notice or job.error or _state(job)).rstrip(".") for job in jobs))
    more = f" (and {len(reasons) - 3} other reasons)" if len(reasons) > 3 else ""
    head = f"its one {run.noun}" if len(jobs) == 1 else f"all {len(jobs)} {run.noun}s"
    spent = run.spent
    cost = f"{'about ' if spent.costs_about else ''}{spent.certain_credits} credits"
    perhaps = f", and perhaps {spent.perhaps_billed} more" if spent.perhaps_billed else ""
    anew = ", and fresh=True (--fresh) asks anew" if any(job.status == "unknown" for job in jobs) else ""
    return RunFailedError(
        f"Run {run.id} ended without {head}: {'; '.join(reasons[:3])}{more}. "
        f"It cost {cost}{perhaps}; {_way_on(run)} tries again{anew}."
    )


def _way_on(run: Run) -> str:
    """What to type to get the missing pictures."""
    ways, statuses = ways_on(run.id), {job.status for job in run.jobs}
    if statuses & (UNSENT | {"stopped"}):
        return ways.send
    # A retry asks anew for what failed; what may have been taken is never asked for anew.
    return ways.resume if statuses & (SENT | {"unknown"}) else ways.retry


def _state(job: Job) -> str:
    return "not sent" if job.status in UNSENT else job.status


def wait_interrupted(run: Run) -> WaitInterruptedError:
    """The error of a wait that was interrupted; the run is on hold."""
    jobs = run.jobs
    elsewhere = [job for job in jobs if job.live.is_watched]
    held = [job for job in jobs if job.status in UNSENT and job.live.is_held and job not in elsewhere]
    going = [job for job in jobs if job.live.is_working and job not in (*held, *elsewhere)]
    # The work goes on, and its pictures come: the message stays true in the past tense.
    parts = [f"{sum(bool(job.record.pictures) for job in jobs)} of {count(len(jobs), run.noun)} were here"]
    if going:
        cost = sum(job.record.committed for job in going)
        parts.append(f"{len(going)} submitted go on ({cost} credits)")
    if elsewhere:
        parts.append(f"{len(elsewhere)} are left to other processes")
    if held:
        price = sum(job.record.committed for job in held)
        parts.append(f"{len(held)} not sent are held back ({price} credits)")
    ways = ways_on(run.id)
    told = [f"{ways.wait} waits on"] if going else []
    if held:
        told += [f"{ways.send} sends them", f"{ways.stop} gives them up"]
    return WaitInterruptedError(f"Waiting for run {run.id} ended: {', '.join(parts)}. {'; '.join(told)}.")
