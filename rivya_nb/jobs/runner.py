"""Carrying jobs from planned to delivered: upload, submit, collect, each step in the store first.

What was written decides how a job goes on, in this process or in another one after a crash: the exact body of
a submit is stored before it leaves, and an answer that got lost is asked for again with the same bytes and
the same idempotency key, never with new ones.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rivya_nb.api.client import generation_body
from rivya_nb.api.retry import REMEMBERED
from rivya_nb.errors import (
    ApiError,
    ApiKeyExpiredError,
    ApiKeyInvalidError,
    ApiKeyMissingError,
    ApiKeyRevokedError,
    ApiScopeDeniedError,
    InsufficientCreditsError,
    NotConnectedError,
    NotDeliveredError,
    PublicApiDisabledError,
    RateLimitedError,
    StoreError,
    TransportError,
    ValidationFailedError,
)
from rivya_nb.jobs.collecting import NO_ERROR, Collector, write_down
from rivya_nb.jobs.doubt import DOUBTFUL, is_doubtful
from rivya_nb.jobs.giving_up import BALANCE_TIMEOUT, answer_of, is_given_up, place_for
from rivya_nb.jobs.rate_limit import TICK, RateLimit
from rivya_nb.jobs.together import end
from rivya_nb.jobs.uploads import Uploads
from rivya_nb.store.records import UNSENT, JobRecord

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.pictures import PictureFetcher
    from rivya_nb.api.records import Task
    from rivya_nb.api.retry import RetryNotice
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.store.store import Store

JOBS_AT_ONCE = 16
"""Jobs of one session between their upload and their picture."""

SUBMITS_AT_ONCE = 4
"""Submits of one session under way: so many can meet the same rate limit."""

FOLLOW_INTERVAL = 1.0
"""Seconds between two looks at a job that another process is carrying on."""

_DONE = frozenset({"succeeded", "failed"})
"""Nobody takes up a job that has ended so."""

_FOR_EVERYTHING = (
    ApiKeyExpiredError,
    ApiKeyInvalidError,
    ApiKeyMissingError,
    ApiKeyRevokedError,
    ApiScopeDeniedError,
    InsufficientCreditsError,
    PublicApiDisabledError,
)
"""Refusals that do not speak of one request: whatever is submitted next meets them too."""

_current: ContextVar[LiveJob | None] = ContextVar("rivya_job", default=None)


def tell_waiting(notice: RetryNotice) -> None:
    """Show on the current task's job why the wire is waiting; the client calls this before each wait."""
    job = _current.get()
    if job is not None:
        job.changed(notice=str(notice))


class Runner:
    """Carries the jobs of one session. Every coroutine runs on the session's loop; `launch` may be called
    from any thread.

    `replace_job` puts a new job of the same request in the place of one that certainly was not accepted;
    `take_over` allows a job to be sent that another kernel was to send, or gives the reason why not.
    """

    def __init__(
        self,
        *,
        service: str,
        client: RivyaClient,
        fetcher: PictureFetcher,
        store: Store,
        work_loop: WorkLoop,
        replace_job: Callable[[JobRecord], LiveJob],
        take_over: Callable[[LiveJob], str | None],
    ) -> None:
        self._service = service
        self._client = client
        self._collector = Collector(client, fetcher, store)
        self._store = store
        self._work_loop = work_loop
        self._launching = threading.Lock()
        self._jobs: dict[str, LiveJob] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._gates: dict[str, concurrent.futures.Future[str | None]] = {}
        self._rate_limit = RateLimit(client.retries)
        # A job that meets a rate limit is planned again, and can be stopped while it waits.
        self._retries = replace(client.retries, ends_at_limit=True)
        self._slots = asyncio.Semaphore(JOBS_AT_ONCE)
        self._submits = asyncio.Semaphore(SUBMITS_AT_ONCE)
        self._references = Uploads(service, client, store)
        self._replace = replace_job
        self._take_over = take_over
        self._replacements: set[str] = set()

    def can_pay(self, price: int) -> concurrent.futures.Future[str | None]:
        """Ask whether the balance covers a price in credits: None, or why nothing should be submitted."""
        return self._work_loop.start(self._short_of(price))

    async def _short_of(self, price: int) -> str | None:
        try:
            balance = await asyncio.wait_for(self._client.credits.retrieve(), BALANCE_TIMEOUT)
        except (ApiError, TransportError, asyncio.TimeoutError):
            # Then each submit finds out by itself.
            return None
        if balance.current_credits >= price:
            return None
        left = f"{balance.current_credits:,} are left at {self._service}"
        return f"nothing was sent: it would cost {price:,} credits, and {left}"

    def launch(
        self, job: LiveJob, run_id: int, gate: concurrent.futures.Future[str | None] | None = None
    ) -> None:
        """Carry a job on, for a run, from where its record says it is; once, however often it is asked for.

        Before it is submitted, `gate` has to answer None; anything else is why it is not.
        """
        with self._launching:
            if gate is not None:
                self._gates[job.id] = gate
            job.wanted_by.add(run_id)
            if job.is_working:
                self._again.add(job.id)
            else:
                job.is_working = True
                self._jobs[job.id] = job
                job.work = self._work_loop.start(self._work_through(job))

    def gate(self, job: LiveJob, gate: concurrent.futures.Future[str | None] | None) -> None:
        """Have `gate` answer before the job is submitted, as `launch` does."""
        if gate is not None:
            self._gates[job.id] = gate

    @property
    def working(self) -> list[LiveJob]:
        """The jobs that are being carried on now."""
        return [job for job in tuple(self._jobs.values()) if job.is_working]

    async def _work_through(self, job: LiveJob) -> None:
        self._store.begin_work()
        try:
            await self._work(job)
        finally:
            await asyncio.to_thread(self._store.end_work)

    async def _work(self, job: LiveJob) -> None:
        _current.set(job)
        task = asyncio.current_task()
        if task is not None:
            self._tasks[job.id] = task
        try:
            while True:
                self._again.discard(job.id)
                await self._work_once(job)
                with self._launching:
                    # Asked for once more meanwhile: whoever did so relies on this.
                    if job.id not in self._again or (job.is_held and job.record.status in UNSENT):
                        self._forget(job)
                        return
        except BaseException:
            self._forget(job)
            raise

    async def aclose(self) -> None:
        """Let go of everything, at whatever step it is; what was written down can be resumed from anywhere."""
        jobs = self.working
        await end(list(self._tasks.values()))
        for job in jobs:
            # A store that is gone keeps no session from being closed.
            with suppress(StoreError):
                await asyncio.to_thread(self._store.claims.release, job.id)
            job.changed()

    def _forget(self, job: LiveJob) -> None:
        job.is_working = False
        self._jobs.pop(job.id, None)
        self._tasks.pop(job.id, None)

    async def _work_once(self, job: LiveJob) -> None:
        try:
            if await self._own(job):
                async with place_for(self._slots, job) as is_wanted:
                    if is_wanted:
                        await self._carry(job)
                    elif not job.record.is_final:
                        await self._put_back(job)
                if job.record.status not in _DONE:
                    # Whatever keeps us from going on need not keep another kernel.
                    await asyncio.to_thread(self._store.claims.release, job.id)
        except (NotConnectedError, StoreError) as error:
            # What cannot be written down, or sent from here, is not done; the job stays where its record says.
            with suppress(StoreError):
                await asyncio.to_thread(self._store.claims.release, job.id)
            job.changed(notice=str(error))

    async def _own(self, job: LiveJob) -> bool:
        """Become the job's owner; while another process is, follow what it writes. False when it finished."""
        while True:
            record = await asyncio.to_thread(self._store.job, job.id)
            if record.status == "stopped" and not job.is_held:
                # The kernel that was to send it has given it up, and here it is wanted all the same.
                await asyncio.to_thread(self._store.claims.reopen, record, "planned")
                continue
            if record.is_final:
                job.changed(record)
                return False
            if await asyncio.to_thread(self._claim, record):
                # What the last owner wrote just before it died counts, not what was read before.
                job.changed(await asyncio.to_thread(self._store.job, job.id), notice=job.notice)
                return not job.record.is_final
            if is_given_up(job):
                # Who gives it up may have written that down since it was read.
                job.changed(await asyncio.to_thread(self._store.job, job.id), notice=job.notice)
                return False
            job.changed(record)
            await asyncio.sleep(FOLLOW_INTERVAL)

    def _claim(self, record: JobRecord) -> bool:
        claims = self._store.claims
        return not claims.is_taken(record) and record.id in claims.claim([record.id])

    async def _carry(self, job: LiveJob) -> None:
        status = job.record.status
        task: Task | None = None
        if status in UNSENT or status == "submitting":
            task = await self._submit(job)
            if task is None:
                return
        await self._collector.collect(job, task, submitted=status in UNSENT)

    async def _submit(self, job: LiveJob) -> Task | None:
        """Upload, write the exact body down and send it; None where it was held, stopped or not taken."""
        again = job.record.status == "submitting"
        # Wanted by the user for this one time.
        anew, job.may_be_billed_again = job.may_be_billed_again, False
        if not again and (reason := await asyncio.to_thread(self._take_over, job)) is not None:
            job.changed(notice=reason)
        gate = self._gates.pop(job.id, None)
        if not again and gate is not None and (reason := await answer_of(gate, job)) is not None:
            job.wanted_by.clear()
            job.changed(notice=reason)
        media = () if again else await self._media_items(job)
        if media is None:
            return None
        async with place_for(self._submits, job) as is_wanted:
            while is_wanted:
                await self._rate_limit.over(job)
                await asyncio.to_thread(self._store.make_ready)
                if not await (self._may_repeat(job, anew) if again else self._begin(job, media)):
                    return None
                with suppress(RateLimitedError):
                    return await self._send(job, again=again, anew=anew)
        await self._put_back(job)
        return None

    async def _may_repeat(self, job: LiveJob, anew: bool) -> bool:
        """False, and the job is unknown, where its submit is too old to be repeated, unless it may be billed
        `anew`."""
        if anew or not is_doubtful(job.record):
            return True
        await write_down(self._store, job, status="unknown", error_message=DOUBTFUL, finished_at=time.time())
        return False

    async def _media_items(self, job: LiveJob) -> Sequence[Mapping[str, Any]] | None:
        """The job's references as they are sent, uploaded where need be; None where that failed, or the job is
        held."""
        if not job.record.references:
            return ()
        if not job.is_held:
            await write_down(self._store, job, status="uploading")
            uploading = asyncio.ensure_future(self._references.media_items(job.record))
            try:
                while not uploading.done() and not job.is_held:
                    await asyncio.wait([uploading], timeout=TICK)
                if uploading.done():
                    return uploading.result()
                job.changed()
            except (ApiError, TransportError) as error:
                await self._refused(job, error)
                return None
            finally:
                await end([uploading])
        await self._put_back(job)
        return None

    async def _begin(self, job: LiveJob, media: Sequence[Mapping[str, Any]]) -> bool:
        """Write down the exact body. False where the job is held, or was stopped, by whatever kernel."""
        if job.is_held:
            await self._put_back(job)
            return False
        body = generation_body(job.record.request, media, job.id).decode()
        begin = self._store.claims.begin_submit
        begun = await asyncio.to_thread(begin, job.id, body=body, submitted_at=time.time())
        job.changed(await asyncio.to_thread(self._store.job, job.id))
        return begun

    async def _put_back(self, job: LiveJob) -> None:
        """Let a job that is held wait as planned."""
        # Who holds it back may be giving it up at this moment: what was stopped stays stopped.
        await asyncio.to_thread(self._store.claims.put_back, job.id)
        job.changed(await asyncio.to_thread(self._store.job, job.id), notice=job.notice)

    async def _send(self, job: LiveJob, *, again: bool, anew: bool) -> Task | None:
        """Submit the stored body under the job's own key; None where the service did not take it.

        `again` where an earlier submit's answer got lost: then only a refusal of the content itself proves
        that nothing was billed. Raises RateLimitedError where the job has to wait for its turn.
        """
        body = (job.record.body or "").encode()
        until = None if anew or not again else (job.record.submitted_at or job.record.created_at) + REMEMBERED
        began = time.monotonic()
        try:
            task = await self._client.generations.create(
                body, idempotency_key=job.id, retries=self._retries, repeat_until=until
            )
        except RateLimitedError as error:
            self._rate_limit.met(error, began)
            if not again:
                await asyncio.to_thread(self._store.claims.withdraw_submit, job.id)
                job.changed(await asyncio.to_thread(self._store.job, job.id))
            raise
        except (ApiError, TransportError) as error:
            refused = isinstance(error, (ApiError, NotDeliveredError))
            if again:
                # A reference that the service lost since is no proof either.
                refused = isinstance(error, ValidationFailedError) and not job.record.references
            await self._refused(job, error, status="failed" if refused else "unknown")
            if refused and await self._references.forget_lost(job.record, error):
                await self._submit_anew(job)
            if isinstance(error, _FOR_EVERYTHING):
                self._hold_unsent(str(error))
            return None
        self._rate_limit.passed()
        await write_down(
            self._store,
            job,
            status="processing" if task.known_status == "processing" else "queued",
            remote_status=task.status,
            task_id=task.id,
            reserved_credits=task.reserved_credits,
            **NO_ERROR,
        )
        return task

    async def _submit_anew(self, job: LiveJob) -> None:
        """Go on with a new job, once: another upload has another address, which makes it another body."""
        if job.id not in self._replacements:
            replacement = await asyncio.to_thread(self._replace, job.record)
            self._replacements.add(replacement.id)
            for run_id in tuple(job.wanted_by):
                self.launch(replacement, run_id)

    def _hold_unsent(self, reason: str) -> None:
        """Keep every job that was not submitted yet from being submitted: it would fail the same way."""
        for job in self.working:
            if job.record.status in UNSENT:
                job.wanted_by.clear()
                job.changed(notice=f"not sent: {reason}")

    async def _refused(
        self, job: LiveJob, error: ApiError | TransportError, *, status: str = "failed"
    ) -> None:
        await write_down(
            self._store,
            job,
            status=status,
            final_credits=0 if status == "failed" else None,
            error_code=(error.code or None) if isinstance(error, ApiError) else None,
            error_message=error.message if isinstance(error, ApiError) else str(error),
            request_id=error.request_id if isinstance(error, ApiError) else None,
            finished_at=time.time(),
        )
