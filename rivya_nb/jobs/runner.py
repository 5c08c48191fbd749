"""Runs jobs from planned to delivered: upload, submit, collect; each step is stored before it is taken.

The stored state decides how a job continues, in this process or in another one after a crash: the exact body
of a submit is stored before it is sent, and after a lost answer the same bytes are sent again with the same
idempotency key, never with new ones.
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
"""Concurrent submits of one session: so many can meet the same rate limit."""

FOLLOW_INTERVAL = 1.0
"""Seconds between two looks at a job that another process works on."""

_DONE = frozenset({"succeeded", "failed"})
"""Statuses in which no process takes up a job again."""

_FOR_EVERYTHING = (
    ApiKeyExpiredError,
    ApiKeyInvalidError,
    ApiKeyMissingError,
    ApiKeyRevokedError,
    ApiScopeDeniedError,
    InsufficientCreditsError,
    PublicApiDisabledError,
)
"""Refusals that are not about one request: the next submit would be refused, too."""

_current: ContextVar[LiveJob | None] = ContextVar("rivya_job", default=None)


def tell_waiting(notice: RetryNotice) -> None:
    """Show on the current task's job why the client waits; the client calls this before each wait."""
    job = _current.get()
    if job is not None:
        job.changed(notice=str(notice))


class Runner:
    """Runs the jobs of one session. Every coroutine runs on the session's loop; `launch` may be called from
    any thread.

    `replace_job` makes a new job of the same request for one that certainly was not accepted; `take_over`
    allows to send a job that another kernel was to send, or returns the reason why not.
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
        # After a rate limit the job is planned again, so that it can be stopped while it waits.
        self._retries = replace(client.retries, ends_at_limit=True)
        self._slots = asyncio.Semaphore(JOBS_AT_ONCE)
        self._submits = asyncio.Semaphore(SUBMITS_AT_ONCE)
        self._references = Uploads(service, client, store)
        self._replace = replace_job
        self._take_over = take_over
        self._replacements: set[str] = set()

    def can_pay(self, price: int) -> concurrent.futures.Future[str | None]:
        """Ask whether the balance covers a price in credits: None if it does, else why nothing should be
        submitted."""
        return self._work_loop.start(self._short_of(price))

    async def _short_of(self, price: int) -> str | None:
        try:
            balance = await asyncio.wait_for(self._client.credits.retrieve(), BALANCE_TIMEOUT)
        except (ApiError, TransportError, asyncio.TimeoutError):
            # Then each submit will be answered by the service itself.
            return None
        if balance.current_credits >= price:
            return None
        left = f"{balance.current_credits:,} are left at {self._service}"
        return f"nothing was sent: it would cost {price:,} credits, and {left}"

    def launch(
        self, job: LiveJob, run_id: int, gate: concurrent.futures.Future[str | None] | None = None
    ) -> None:
        """Continue a job, for a run, from the state in its record; a job is worked on once, however often it
        is launched.

        Before it is submitted, `gate` has to answer None; any other answer is the reason why it is not
        submitted.
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
        """Make `gate` answer before the job is submitted, as in `launch`."""
        if gate is not None:
            self._gates[job.id] = gate

    @property
    def working(self) -> list[LiveJob]:
        return [job for job in tuple(self._jobs.values()) if job.is_working]

    async def _work_through(self, job: LiveJob) -> None:
        self._store.database.begin_work()
        try:
            await self._work(job)
        finally:
            await asyncio.to_thread(self._store.database.end_work)

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
                    # It was launched again meanwhile, so it must be looked at again.
                    if job.id not in self._again or (job.is_held and job.record.status in UNSENT):
                        self._forget(job)
                        return
        except BaseException:
            self._forget(job)
            raise

    async def aclose(self) -> None:
        """Stop all work, at whatever step it is; stored jobs can be resumed from anywhere."""
        jobs = self.working
        await end(list(self._tasks.values()))
        for job in jobs:
            # The session must also close if the store is gone.
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
                # Another kernel may be able to continue it; it may have been stopped just after it was claimed.
                await asyncio.to_thread(self._store.claims.release, job.id)
        except (NotConnectedError, StoreError) as error:
            # If the store or the connection fails, the job stays in its stored state.
            with suppress(StoreError):
                await asyncio.to_thread(self._store.claims.release, job.id)
            job.changed(notice=str(error))

    async def _own(self, job: LiveJob) -> bool:
        """Become the job's owner; while another process owns it, follow its record. False if it has ended."""
        while True:
            record = await asyncio.to_thread(self._store.job, job.id)
            if record.status == "stopped" and not job.is_held:
                # The kernel that was to send it has stopped it, but a run of this process wants it.
                await asyncio.to_thread(self._store.claims.reopen, record, "planned")
                continue
            if record.is_final:
                job.changed(record)
                return False
            if await asyncio.to_thread(self._claim, record):
                # The last owner may have changed the record just before it ended.
                job.changed(await asyncio.to_thread(self._store.job, job.id), notice=job.notice)
                return not job.record.is_final
            if is_given_up(job):
                # It may have been stopped since the record was read.
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
        """Upload references, store the exact body and send it; None if it was held, stopped or not taken."""
        again = job.record.status == "submitting"
        # The user's permission holds for one submit.
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
        """False if a submit is too old to be repeated (the job becomes unknown), unless it may be billed
        `anew`."""
        if anew or not is_doubtful(job.record):
            return True
        await write_down(self._store, job, status="unknown", error_message=DOUBTFUL, finished_at=time.time())
        return False

    async def _media_items(self, job: LiveJob) -> Sequence[Mapping[str, Any]] | None:
        """The job's references as they are sent, uploaded if necessary; None if that failed, or the job is
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
        """Store the exact body. False if the job is held, or was stopped by any kernel."""
        if job.is_held:
            await self._put_back(job)
            return False
        body = generation_body(job.record.request, media, job.id).decode()
        begin = self._store.claims.begin_submit
        begun = await asyncio.to_thread(begin, job.id, body=body, submitted_at=time.time())
        job.changed(await asyncio.to_thread(self._store.job, job.id))
        return begun

    async def _put_back(self, job: LiveJob) -> None:
        """Set a job that is held back to planned."""
        # It may be stopped at this moment: a stopped job stays stopped.
        await asyncio.to_thread(self._store.claims.put_back, job.id)
        job.changed(await asyncio.to_thread(self._store.job, job.id), notice=job.notice)

    async def _send(self, job: LiveJob, *, again: bool, anew: bool) -> Task | None:
        """Submit the stored body under the job's own key; None if the service did not take it.

        With `again`, an earlier submit got no answer: then only a refusal of the content itself proves that
        nothing was billed. Raises RateLimitedError if the job has to wait for its turn.
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
                # A reference that the service has lost is not a proof either.
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
        """Continue with a new job, once: another upload has another address, so the body is another one."""
        if job.id not in self._replacements:
            replacement = await asyncio.to_thread(self._replace, job.record)
            self._replacements.add(replacement.id)
            for run_id in tuple(job.wanted_by):
                self.launch(replacement, run_id)

    def _hold_unsent(self, reason: str) -> None:
        """Hold back every job that was not submitted yet: it would fail in the same way."""
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
