"""Runs jobs from planned to delivered: upload, submit, collect; each step is stored before it is taken.

The stored state decides how a job continues, in this process or in another one after a crash: the exact body
of a submit is stored before it is sent, and after a lost answer the same bytes are sent again with the same
idempotency key, never with new ones.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import (
    CreditLimitError,
    DatabaseUnreachableError,
    JobTakenError,
    NotConnectedError,
    StoreError,
)
from rivya_nb.jobs.balance import Gate, answer_of
from rivya_nb.jobs.claiming import claim
from rivya_nb.jobs.collecting import Collector
from rivya_nb.jobs.following import Following
from rivya_nb.jobs.giving_up import TICK, is_given_up
from rivya_nb.jobs.governor import Governor
from rivya_nb.jobs.limits import Limits
from rivya_nb.jobs.lines import Lines
from rivya_nb.jobs.outlook import outlooks
from rivya_nb.jobs.patience import current, stored
from rivya_nb.jobs.sending import Sender, SubmitRefusedError
from rivya_nb.jobs.sharing import INTERVAL, Sharing
from rivya_nb.jobs.task_times import TaskTimes
from rivya_nb.jobs.together import end
from rivya_nb.store.persisting import once
from rivya_nb.store.records import UNSENT, JobRecord

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.records import Task
    from rivya_nb.api.results import ResultFetcher
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.store.store import Store

MOST_JOBS = 256
"""Jobs of one session between their upload and their picture, if no other ceiling was given."""

MORE_READY = 8
"""Jobs that are uploaded, or wait for the turn of their submit, at a time: so many more than calls are under
way."""

SLICE = 100
"""Jobs that are changed in one step of the loop."""

_DONE = frozenset({"succeeded", "failed"})
"""Statuses in which no process takes up a job again."""


class Runner:
    """Runs the jobs of one session. Every coroutine runs on the session's loop; `launch` may be called from
    any thread.

    `label` stands for the key of the service: kernels with the same label share what it allows. `replace_job`
    makes a new job of the same request for one that certainly was not accepted; `take_over` allows to send a job
    that another kernel was to send, or returns the reason why not. `passed_limits` tells, for a job that
    was submitted and others whose submits are under way, which runs would pass their limits at that price, each
    with the reason why the rest is not sent. At most `most_jobs` are between their upload and their picture.
    """

    def __init__(
        self,
        *,
        service: str,
        label: str,
        client: RivyaClient,
        fetcher: ResultFetcher,
        store: Store,
        work_loop: WorkLoop,
        replace_job: Callable[[JobRecord], LiveJob],
        take_over: Callable[[LiveJob], str | None],
        passed_limits: Callable[[LiveJob, Collection[LiveJob]], Mapping[int, str]],
        most_jobs: int = MOST_JOBS,
    ) -> None:
        self._client = client
        self._store = store
        self._work_loop = work_loop
        self._replace = replace_job
        self._take_over = take_over
        self._passed_limits = passed_limits
        self._most_jobs = most_jobs
        self.governor = Governor(client.retries, Limits())
        self._sharing = Sharing(service, label, store, self.governor)
        self._times = TaskTimes(service, store)
        self._sender = Sender(service, label, client, store, self.governor, self._times)
        self._collector = Collector(label, client, fetcher, store, self.governor, self._times)
        self._launching = threading.Lock()
        self._jobs: dict[str, LiveJob] = {}
        self._again: set[str] = set()
        self._gates: dict[str, Gate] = {}
        self._lines = Lines()
        self._followed = Following(store, work_loop)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ready: dict[str, LiveJob] = {}
        self._helpers: set[asyncio.Task[None]] = set()
        self._sweeping = self._following = self._is_sharing = self._is_writing = False
        self._replacements: set[str] = set()

    def launch(
        self,
        jobs: Iterable[LiveJob],
        run_id: int,
        gate: Gate | None = None,
        *,
        most_jobs: int | None = None,
    ) -> None:
        """Continue jobs, for a run, from the state in their records; a job is worked on once, however often it
        is launched.

        Before one is submitted, `gate` has to answer None; any other answer is the reason why it is not
        submitted. At most `most_jobs` of the run are between their upload and their picture, also when
        it is launched again.
        """
        new: list[LiveJob] = []
        with self._launching:
            if most_jobs is not None:
                self._lines.limit(run_id, most_jobs)
            for job in jobs:
                if gate is not None:
                    self._gates[job.id] = gate
                job.wanted_by.add(run_id)
                job.is_watched = False
                if job.is_working:
                    self._again.add(job.id)
                else:
                    job.begin()
                    self._jobs[job.id] = job
                    new.append(job)
            if new:
                self._begin_work()
        self._followed.stir()
        if new:
            self._work_loop.start(self._begin(new))

    def watch(self, jobs: Iterable[LiveJob]) -> None:
        """Follow jobs that other processes work on, as long as they do; none is claimed for that."""
        with self._launching:
            new = [job for job in jobs if not job.is_working]
            for job in new:
                job.is_watched = True
                job.begin()
                self._jobs[job.id] = job
            if new:
                self._begin_work()
        if new:
            self._work_loop.start(self._begin(new))

    def gate(self, job: LiveJob, gate: Gate | None) -> None:
        """Make `gate` answer before the job is submitted, as in `launch`."""
        if gate is not None:
            self._gates[job.id] = gate

    async def aclose(self) -> None:
        """Stop all work, at whatever step it is; stored jobs can be resumed from anywhere."""
        # Nothing begins any more; what ends now may still have asked for more.
        self._most_jobs = 0
        while work := [*self._helpers, *self._tasks.values()]:
            await end(work)
        with self._launching:
            jobs = list(self._jobs.values())
            self._jobs.clear()
            self._lines = Lines()
        # The session must also close if the store is gone.
        with suppress(StoreError):
            await asyncio.to_thread(once, self._store.claims.release, [job.id for job in jobs])
        for job in jobs:
            job.end()
            job.changed()
        await self._end_work()

    # Waiting for a place

    async def _begin(self, jobs: Sequence[LiveJob]) -> None:
        # As a task of its own it ends with the session.
        await self._help(self._sort(jobs))

    async def _begin_to_share(self) -> None:
        if not self._is_sharing:
            self._is_sharing = True
            try:
                await self._agree()
            finally:
                self._help(self._share())

    async def _share(self) -> None:
        """Share what the service allows with other kernels, as long as there is work."""
        try:
            while self._jobs:
                await asyncio.sleep(INTERVAL)
                await self._agree()
        finally:
            self._is_sharing = False

    async def _agree(self) -> None:
        await self._sharing.agree(min(len(self._jobs) - len(self._followed.jobs), self._most_jobs))

    async def _sort(self, jobs: Sequence[LiveJob]) -> None:
        """Put jobs that this process may work on into the line; follow those that another one works on."""
        # The session may have been closed meanwhile.
        jobs = [job for job in jobs if job.id in self._jobs]
        current.set(jobs)
        try:
            await self._begin_to_share()
            claimed = await stored(claim, self._store, jobs)
        except (NotConnectedError, StoreError) as error:
            async for job in _in_slices(jobs):
                job.changed(notice=str(error))
                self._leave(job)
            return
        except Exception as error:
            for job in jobs:
                self._leave(job, error)
            raise
        async for job in _in_slices(jobs):
            was_followed = self._followed.jobs.pop(job.id, None) is not None
            if (record := claimed.records.get(job.id)) is not None:
                is_refused = record.status == "stopped" and claimed.refusal is not None
                job.changed(record, notice=claimed.refusal if is_refused else job.notice)
            if job.id in claimed.own and not job.record.is_final:
                self._lines.add(job)
            elif job.id not in claimed.elsewhere if job.is_watched else is_given_up(job):
                self._leave(job)
            else:
                self._followed.jobs[job.id] = job
                if not was_followed:
                    job.changed(notice=job.notice)
        self._fill_places()
        if self._followed.jobs and not self._following:
            self._following = True
            self._help(self._follow())
        if (self._lines or self._ready) and not self._sweeping:
            self._sweeping = True
            self._help(self._sweep())

    async def _follow(self) -> None:
        """Look again and again at the jobs that other processes work on."""
        try:
            while self._followed.jobs:
                await self._followed.news()
                await self._sort(list(self._followed.jobs.values()))
        finally:
            self._following = False

    async def _sweep(self) -> None:
        """Give back the waiting jobs that no run wants any more, and tell how long the others may wait."""
        try:
            while self._lines or self._ready:
                await asyncio.sleep(TICK)
                if unwanted := self._lines.take_unwanted():
                    await self._give_back(unwanted)
                for job, words in outlooks(self._lines, self._ready.values(), self.governor.limits):
                    job.changed(notice=words)
        finally:
            self._sweeping = False

    async def _give_back(self, jobs: Sequence[LiveJob]) -> None:
        records: dict[str, JobRecord] = {}
        notice: str | None = None
        current.set(jobs)
        try:
            await stored(self._store.claims.put_back, [job.id for job in jobs])
            records = await stored(self._store.jobs, [job.id for job in jobs])
        except StoreError as error:
            notice = str(error)
        async for job in _in_slices(jobs):
            job.changed(records.get(job.id), notice=notice or job.notice)
            self._leave(job)

    def _fill_places(self) -> None:
        """Begin with as many jobs of the line as may be worked on now."""
        while len(self._tasks) < self._most_jobs:
            job = self._lines.take(unsent=len(self._ready) < self.governor.most_calls + MORE_READY)
            if job is None:
                return
            if job.notice and not job.is_held:
                job.changed()
            if job.record.status in (*UNSENT, "submitting"):
                self._ready[job.id] = job
            self._tasks[job.id] = task = asyncio.ensure_future(self._work(job))
            task.add_done_callback(partial(self._worked, job))

    def _worked(self, job: LiveJob, task: asyncio.Task[None]) -> None:
        self._tasks.pop(job.id, None)
        self._lines.done(job)
        self._ready.pop(job.id, None)
        self.governor.in_flight.leave(job.id)
        # A cancelled one is left by who cancelled it.
        if not task.cancelled():
            self._leave(job, task.exception())
            self._fill_places()

    def _leave(self, job: LiveJob, failure: BaseException | None = None) -> None:
        """Stop working on a job, unless it was launched again meanwhile and must be looked at again."""
        self._followed.jobs.pop(job.id, None)
        with self._launching:
            if self._goes_on(job, failure):
                self._again.discard(job.id)
                self._help(self._sort([job]))
            elif len(self._jobs) > 1:
                self._forget(job, failure)
            else:
                self._help(self._finish(job, failure))

    def _goes_on(self, job: LiveJob, failure: BaseException | None) -> bool:
        is_wanted = not (job.is_held and job.record.status in UNSENT)
        return job.id in self._again and is_wanted and failure is None

    def _forget(self, job: LiveJob, failure: BaseException | None) -> None:
        self._again.discard(job.id)
        self._gates.pop(job.id, None)
        self._jobs.pop(job.id, None)
        job.end(failure)

    async def _finish(self, job: LiveJob, failure: BaseException | None) -> None:
        """Leave the last job: when it has ended, all that was written is in the database's own file."""
        try:
            await self._end_work()
        except Exception as error:
            # Who waits for the job would wait for ever if it did not end.
            failure = failure or error
        with self._launching:
            if self._is_writing and len(self._jobs) == 1:
                # Others came meanwhile, and have ended already.
                self._help(self._finish(job, failure))
                return
            if goes_on := self._goes_on(job, failure):
                self._again.discard(job.id)
                self._help(self._sort([job]))
            else:
                self._forget(job, failure)
            if goes_on or self._jobs:
                self._begin_work()

    def _begin_work(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._store.database.begin_work()

    async def _end_work(self) -> None:
        if self._is_writing:
            self._is_writing = False
            # Nothing is lost without it but the best moments of polls.
            with suppress(StoreError):
                await self._times.write()
            await self._sharing.leave()
            await asyncio.to_thread(self._store.database.end_work)

    def _help(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)
        return task

    # The steps of a job

    async def _work(self, job: LiveJob) -> None:
        current.set([job])
        try:
            if is_given_up(job):
                await self._sender.put_back(job)
            else:
                await self._carry(job)
            if job.record.status not in _DONE:
                # Another kernel may be able to continue it; it may have been stopped just after it was claimed.
                await stored(self._store.claims.release, [job.id])
        except (JobTakenError, DatabaseUnreachableError) as error:
            # Its stored state decides how it goes on, and who goes on with it.
            self._again.add(job.id)
            job.changed(notice=str(error))
        except (NotConnectedError, StoreError) as error:
            # If the store or the connection fails, the job stays in its stored state.
            with suppress(StoreError):
                await asyncio.to_thread(once, self._store.claims.release, [job.id])
            job.changed(notice=str(error))

    async def _carry(self, job: LiveJob) -> None:
        status = job.record.status
        task: Task | None = None
        if status in UNSENT or status == "submitting":
            task = await self._submit(job)
            self._ready.pop(job.id, None)
            self._fill_places()
            if task is None:
                return
        await self._collector.collect(job, task, submitted=status in UNSENT)
        if job.record.status == "failed":
            await self._sender.forget_gone_references(job)

    async def _submit(self, job: LiveJob) -> Task | None:
        """Submit a job; None if it was held, stopped or not taken."""
        again = job.record.status == "submitting"
        # The user's permission holds for one submit.
        anew, job.may_be_billed_again = job.may_be_billed_again, False
        if not again and (reason := await stored(self._take_over, job)) is not None:
            job.changed(notice=reason)
        gate = self._gates.pop(job.id, None)
        if not again and gate is not None and (reason := await answer_of(gate, job)) is not None:
            await self._hold(
                [job, *(each for each in self._lines if self._gates.get(each.id) is gate)], reason
            )
        try:
            task = await self._sender.submit(job, again=again, anew=anew)
        except SubmitRefusedError as refusal:
            if refusal.has_lost_reference:
                await self._submit_anew(job)
            if refusal.is_for_everything:
                # Every job that was not submitted yet would fail in the same way.
                mine = [each for each in tuple(self._jobs.values()) if not each.is_watched]
                unsent = [each for each in mine if each.record.status in UNSENT]
                await self._hold(unsent, f"not sent: {refusal.error}")
            return None
        if task is not None:
            await self._keep_limits(job)
        return task

    async def _keep_limits(self, job: LiveJob) -> None:
        """Hold back the rest of the runs that would pass their limits by what the service reserved for a job."""
        others = (each for each in self._ready.values() if each is not job)
        under_way = [each for each in others if each.record.status == "submitting"]
        for run_id, reason in self._passed_limits(job, under_way).items():
            unsent = [each for each in tuple(self._jobs.values()) if each.record.status in UNSENT]
            await self._hold([each for each in unsent if each.wanted_by == {run_id}], reason)

    async def _submit_anew(self, job: LiveJob) -> None:
        """Continue with a new job, once: another upload has another address, so the body is another one."""
        if job.id not in self._replacements:
            try:
                replacement = await stored(self._replace, job.record)
            except CreditLimitError as error:
                # What was refused is free again, and somebody else has used it.
                job.changed(notice=str(error))
                return
            self._replacements.add(replacement.id)
            for run_id in tuple(job.wanted_by):
                self.launch([replacement], run_id)

    async def _hold(self, jobs: Sequence[LiveJob], reason: str) -> None:
        """Hold back jobs that were not submitted."""
        for job in jobs:
            job.wanted_by.clear()
        async for job in _in_slices(jobs):
            job.changed(notice=reason)


async def _in_slices(jobs: Sequence[LiveJob]) -> AsyncIterator[LiveJob]:
    """The jobs, with a turn of the loop for others after each slice."""
    for number, job in enumerate(jobs, 1):
        yield job
        if number % SLICE == 0:
            await asyncio.sleep(0)
