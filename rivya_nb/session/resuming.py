"""Going on with runs: collecting what was sent, sending what was not, and asking anew for what failed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import UsageError
from rivya_nb.jobs.doubt import doubt
from rivya_nb.planning.ask import REPLICATE_AXIS, Ask
from rivya_nb.session.prices import priced
from rivya_nb.store.records import (
    COLLECTABLE,
    SENT,
    UNFINISHED,
    UNSENT,
    AxisRecord,
    CellRecord,
    JobRecord,
    RunRecord,
    planned_job,
)

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.run import Run
    from rivya_nb.session.service import Service
    from rivya_nb.session.spending import Spending


class Resuming:
    """Goes on with the runs of one session, one call at a time; `spending` sends what is to be sent."""

    def __init__(self, service: Service, live_records: LiveRecords, spending: Spending) -> None:
        self._service = service
        self._live_records = live_records
        self._store = live_records.store
        self._spending = spending
        self._allowance = spending.allowance

    def resume(self, run_id: int | None, *, unsent: bool, max_credits: int | None) -> Run:
        """Collect what was, or may have been, submitted; with `unsent`, send what never was.

        Raises:
            UsageError: there is no such run, or nothing is unfinished.
            CreditLimitError: sending the rest costs more than is allowed.
        """
        self._service.require_key()
        self._store.make_ready()
        with self._live_records.dispatching():
            if run_id is None:
                run, jobs = self._all_unfinished(unsent, max_credits)
            else:
                run = self._live_records.run(self._spending.own_run(run_id))
                jobs = run.jobs
                self._allow_rest([job.record for job in jobs], unsent, max_credits)
            rest = self._rest([job.record for job in jobs], unsent)
            self._allowance.begin(run.id, rest, max_credits)
            if unsent:
                self._store.deferrals.take_back([job.id for job in jobs if job.record.is_deferred])
            gate = self._spending.gate(rest)
            for job in jobs if unsent else ():
                if self._is_doubtful(job.record):
                    job.live.may_be_billed_again = True
            self._spending.take_up(jobs, run.id, unsent=unsent, gate=gate)
            self._live_records.touch(run)
        return run

    def retry(self, run_id: int, *, max_credits: int | None) -> Run:
        """Fetch paid pictures that did not arrive, and ask anew for what failed, within the same run.

        A failed job that somebody has asked for again since, in whatever run or kernel, is not bought twice.

        Raises:
            UsageError: there is no such run.
            CreditLimitError: submitting again costs more than is allowed.
        """
        self._service.require_key()
        self._store.make_ready()
        with self._live_records.dispatching():
            record = self._spending.own_run(run_id)
            places = self._failed_places(record)
            while (extended := self._ask_again(record, places, max_credits)) is None:
                record = self._spending.own_run(run_id)
            run = self._live_records.run(extended)
            again = {cell.job_id for cell in run.shown.cells if cell.coordinates in places}
            # What another kernel has asked for again already is followed too.
            again |= self._store.claims.taken(job.record for job in run.jobs if job.status in UNFINISHED)
            wanted = [job for job in run.jobs if job.id in again or job.status == "undelivered"]
            unsent = [job.record for job in wanted if job.status in UNSENT]
            self._allowance.begin(run_id, unsent, max_credits)
            gate = self._spending.gate([job for job in unsent if not self._live_records.is_working(job.id)])
            going = [job for job in wanted if job.status != "stopped"]
            self._spending.take_up(going, run.id, unsent=True, gate=gate)
            self._live_records.touch(run)
        return run

    def _failed_places(self, record: RunRecord) -> set[tuple[int, ...]]:
        jobs = self._store.jobs([cell.job_id for cell in record.cells])
        return {cell.coordinates for cell in record.current(jobs) if jobs[cell.job_id].status == "failed"}

    def _ask_again(
        self, record: RunRecord, places: Collection[tuple[int, ...]], max_credits: int | None
    ) -> RunRecord | None:
        """The run with a job in each of these places; None where another kernel was faster somewhere.

        A place that another kernel has asked for again has one already.
        """
        jobs = self._store.jobs([cell.job_id for cell in record.cells])
        cells = [cell for cell in record.current(jobs) if cell.coordinates in places]
        failed = {cell.job_id: jobs[cell.job_id] for cell in cells if jobs[cell.job_id].status == "failed"}
        # A number says which picture is meant, as a seed does.
        replicated = any(axis.name == REPLICATE_AXIS for axis in record.axes)
        known_again = {job.identity for job in failed.values() if replicated or job.is_known_again}
        known = self._store.asking.find_reusable(self._service.name, known_again)
        catalogue, now = self._store.models.catalogue(self._service.name), self._store.database.now()
        again = {
            job.id: known.get(job.identity)
            or priced(planned_job(job.request, self._service.name, now), catalogue)
            for job in failed.values()
        }
        new = [job for job in again.values() if job.identity not in known]
        standing = [*known.values(), *(jobs[cell.job_id] for cell in cells if cell.job_id not in failed)]
        idle = self._live_records.idle(standing)
        self._allowance.commit([*new, *(job for job in standing if job.id in idle)], max_credits)
        if not failed:
            self._store.asking.ask_for(idle)
            return record
        added = [
            CellRecord(again[job.id].id, cell.coordinates, reused=job.identity in known)
            for cell in cells
            if (job := failed.get(cell.job_id)) is not None
        ]
        unanswered = known_again - known.keys()
        return self._store.asking.extend_run(record, cells=added, jobs=new, idle=idle, unanswered=unanswered)

    def _rest(self, jobs: Sequence[JobRecord], unsent: bool) -> list[JobRecord]:
        """With `unsent`, those of these jobs that have to be sent, or sent once more; without, none."""
        given_up = (*UNSENT, "stopped")
        rest = [job for job in jobs if job.status in given_up or self._is_doubtful(job)] if unsent else []
        return [job for job in rest if not self._live_records.is_working(job.id)]

    def _is_doubtful(self, job: JobRecord) -> bool:
        """Whether its submit got no answer, and may be billed again if it is repeated here."""
        return doubt(job, self._store.database.now(), self._service.label) is not None

    def _allow_rest(self, jobs: Sequence[JobRecord], unsent: bool, max_credits: int | None) -> None:
        """Check the limits for `_rest`, and count it against them."""
        rest = self._rest(jobs, unsent)
        self._allowance.commit(rest, max_credits)
        # What was stopped is asked for when it is set back.
        self._store.asking.ask_for([job.id for job in rest if job.status in UNSENT])

    def _all_unfinished(self, unsent: bool, max_credits: int | None) -> tuple[Run, Sequence[Job]]:
        """All unfinished jobs, and a run that has all of them: an existing one, or a new one."""
        service = self._service.name
        wanted = SENT | set(COLLECTABLE) | (UNSENT if unsent else set())
        jobs = [job for job in self._store.unfinished(service, wanted) if not job.is_deferred]
        if not jobs:
            left = sum(not job.is_deferred for job in self._store.unfinished(service))
            words = "was never sent, and unsent=True (--unsent) sends it"
            if left > 1:
                words = "were never sent, and unsent=True (--unsent) sends them"
            hint = f"; {count(left, 'job')} {words}" if left else ""
            raise UsageError(f"Nothing that was sent to {service} is unfinished{hint}.")
        self._allow_rest(jobs, unsent, max_credits)
        runs = self._store.runs.of([job.id for job in jobs])
        ids = {job.id for job in jobs}
        whole = [run for run in runs if ids <= {cell.job_id for cell in run.cells}]
        if whole:
            run = self._live_records.run(whole[0])
            # Jobs of it that the user stopped stay stopped.
            return run, [job for job in run.jobs if job.id in ids]
        ask = Ask.of([job.request for job in jobs])
        axes = [AxisRecord(axis.name, axis.labels) for axis in ask.axes()]
        cells = [CellRecord(job.id, (place,) if axes else (), reused=True) for place, job in enumerate(jobs)]
        record = self._store.asking.add_run(
            name="resumed", service=service, axes=axes, cells=cells, jobs=[], ask=ask.to_json()
        )
        assert record is not None  # noqa: S101 - nothing new is asked for, so nobody can be faster
        run = self._live_records.run(record)
        return run, run.jobs
