"""Submits a job: uploads its references, stores the exact body, and sends it when its turn has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
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
    JobTakenError,
    NotDeliveredError,
    PublicApiDisabledError,
    RateLimitedError,
    TransportError,
    ValidationFailedError,
)
from rivya_nb.jobs.collecting import NO_ERROR, write_down
from rivya_nb.jobs.doubt import doubt
from rivya_nb.jobs.giving_up import TICK
from rivya_nb.jobs.patience import stored
from rivya_nb.jobs.together import end
from rivya_nb.jobs.uploads import Uploads
from rivya_nb.store.records import UNFINISHED, JobChanges

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.records import Task
    from rivya_nb.jobs.governor import Governor
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.task_times import TaskTimes
    from rivya_nb.store.store import Store


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


class SubmitRefusedError(Exception):
    """The service did not take a job, for the reason `error`. `has_lost_reference` is True if uploading its
    references again may help, `is_for_everything` if every other job would be refused in the same way."""

    def __init__(self, error: ApiError | TransportError, *, has_lost_reference: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.has_lost_reference = has_lost_reference
        self.is_for_everything = isinstance(error, _FOR_EVERYTHING)


class Sender:
    """Submits the jobs of one session, with the key of the tag `label`. Every coroutine runs on the session's
    loop."""

    def __init__(
        self,
        service: str,
        label: str,
        client: RivyaClient,
        store: Store,
        governor: Governor,
        times: TaskTimes,
    ) -> None:
        self._label = label
        self._client = client
        self._store = store
        self._governor = governor
        self._times = times
        self._references = Uploads(service, label, client, store)
        # After a rate limit the job is planned again, so that it can be stopped while it waits.
        self._retries = replace(client.retries, ends_at_limit=True)

    async def submit(self, job: LiveJob, *, again: bool, anew: bool) -> Task | None:
        """Upload references, store the exact body and send it; None if it was held or stopped before.

        With `again`, the stored body was sent before, and no answer came; with `anew`, it may be billed a second
        time.

        Raises:
            SubmitRefusedError: the service did not take it; the job's record says so.
        """
        due = time.monotonic()
        media = () if again else await self._media_items(job)
        while media is not None:
            async with self._governor.turn(job, due, submit=True) as is_wanted:
                if not is_wanted:
                    await self.put_back(job)
                    return None
                if not await (self._may_repeat(job, anew) if again else self._begin(job, media)):
                    return None
                began = time.monotonic()
                try:
                    return await self._send(job, began, again=again, anew=anew)
                except RateLimitedError as error:
                    self._governor.was_refused(error, began, submit=True)
            if not again:
                await stored(self._store.claims.withdraw_submit, job.id)
                job.changed(await stored(self._store.job, job.id))
        return None

    async def forget_gone_references(self, job: LiveJob) -> None:
        """Let the uploads of a task that failed be made again, if the service has lost them by now."""
        await self._references.forget_gone(job.record)

    async def put_back(self, job: LiveJob) -> None:
        """Set a job that is held back to planned."""
        # It may be stopped at this moment: a stopped job stays stopped.
        await stored(self._store.claims.put_back, [job.id])
        job.changed(await stored(self._store.job, job.id), notice=job.notice)

    async def _may_repeat(self, job: LiveJob, anew: bool) -> bool:
        """False if the service may not know a submit any more, or not with this key (the job becomes unknown),
        unless it may be billed `anew`."""
        await stored(self._store.make_ready)
        now = self._store.database.now()
        reason = doubt(job.record, now, self._label)
        if reason is not None and not anew:
            await write_down(self._store, job, status="unknown", error_message=reason, finished_at=now)
            return False
        if job.record.sent_with != self._label:
            await write_down(self._store, job, sent_with=self._label)
        return True

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
        await self.put_back(job)
        return None

    async def _begin(self, job: LiveJob, media: Sequence[Mapping[str, Any]]) -> bool:
        """Store the exact body. False if the job is held, or was stopped by any kernel."""
        if job.is_held:
            await self.put_back(job)
            return False
        body = generation_body(job.record.request, media, job.id).decode()
        began = self._store.database.now()

        def begin() -> bool:
            self._store.make_ready()
            return self._store.claims.begin_submit(
                job.id, body=body, submitted_at=began, sent_with=self._label
            )

        if begun := await stored(begin):
            sent: JobChanges = {
                "status": "submitting",
                "body": body,
                "submitted_at": began,
                "sent_with": self._label,
            }
            job.changed(replace(job.record, **sent))
        else:
            record = await stored(self._store.job, job.id)
            if record.status in UNFINISHED:
                # Perhaps it is this process' again by the time it is looked at.
                raise JobTakenError(f"Another kernel works on the job {job.id} by now.")
            job.changed(record)
        return begun

    async def _send(self, job: LiveJob, began: float, *, again: bool, anew: bool) -> Task:
        """Submit the stored body under the job's own key.

        With `again`, an earlier submit got no answer: then only a refusal of the content itself proves that
        nothing was billed.

        Raises:
            RateLimitedError: the job has to wait for its turn.
            SubmitRefusedError: the service did not take it.
        """
        durations = await self._times.known(job.record.request)
        body = (job.record.body or "").encode()
        until = None
        if again and not anew:
            # The store's clock wrote when it was sent; the client looks at this machine's.
            ahead = self._store.database.now() - time.time()
            until = (job.record.submitted_at or job.record.created_at) - ahead + REMEMBERED
        try:
            task = await self._client.generations.create(
                body, idempotency_key=job.id, retries=self._retries, repeat_until=until
            )
        except RateLimitedError:
            raise
        except (ApiError, TransportError) as error:
            refused = isinstance(error, (ApiError, NotDeliveredError))
            if again:
                # A reference that the service has lost is not a proof either.
                refused = isinstance(error, ValidationFailedError) and not job.record.references
            await self._refused(job, error, status="failed" if refused else "unknown")
            lost = refused and await self._references.forget_lost(job.record, error)
            raise SubmitRefusedError(error, has_lost_reference=lost) from error
        self._governor.submit_was_taken(job.id, began, durations.curve)
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
            finished_at=self._store.database.now(),
        )
