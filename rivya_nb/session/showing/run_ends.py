"""How a run ended, or the wait for it: what is missing, what goes on, and the commands that go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import RunFailedError, WaitInterruptedError
from rivya_nb.store.records import SENT, UNSENT
from rivya_nb.typed import typed
from rivya_nb.views.run_view import commands

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.run import Run


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
    """The command that gets the missing pictures."""
    ways, statuses = commands(run.id), {job.status for job in run.jobs}
    if statuses.intersection(ways.sends):
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
    ways = [f"{_wait(run)} waits on"] if going else []
    if held:
        ways.append(f"{commands(run.id).send} sends them")
        ways.append(f"{_stop(run)} gives them up")
    return WaitInterruptedError(f"Waiting for run {run.id} ended: {', '.join(parts)}. {'; '.join(ways)}.")


def wait_cancelled(run: Run) -> str:
    """The words for a wait that was cancelled; the run goes on."""
    return (
        f"Waiting for run {run.id} ended; it goes on. {_wait(run)} waits on, and {_stop(run)} gives up what is "
        "not sent yet."
    )


def _wait(run: Run) -> str:
    return typed(f"wait {run.id}", f"rv.runs({run.id}).wait()")


def _stop(run: Run) -> str:
    return typed(f"stop {run.id}", f"rv.runs({run.id}).stop()")
