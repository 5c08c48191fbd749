"""What runs tell their users while jobs wait for their turn: how far each is, and what holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from rivya_nb.store.records import UNSENT

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.limits import Limits
    from rivya_nb.jobs.lines import Lines


def outlooks(lines: Lines, ready: Collection[LiveJob], limits: Limits) -> Iterator[tuple[LiveJob, str]]:
    """For each run with waiting jobs, the job that tells how far the run is, and what it tells. `ready` are the
    jobs that have left their lines, and wait for the turn of their submit.

    It is the last one, which waits longest. The first one tells of a rate limit.
    """
    waiting = [job for job in ready if job.record.status in UNSENT]
    unsent = Counter(run_id for job in waiting for run_id in job.wanted_by)
    told = {run_id: job for job in waiting for run_id in job.wanted_by if unsent[run_id] > 1}
    for run_id, job in {**told, **lines.last()}.items():
        taken = lines.taken(run_id)
        submitted, jobs = max(0, taken - unsent[run_id]), taken + lines.waiting(run_id)
        yield job, _outlook(submitted, jobs, rate=limits.rate, places=limits.places)


def _outlook(submitted: int, jobs: int, *, rate: float | None, places: float | None) -> str:
    """One line, such as "12 of 240 submitted, the service takes about 8 calls a second".

    `rate` is what the service takes in calls per second, and `places` in tasks at a time; both are None where no
    limit was met.
    """
    told = [f"{submitted:,} of {jobs:,} submitted"]
    if rate is not None:
        pace = f"{rate:.0f} calls a second" if rate >= 1.5 else f"{max(1.0, rate * 60):.0f} calls a minute"
        told.append(f"the service takes about {pace}")
    if places is not None:
        told.append(f"the service works on about {places:.0f} at a time")
    return ", ".join(told)
