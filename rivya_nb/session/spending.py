"""Spending credits: how runs start, go on and are tried again, and the limits of what they may cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError, DatabaseUnreachableError, UsageError, WaitInterruptedError
from rivya_nb.jobs.balance import Gate, short_of
from rivya_nb.jobs.doubt import doubt
from rivya_nb.jobs.patience import stored
from rivya_nb.planning.ask import REPLICATE_AXIS, Ask
from rivya_nb.store.persisting import persist
from rivya_nb.store.records import (
    COLLECTABLE,
    SENT,
    UNFINISHED,
    UNSENT,
    AxisRecord,
    CellRecord,
    Deferral,
    DeferredRun,
    JobRecord,
    RunRecord,
    planned_job,
)
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.runner import Runner
    from rivya_nb.session.draft import Draft
    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.service import Service

DEFAULT_LIMIT = 500
"""Credits that the new requests of one plan may cost if no limit was given."""

MOST_UNPRICED = 20
"""How many new requests of one plan may have no known price if no limit was given."""


class Spending:
    """Starts the runs of one session. Everything that may cost credits happens here, one call at a time.

    `max_credits` limits what all of it may cost together, in credits; None sets no such limit. At most
    `max_parallel` jobs are worked on at a time; None stands for the default.
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
        self._max_credits = max_credits
        self.max_parallel = max_parallel
        self._committed: set[str] = set()
        self._limits: dict[int, int | None] = {}
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
            most_jobs=self.max_parallel or MOST_JOBS,
        )

    async def aclose(self) -> None:
        """Stop working on every job."""
        if "runner" in vars(self):
            await self.runner.aclose()

    def check(self, plan: Plan) -> None:
        """Raise what `start` would raise for the plan as it was drafted."""
        self._service.require_key()
        self._check_price(plan.draft.costing, plan.max_credits)

    def start(self, plan: Plan) -> Run:
        """Write the run and all its jobs into the store, then start them.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        with self._live_records.dispatching():
            run, current = persist(lambda *, is_again: self._enter(plan))  # noqa: ARG005
            gate = self._gate(current.costing)
            # Stopped jobs stay stopped: no draft counts their price.
            going = [job for job in run.jobs if job.status != "stopped"]
            self._take_up(going, run.id, unsent=True, gate=gate, most_jobs=plan.max_parallel)
            self._live_records.touch(run)
        return run

    def defer(self, plan: Plan) -> Run:
        """Write the run and all its jobs into the store, and leave them to workers.

        Raises:
            CreditLimitError, NotConnectedError: like `start`.
        """
        limit = self._max_credits if plan.max_credits is None else plan.max_credits
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
            left = None
            if self._max_credits is not None:
                committed = self._store.jobs(self._committed).values()
                left = self._max_credits - sum(job.committed for job in committed)
            records = self._claim(run, most, left, user)
            self._committed |= {record.id for record in records if record.status in UNSENT}
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

    def _enter(self, plan: Plan, deferral: Deferral | None = None) -> tuple[Run, Draft]:
        """The plan's run, which is in the store now, and the draft that it was written from."""
        self._service.require_key()
        # The requests are those of the plan, but the history may have changed since it was made.
        while (record := self._write_down(plan, current := plan.drafted(), deferral)) is None:
            pass
        # Drawn seeds are known by now: running the plan again asks for the same pictures, and buys none.
        plan.expansion = plan.expansion.written_down()
        self._limits[record.id] = plan.max_credits
        return self._live_records.run(record), current

    def _write_down(self, plan: Plan, current: Draft, deferral: Deferral | None) -> RunRecord | None:
        """The run in the store, new or extended; None if the draft is out of date by now."""
        self._allow(current.costing, plan.max_credits)
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
                run = self._live_records.run(self.own_run(run_id))
                jobs = run.jobs
                self._allow_rest([job.record for job in jobs], unsent, max_credits)
            self._limits[run.id] = max_credits
            if unsent:
                self._store.deferrals.take_back([job.id for job in jobs if job.record.is_deferred])
            gate = self._gate(self._rest([job.record for job in jobs], unsent))
            self._take_up(jobs, run.id, unsent=unsent, doubtful=unsent, gate=gate)
            self._live_records.touch(run)
        return run

    def _take_up(
        self,
        jobs: Iterable[Job],
        run_id: int,
        *,
        unsent: bool,
        doubtful: bool = False,
        gate: Gate | None = None,
        most_jobs: int | None = None,
    ) -> None:
        """Go on with these jobs from their statuses, where anything is left to do.

        With `unsent`, also with those that were never sent; with `doubtful`, also with those that sending may bill
        a second time.
        """
        going: list[LiveJob] = []
        steps: dict[str, list[Job]] = {}
        for job in jobs:
            if doubtful and self._is_doubtful(job.record):
                job.live.may_be_billed_again = True
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
            record = self.own_run(run_id)
            places = self._failed_places(record)
            while (extended := self._ask_again(record, places, max_credits)) is None:
                record = self.own_run(run_id)
            self._limits[run_id] = max_credits
            run = self._live_records.run(extended)
            again = {cell.job_id for cell in run.shown.cells if cell.coordinates in places}
            # What another kernel has asked for again already is followed too.
            again |= self._store.claims.taken(job.record for job in run.jobs if job.status in UNFINISHED)
            wanted = [job for job in run.jobs if job.id in again or job.status == "undelivered"]
            unsent = [job.record for job in wanted if job.status in UNSENT]
            gate = self._gate([job for job in unsent if not self._live_records.is_working(job.id)])
            going = [job for job in wanted if job.status != "stopped"]
            self._take_up(going, run.id, unsent=True, gate=gate)
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
        again = {
            job.id: known.get(job.identity)
            or planned_job(job.request, self._service.name, self._store.database.now())
            for job in failed.values()
        }
        new = [job for job in again.values() if job.identity not in known]
        standing = [*known.values(), *(jobs[cell.job_id] for cell in cells if cell.job_id not in failed)]
        idle = self._live_records.idle(standing)
        self._allow([*new, *(job for job in standing if job.id in idle)], max_credits)
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

    def _allow(self, jobs: Sequence[JobRecord], max_credits: int | None) -> None:
        """Check the limits, and count these jobs against them.

        Raises:
            CreditLimitError: they cost more than is allowed; none of them is counted.
        """
        self._check_price(jobs, max_credits)
        if jobs:
            self._store.make_ready()
        self._committed |= {job.id for job in jobs}

    def _check_price(self, jobs: Sequence[JobRecord], max_credits: int | None) -> None:
        price = sum(job.price or 0 for job in jobs)
        limit = DEFAULT_LIMIT if max_credits is None and self._max_credits is None else max_credits
        media = {job.makes for job in jobs}
        least = "at least " if any(job.price_is_least for job in jobs) else ""
        what = f"{count(len(jobs), f'new {noun(media)}')} would cost {least}{count(price, 'credit')}"
        if limit is not None and price > limit:
            allowed = "" if media == {"image"} else f", which allows {_most(jobs, limit)} of them"
            raise CreditLimitError(
                f"{what}, and the limit is {limit:,}{allowed}. Nothing was sent. "
                f"max_credits={price} (--max-credits {price}) allows it.",
                enough=price,
            )
        unpriced = sum(job.has_open_price for job in jobs)
        if max_credits is None and unpriced > MOST_UNPRICED:
            open_price, counted = "known", "which does not count them"
            if all(job.price is not None for job in jobs):
                open_price, counted = "fixed", "which counts the least that they cost"
            raise CreditLimitError(
                f"{count(unpriced, f'new {noun(media)}')} are of models whose price is not {open_price}, and the "
                f"limit is {MOST_UNPRICED}. Nothing was sent. max_credits={DEFAULT_LIMIT} (--max-credits "
                f"{DEFAULT_LIMIT}), {counted}, allows it."
            )
        ids = {job.id for job in jobs}
        if jobs and self._max_credits is not None:
            committed = self._store.jobs(self._committed - ids).values()
            before = sum(job.committed for job in committed)
            if before + price > self._max_credits:
                raise CreditLimitError(
                    f"{what}; this session has committed {before:,} of its {self._max_credits:,}. Nothing was "
                    "sent. connect(max_credits=…) sets another limit."
                )
        self._store.credit_limits.check(self._store.users.me, jobs)

    def _replaced(self, job: JobRecord) -> LiveJob:
        """A new job for the same request, which replaces the old one in every run."""
        new = planned_job(job.request, self._service.name, self._store.database.now())
        # The same one where the database did not answer the first time.
        replacement = self._replacing.setdefault(job.id, replace(new, deferred=job.deferred))
        new = self._store.asking.replace_job(job.id, replacement)
        for record in self._store.runs.of([new.id]):
            self._live_records.run(record)
        self._committed.add(new.id)
        return self._live_records.job(new).live

    def _take_over(self, job: LiveJob) -> str | None:
        """Take over a job that another kernel was going to send, with all others of its run.

        Gives None, or the reason why the job is not sent.
        """
        if job.id in self._committed:
            return None
        with self._live_records.dispatching():
            for run_id in tuple(job.wanted_by):
                run = self._live_records.run(self._store.runs.get(run_id))
                jobs = [each for each in run.jobs if run_id in each.live.wanted_by]
                mine = [each.record for each in jobs if each.id in self._committed]
                rest = [each for each in jobs if each.status in UNSENT and each.id not in self._committed]
                try:
                    self._check_price([*mine, *(each.record for each in rest)], self._limits.get(run_id))
                    self._store.asking.ask_for([each.id for each in rest])
                except CreditLimitError as error:
                    reason = f"the kernel that was to send this does not: {error}"
                    for each in rest:
                        each.live.wanted_by.discard(run_id)
                        each.live.changed(notice=reason)
                    continue
                gate = self._gate([each.record for each in rest])
                for each in rest:
                    self._committed.add(each.id)
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

    def _gate(self, jobs: Sequence[JobRecord]) -> Gate | None:
        """A check whether the balance covers these jobs before they are submitted; None if they cost nothing."""
        price = sum(job.price or 0 for job in jobs)
        return self._ask_balance(price) if price else None

    def _ask_balance(self, price: int) -> Gate:
        service = self._service
        return self._live_records.work_loop.start(short_of(service.client, service.name, price))

    def _reopen(self, jobs: Sequence[Job], status: str) -> None:
        """Set jobs that ended without their pictures back to the step that `status` names."""
        self._store.claims.reopen([job.record for job in jobs], status)
        records = self._store.jobs([job.id for job in jobs])
        for job in jobs:
            job.live.changed(records[job.id])

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
        self._allow(rest, max_credits)
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


def _most(jobs: Sequence[JobRecord], limit: int) -> int:
    """How many of these jobs a limit allows, in their order."""
    return sum(each <= limit for each in accumulate(job.price or 0 for job in jobs))
