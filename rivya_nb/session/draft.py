"""Drafting: which job each request of a plan has, as the store is now. Nothing is written down or sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.session.prices import priced
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, RunRecord, planned_job

if TYPE_CHECKING:
    from rivya_nb.planning.expansion import Expansion
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.store.store import Store


@dataclass(frozen=True)
class Draft:
    """A run before it exists: its axes, a cell for each request, and the jobs, new or from the history.

    `new` are the jobs that do not exist yet; `idle` those that an earlier run planned and that were never
    sent; `reused` those that cost nothing more. All in grid order. `unanswered` are the identities of the new
    jobs that another job could stand for, were there one. Where something is added to what is there,
    `kept` are the cells that stand beside the new ones, `kept_jobs` their jobs as far as they are not idle, and
    `run` is the run that all of it goes into, if that is no new one.
    """

    axes: tuple[AxisRecord, ...]
    cells: tuple[CellRecord, ...]
    new: tuple[JobRecord, ...]
    idle: tuple[JobRecord, ...]
    reused: tuple[JobRecord, ...]
    unanswered: frozenset[str] = frozenset()
    kept: tuple[CellRecord, ...] = ()
    kept_jobs: tuple[JobRecord, ...] = ()
    run: RunRecord | None = None

    @property
    def costing(self) -> tuple[JobRecord, ...]:
        """The jobs that are still to be submitted."""
        return self.new + self.idle

    @property
    def price(self) -> int:
        """Credits that the jobs to be submitted cost by their documented prices."""
        return sum(job.price or 0 for job in self.costing)

    @property
    def price_is_least(self) -> bool:
        """Whether any of them may cost more than its documented price."""
        return any(job.price_is_least for job in self.costing)

    @property
    def price_words(self) -> str:
        """The price in words: `12 credits`, `at least 12 credits`."""
        return f"{'at least ' if self.price_is_least else ''}{count(self.price, 'credit')}"

    @property
    def unpriced(self) -> int:
        """How many of them have no documented price."""
        return sum(job.price is None for job in self.costing)


def draft(live_records: LiveRecords, service: str, expansion: Expansion) -> Draft:
    """Give each request a job: equal ones share one, and a job of the store that asks the same is reused."""
    reusable = {item.request.identity for item in expansion.requests if item.reusable}
    known = live_records.store.asking.find_reusable(service, list(reusable))
    idle_ids = live_records.idle(list(known.values()))
    now = live_records.store.database.now()
    catalogue = live_records.store.models.catalogue(service)
    new: dict[tuple[str, int], JobRecord] = {}
    earlier: dict[str, JobRecord] = {}
    idle: dict[str, JobRecord] = {}
    cells = []
    for item in expansion.requests:
        job = known.get(item.request.identity) if item.reusable else None
        if job is None:
            job = new.setdefault(item.key, priced(planned_job(item.request, service, now), catalogue))
        elif job.id in idle_ids:
            idle.setdefault(job.id, priced(job, catalogue))
        else:
            earlier.setdefault(job.id, job)
        cells.append(CellRecord(job.id, item.coordinates, reused=job.id in earlier))
    axes = tuple(AxisRecord(axis.name, axis.labels, axis.facts) for axis in expansion.axes)
    return Draft(
        axes,
        tuple(cells),
        tuple(new.values()),
        tuple(idle.values()),
        tuple(earlier.values()),
        frozenset(reusable - known.keys()),
    )


def draft_addition(
    live_records: LiveRecords,
    service: str,
    expansion: Expansion,
    kept: Sequence[CellRecord],
    run_id: int | None,
) -> Draft:
    """The same for requests that are added to the cells `kept`, in the run `run_id` or in a new one (None)."""
    store, run = live_records.store, None
    if run_id is None:
        jobs = jobs_on_disk(store, [cell.job_id for cell in kept])
    else:
        # Somebody may have filled a place since the plan was made.
        run = store.runs.get(run_id)
        jobs = jobs_on_disk(store, [cell.job_id for cell in run.cells])
        kept = run.current(jobs)
        expansion = expansion.without({cell.coordinates for cell in kept if jobs[cell.job_id].is_there})
    added = draft(live_records, service, expansion)
    standing = [jobs[job_id] for job_id in dict.fromkeys(cell.job_id for cell in kept)]
    known = {job.id for job in added.idle}
    idle_ids = live_records.idle(standing)
    catalogue = store.models.catalogue(service)
    left = (job for job in standing if job.id not in known and job.id in idle_ids)
    idle = {job.id: priced(job, catalogue) for job in left}
    rest = tuple(job for job in standing if job.id not in idle and job.id not in known)
    return replace(added, idle=(*idle.values(), *added.idle), kept=tuple(kept), kept_jobs=rest, run=run)


def jobs_on_disk(store: Store, ids: Sequence[str]) -> dict[str, JobRecord]:
    """The jobs by id; one whose picture's file was removed from the store has no picture."""
    return {
        job_id: job if store.files.has_all(job.pictures) else replace(job, pictures=())
        for job_id, job in store.jobs(ids).items()
    }
