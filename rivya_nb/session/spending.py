"""Spending credits: how runs are started, left to workers, and taken over from others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rivya_nb.errors import CreditLimitError, DatabaseUnreachableError, UsageError, WaitInterruptedError
from rivya_nb.jobs.balance import Gate, short_of
from rivya_nb.jobs.patience import stored
from rivya_nb.session.allowance import DEFAULT_LIMIT, Allowance
from rivya_nb.session.prices import check_prices, priced
from rivya_nb.store.persisting import persist
from rivya_nb.store.records import (
    COLLECTABLE,
    SENT,
    UNFINISHED,
    UNSENT,
    Deferral,
    DeferredRun,
    JobRecord,
    RunRecord,
    planned_job,
)

if TYPE_CHECKING:
    from rivya_nb.contract.catalogue import Catalogue
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.runner import Runner
    from rivya_nb.session.draft import Draft
    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.service import Service


class Spending:
    """Starts the runs of one session. Everything that may cost credits goes through here, one call at a time.

    `max_credits` limits what all of it may cost together (see `Allowance`). At most `max_parallel` jobs are worked
    on at a time; None stands for the default.
    """

    def __init__(
        self,
        service: Service,
        live_records: LiveRecords,
        max_credits: int | None,
        max_parallel: int | None = None,
    ) -> None:
        self._service = service
        self._live_records = live_records
        self._store = live_records.store
        self.allowance = Allowance(self._store, max_credits)
        self.max_parallel = max_parallel
        self._replacing: dict[str, JobRecord] = {}

    @cached_property
    def runner(self) -> Runner:
        """Works on this session's jobs. Made when it is first used, because it imports the HTTP client."""
        from rivya_nb.jobs.runner import MOST_JOBS, Runner

        return Runner(
            service=self._service.name,
            label=self._service.label,
            client=self._service.client,
            fetcher=self._service.fetcher,
            store=self._store,
            work_loop=self._live_records.work_loop,
            replace_job=self._replaced,
            take_over=self._take_over,
            passed_limits=self.allowance.passed,
            most_jobs=self.max_parallel or MOST_JOBS,
        )

    @property
    def _catalogue(self) -> Catalogue:
        return self._store.models.catalogue(self._service.name)

    async def aclose(self) -> None:
        """Stop working on every job."""
        if "runner" in vars(self):
            await self.runner.aclose()

    def check(self, plan: Plan) -> None:
        """Raise what `start` would raise for the plan as it was drafted."""
        self._service.require_key()
        check_prices(plan.draft.costing, plan.draft.costing, self._catalogue)
        self.allowance.check(plan.draft.costing, plan.max_credits)

    def start(self, plan: Plan) -> Run:
        """Write the run and all its jobs into the store, then start them.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        with self._live_records.dispatching():
            run, current = persist(lambda *, is_again: self._enter(plan))  # noqa: ARG005
            gate = self.gate(current.costing)
            # Stopped jobs stay stopped: no draft counts their price.
            going = [job for job in run.jobs if job.status != "stopped"]
            self.take_up(going, run.id, unsent=True, gate=gate, most_jobs=plan.max_parallel)
            self._live_records.touch(run)
        return run

    def defer(self, plan: Plan) -> Run:
        """Write the run and all its jobs into the store, and leave them to workers.

        Raises:
            CreditLimitError, NotConnectedError: like `start`.
        """
        limit = self.allowance.max_credits if plan.max_credits is None else plan.max_credits
        limits = Deferral(DEFAULT_LIMIT if limit is None else limit, plan.max_parallel)
        with self._live_records.dispatching():
            return persist(lambda *, is_again: self._enter(plan, limits))[0]  # noqa: ARG005

    def carry(self, run: DeferredRun, most: int, user: str | None = None) -> list[LiveJob]:
        """Go on with at most so many jobs of a deferred run that no process works on; gives them. With a `user`,
        only with what this user asked for.

        Raises:
            CreditLimitError: they cost more than this session or the run may; nothing was taken.
        """
        with self._live_records.dispatching():
            records = self._claim(run, most, self.allowance.left(), user)
            self.allowance.committed |= {record.id for record in records if record.status in UNSENT}
            jobs = [self._live_records.job(record).live for record in records]
            self.runner.launch(jobs, run.id)
        return jobs

    def _claim(self, run: DeferredRun, most: int, left: int | None, user: str | None) -> list[JobRecord]:
        while True:
            try:
                return self._store.deferrals.claim(run.id, most=most, credits=left, user=user)
            except CreditLimitError as error:
                # Perhaps a limit of the store allows fewer.
                if error.until is None or most <= 1:
                    raise
                most //= 2

    def lacking(self, price: int) -> str | None:
        """Why the balance does not cover a price, in credits; None if it does. Waits for the service's answer."""
        return self._ask_balance(price).result() if price else None

    def watch(self, run: Run) -> None:
        """Follow the jobs of a run that others work on, as long as they do; nothing is sent or collected."""
        if run.record.service == self._service.name:
            idle = [job for job in run.jobs if job.status in UNFINISHED and not job.live.is_working]
            elsewhere = {job.id for job in idle if job.record.deferred is not None}
            if idle:
                elsewhere |= self._store.claims.taken(job.record for job in idle)
            if elsewhere:
                self.runner.watch(job.live for job in idle if job.id in elsewhere)

    def take_up(
        self,
        jobs: Iterable[Job],
        run_id: int,
        *,
        unsent: bool,
        gate: Gate | None = None,
        most_jobs: int | None = None,
    ) -> None:
        """Go on with these jobs from their statuses, where anything is left to do.

        With `unsent`, also with those that were never sent. `gate` is waited for before any is submitted, and at
        most `most_jobs` of the run are worked on at a time.
        """
        going: list[LiveJob] = []
        steps: dict[str, list[Job]] = {}
        for job in jobs:
            if job.status in SENT or (unsent and job.status in UNSENT):
                going.append(job.live)
            elif job.status in COLLECTABLE:
                # A task that has an id is asked for by it, and never submitted again.
                known = job.status == "unknown" and job.task_id is not None
                steps.setdefault("queued" if known else COLLECTABLE[job.status], []).append(job)
            elif unsent and job.status == "stopped":
                steps.setdefault("planned", []).append(job)
        for step, ended in steps.items():
            self._reopen(ended, step)
        going += (job.live for ended in steps.values() for job in ended)
        self.runner.launch(going, run_id, gate, most_jobs=most_jobs)

    def _reopen(self, jobs: Sequence[Job], status: str) -> None:
        """Set jobs that ended without their pictures back to the step that `status` names."""
        self._store.claims.reopen([job.record for job in jobs], status)
        records = self._store.jobs([job.id for job in jobs])
        for job in jobs:
            job.live.changed(records[job.id])

    def _enter(self, plan: Plan, deferral: Deferral | None = None) -> tuple[Run, Draft]:
        """The plan's run, which is in the store now, and the draft that it was written from."""
        self._service.require_key()
        # The requests are those of the plan, but the history may have changed since it was made.
        while (record := self._write_down(plan, current := plan.drafted(), deferral)) is None:
            pass
        # Drawn seeds are known by now: running the plan again asks for the same pictures, and buys none.
        plan.expansion = plan.expansion.written_down()
        self.allowance.begin(record.id, current.costing, plan.max_credits)
        return self._live_records.run(record), current

    def _write_down(self, plan: Plan, current: Draft, deferral: Deferral | None) -> RunRecord | None:
        """The run in the store, new or extended; None if the draft is out of date by now."""
        check_prices(current.costing, plan.draft.costing, self._catalogue)
        self.allowance.commit(current.costing, plan.max_credits)
        idle = [job.id for job in current.idle]
        try:
            if current.run is not None:
                return self._store.asking.extend_run(
                    current.run,
                    cells=current.cells,
                    jobs=current.new,
                    idle=idle,
                    unanswered=current.unanswered,
                    deferral=deferral,
                )
            return self._store.asking.add_run(
                name=plan.name,
                service=self._service.name,
                axes=current.axes,
                cells=(*current.kept, *current.cells),
                jobs=current.new,
                idle=idle,
                ask=plan.expansion.ask.to_json(),
                unanswered=current.unanswered,
                deferral=deferral,
            )
        except (DatabaseUnreachableError, WaitInterruptedError):
            # It may have been written all the same, and others would wait for what nobody here sends.
            giving_up = stored(self._give_up, [job.id for job in current.new])
            self._live_records.work_loop.start(giving_up)
            raise

    def _give_up(self, job_ids: Collection[str]) -> None:
        """Let any process take these jobs, but for those that this one works on by now."""
        with self._live_records.dispatching():
            self._store.claims.release([each for each in job_ids if not self._live_records.is_working(each)])

    def _replaced(self, job: JobRecord) -> LiveJob:
        """A new job for the same request, which replaces the old one in every run."""
        new = planned_job(job.request, self._service.name, self._store.database.now())
        new = priced(new, self._catalogue)
        # The same one where the database did not answer the first time.
        replacement = self._replacing.setdefault(job.id, replace(new, deferred=job.deferred))
        new = self._store.asking.replace_job(job.id, replacement)
        for record in self._store.runs.of([new.id]):
            self._live_records.run(record)
        self.allowance.replace(job.id, new.id)
        return self._live_records.job(new).live

    def _take_over(self, job: LiveJob) -> str | None:
        """Take over a job that another kernel was going to send, with all others of its run.

        Gives None, or the reason why the job is not sent.
        """
        if job.id in self.allowance.committed:
            return None
        with self._live_records.dispatching():
            for run_id in tuple(job.wanted_by):
                run = self._live_records.run(self._store.runs.get(run_id))
                jobs = [each for each in run.jobs if run_id in each.live.wanted_by]
                mine = [each.record for each in jobs if each.id in self.allowance.committed]
                rest = [
                    each for each in jobs if each.status in UNSENT and each.id not in self.allowance.committed
                ]
                try:
                    self.allowance.check(
                        [*mine, *(each.record for each in rest)], self.allowance.of_runs.get(run_id)
                    )
                    self._store.asking.ask_for([each.id for each in rest])
                except CreditLimitError as error:
                    reason = f"the kernel that was to send this does not: {error}"
                    for each in rest:
                        each.live.wanted_by.discard(run_id)
                        each.live.changed(notice=reason)
                    continue
                gate = self.gate([each.record for each in rest])
                for each in rest:
                    self.allowance.committed.add(each.id)
                    self.runner.gate(each.live, gate)
                self._live_records.run(self._store.asking.take_cells(run_id, [each.id for each in rest]))
                return None
        return job.notice

    def own_run(self, run_id: int) -> RunRecord:
        """A run of this session's service: nothing of one service is ever sent to another."""
        record = self._store.runs.get(run_id)
        if record.service != self._service.name:
            raise UsageError(
                f"Run {run_id} belongs to {record.service}, and this session is connected to "
                f"{self._service.name}."
            )
        return record

    def gate(self, jobs: Sequence[JobRecord]) -> Gate | None:
        """A check whether the balance covers these jobs before they are submitted; None if they cost nothing."""
        price = sum(job.price or 0 for job in jobs)
        return self._ask_balance(price) if price else None

    def _ask_balance(self, price: int) -> Gate:
        service = self._service
        return self._live_records.work_loop.start(short_of(service.client, service.name, price))
