"""Carrying jobs from planned to delivered: upload, submit, poll, download, each step in the store first.

What was written decides how a job goes on, in this process or in another one after a crash: the exact body of
a submit is stored before it leaves, and an answer that got lost is asked for again with the same bytes and
the same idempotency key, never with new ones.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from rivya_nb.api.client import generation_body
from rivya_nb.errors import (
    ApiError,
    InsufficientCreditsError,
    NotDeliveredError,
    PictureError,
    StoreError,
    TransportError,
    ValidationFailedError,
)
from rivya_nb.jobs.pacing import DEADLINE, poll_delays
from rivya_nb.jobs.uploads import Uploads
from rivya_nb.store.records import UNSENT, JobChanges, JobRecord, PictureRecord

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.pictures import PictureFetcher
    from rivya_nb.api.records import Task
    from rivya_nb.api.retry import RetryNotice
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.loop import Home
    from rivya_nb.store.store import Store

JOBS_AT_ONCE = 16
"""Jobs of one session between their upload and their picture."""

DOWNLOADS_AT_ONCE = 4
"""Downloads of one session under way."""

FOLLOW_INTERVAL = 1.0
"""Seconds between two looks at a job that another process is carrying on."""

_current: ContextVar[LiveJob | None] = ContextVar("rivya_job", default=None)


def tell_waiting(notice: RetryNotice) -> None:
    """Show on the job of the current task why the wire is waiting; the client calls this before each wait."""
    job = _current.get()
    if job is not None:
        job.changed(notice=str(notice))


class Runner:
    """Carries the jobs of one session. Every coroutine runs on the session's loop; `launch` may be called
    from any thread.

    `replace_job` puts a new job of the same request in the place of one that certainly was not accepted.
    """

    def __init__(
        self,
        *,
        service: str,
        client: RivyaClient,
        fetcher: PictureFetcher,
        store: Store,
        home: Home,
        replace_job: Callable[[JobRecord], LiveJob],
    ) -> None:
        self._service = service
        self._client = client
        self._fetcher = fetcher
        self._store = store
        self._home = home
        self._launching = threading.Lock()
        self._jobs: dict[str, LiveJob] = {}
        self._slots = asyncio.Semaphore(JOBS_AT_ONCE)
        self._references = Uploads(service, client, store)
        self._replace = replace_job
        self._replacements: set[str] = set()
        self._downloads = asyncio.Semaphore(DOWNLOADS_AT_ONCE)

    def launch(self, job: LiveJob) -> None:
        """Carry a job on from where its record says it is; once, however often it is asked for."""
        with self._launching:
            job.held = job.stopped = False
            if not job.is_working:
                self._jobs[job.id] = job
                job.work = self._home.start(self._work(job))

    @property
    def working(self) -> list[LiveJob]:
        """The jobs that are being carried on now."""
        return [job for job in tuple(self._jobs.values()) if job.is_working]

    async def _work(self, job: LiveJob) -> None:
        _current.set(job)
        try:
            if await self._own(job):
                async with self._slots:
                    await self._carry(job)
        except StoreError as error:
            # What cannot be written down is not done; the job stays where its record says it is.
            job.changed(notice=str(error))
        finally:
            self._jobs.pop(job.id, None)

    async def _own(self, job: LiveJob) -> bool:
        """Become the job's owner; while another process is, follow what it writes. False when it finished."""
        while job.id not in await asyncio.to_thread(self._store.claim, [job.id]):
            record = await asyncio.to_thread(self._store.job, job.id)
            job.changed(record)
            if record.is_final:
                return False
            await asyncio.sleep(FOLLOW_INTERVAL)
        return True

    async def _carry(self, job: LiveJob) -> None:
        status = job.record.status
        fresh = status in UNSENT
        if fresh and not await self._prepare(job):
            return
        task: Task | None = None
        if fresh or status == "submitting":
            task = await self._send(job, again=not fresh)
            if task is None:
                return
        if task is None or not task.finished:
            task = await self._poll(job, submitted=fresh)
        if task is not None:
            await self._deliver(job, task)

    async def _prepare(self, job: LiveJob) -> bool:
        """Upload the references and write down the exact body. False where the job was held or failed."""
        if job.held:
            return await self._leave(job)
        media: Sequence[Mapping[str, Any]] = ()
        if job.record.references:
            await self._record(job, status="uploading")
            try:
                media = await self._references.media_items(job.record)
            except (ApiError, TransportError) as error:
                await self._refused(job, error)
                return False
        if job.held:
            return await self._leave(job)
        body = generation_body(job.record.request, media, job.id).decode()
        await self._record(job, status="submitting", body=body, submitted_at=time.time())
        return True

    async def _leave(self, job: LiveJob) -> bool:
        """Leave a job that was held back as it was planned, or stopped for good."""
        await self._record(job, status="stopped" if job.stopped else "planned")
        return False

    async def _send(self, job: LiveJob, *, again: bool) -> Task | None:
        """Submit the stored body under the job's own key; None where the service did not take it.

        `again` where an earlier submit's answer got lost: then only a refusal of the content itself proves
        that nothing was billed.
        """
        body = (job.record.body or "").encode()
        try:
            task = await self._client.generations.create(body, idempotency_key=job.id)
        except (ApiError, TransportError) as error:
            refused = isinstance(error, (ApiError, NotDeliveredError))
            if again:
                # A reference that the service lost since is no proof either.
                refused = isinstance(error, ValidationFailedError) and not job.record.references
            await self._refused(job, error, status="failed" if refused else "unknown")
            if refused and await self._references.forget_lost(job.record, error):
                await self._submit_anew(job)
            if isinstance(error, InsufficientCreditsError):
                self._hold_unsent(str(error))
            return None
        await self._record(
            job,
            status="processing" if task.status == "processing" else "queued",
            remote_status=task.status,
            task_id=task.id,
            reserved_credits=task.reserved_credits,
            error_code=None,
            error_message=None,
            request_id=None,
        )
        return task

    async def _submit_anew(self, job: LiveJob) -> None:
        """Go on with a new job, once: another upload has another address, which makes it another body."""
        if job.id not in self._replacements:
            replacement = await asyncio.to_thread(self._replace, job.record)
            self._replacements.add(replacement.id)
            if not job.held:
                self.launch(replacement)

    def _hold_unsent(self, reason: str) -> None:
        """Keep every job that was not submitted yet from being submitted: it would fail the same way."""
        for job in self.working:
            if job.record.status in UNSENT:
                job.held = True
                job.changed(notice=f"not sent: {reason}")

    async def _poll(self, job: LiveJob, *, submitted: bool) -> Task | None:
        """Ask for the task until it has ended; None where no end was seen."""
        started = time.monotonic()
        delays = poll_delays() if submitted else chain([0.0], poll_delays())
        for delay in delays:
            await asyncio.sleep(delay)
            try:
                task = await self._client.generations.retrieve(job.record.task_id or "")
            except TransportError as error:
                job.changed(notice=str(error))
            except ApiError as error:
                job.changed(notice=str(error))
                return None
            else:
                if task.finished:
                    return task
                await self._still_running(job, task)
            if time.monotonic() - started > DEADLINE:
                job.changed(notice=f"no end after {DEADLINE / 60:.0f} minutes; resume asks again")
                return None
        return None

    async def _still_running(self, job: LiveJob, task: Task) -> None:
        # A status the contract does not know is treated as still running, and shown as it came.
        if job.record.status in ("queued", "processing") and task.status != job.record.remote_status:
            status = "queued" if task.status == "queued" else "processing"
            await self._record(job, status=status, remote_status=task.status)

    async def _deliver(self, job: LiveJob, task: Task) -> None:
        if task.status == "failed":
            await self._record(
                job,
                status="failed",
                remote_status=task.status,
                final_credits=task.final_credits or 0,
                error_code=task.error_code or "generation_failed",
                error_message=task.error_message,
                finished_at=time.time(),
            )
            return
        billed = job.record.reserved_credits if task.final_credits is None else task.final_credits
        await self._record(
            job,
            status="downloading",
            remote_status=task.status,
            final_credits=billed,
            finished_at=time.time(),
        )
        try:
            pictures = await asyncio.gather(*(self._download(url) for url in task.urls))
            if not pictures:
                raise PictureError("the service gave no address of a picture")
        except PictureError as error:
            await self._record(job, status="undelivered", error_message=str(error))
            return
        changes: JobChanges = {"status": "succeeded", "error_code": None, "error_message": None}
        await asyncio.to_thread(self._store.finish_job, job.id, tuple(pictures), **changes)
        job.changed(replace(job.record, pictures=tuple(pictures), **changes))

    async def _download(self, url: str) -> PictureRecord:
        async with self._downloads:
            fetched = await self._fetcher.fetch(url, self._store.files.incoming)
            await asyncio.to_thread(self._store.files.adopt, fetched.path, fetched.mime_type)
        return PictureRecord(fetched.sha256, fetched.mime_type, fetched.width, fetched.height, fetched.size)

    async def _refused(
        self, job: LiveJob, error: ApiError | TransportError, *, status: str = "failed"
    ) -> None:
        api = isinstance(error, ApiError)
        await self._record(
            job,
            status=status,
            final_credits=0 if status == "failed" else None,
            error_code=error.code if isinstance(error, ApiError) else None,
            error_message=error.message if isinstance(error, ApiError) else str(error),
            request_id=error.request_id if isinstance(error, ApiError) else None,
            finished_at=time.time() if api or status == "failed" else None,
        )

    async def _record(self, job: LiveJob, **changes: Any) -> None:
        await asyncio.to_thread(self._store.update_job, job.id, **changes)
        job.changed(replace(job.record, **changes))
