"""Collects submitted jobs: it polls a task until it has ended, and downloads what it has made."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.media import WORDS, Medium
from rivya_nb.contract.raw_sound import RawSound, asked_raw
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import (
    ApiError,
    JobTakenError,
    NotFoundError,
    PictureError,
    PublicApiDisabledError,
    RateLimitedError,
    StoreError,
    TransportError,
    UnreachableError,
)
from rivya_nb.jobs.pacing import DEADLINE, next_poll, slowness
from rivya_nb.jobs.patience import stored
from rivya_nb.jobs.together import together
from rivya_nb.store.records import UNFINISHED, JobChanges, PictureRecord
from rivya_nb.store.thumbnails import BOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.records import Task
    from rivya_nb.api.results import FetchedFile, ResultFetcher
    from rivya_nb.jobs.governor import Governor
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.task_times import TaskTimes
    from rivya_nb.store.store import Store

DOWNLOADS_AT_ONCE = 4
"""Concurrent downloads of one session."""

DELIVERIES_AT_ONCE = 3
"""Deliveries to a bucket at a time. One that hangs holds its thread for minutes, and the loop has few of them."""

SECURE_PAUSE, MOST_SECURE_PAUSE = 1.0, 30.0
"""Seconds before a bucket that did not answer is tried again: at first, and at most."""

STRANGE_POLLS = 3
"""After so many polls with the same unknown status the user is told about it."""

_OF_ANOTHER_KEY = (
    "the service does not show this task with the API key here; it was made with another one. Resume it where "
    "that key is used, which collects it"
)

NO_ERROR: JobChanges = {"error_code": None, "error_message": None, "request_id": None}


async def write_down(store: Store, job: LiveJob, *, notice: str | None = None, **changes: Any) -> None:
    """Change a job's record: first in the store, then for all who show it.

    Raises:
        StoreError: the store cannot be written. The message names a task id that is known only to this process.
    """
    try:
        await stored(store.update_job, job.id, **changes)
    except JobTakenError:
        # The other kernel gets the same task for the same bytes.
        raise
    except StoreError as error:
        if "task_id" not in changes:
            raise
        raise StoreError(f"{error} The service took the request as task {changes['task_id']}.") from error
    job.changed(replace(job.record, **changes), notice=notice)


def _may_pass(error: ApiError) -> bool:
    """True if another poll may succeed: the service is switched off for now, or the answer may be a proxy's
    page."""
    proxys = type(error) is ApiError and not error.code
    return proxys or isinstance(error, PublicApiDisabledError)


def _strange(task: Task) -> str:
    if not task.status:
        return "the service gives no status"
    return f"the service says {short_repr(task.status)}, an unknown status"


class Collector:
    """Collects the tasks of one session, with the key of the tag `label`. Every coroutine runs on the session's
    loop."""

    def __init__(
        self,
        label: str,
        client: RivyaClient,
        fetcher: ResultFetcher,
        store: Store,
        governor: Governor,
        times: TaskTimes,
    ) -> None:
        self._label = label
        self._client = client
        self._fetcher = fetcher
        self._store = store
        self._governor = governor
        self._times = times
        # A poll that meets a rate limit waits for another turn.
        self._retries = replace(client.retries, ends_at_limit=True)
        self._downloads = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
        self._deliveries = asyncio.Semaphore(DELIVERIES_AT_ONCE)

    async def collect(self, job: LiveJob, task: Task | None, *, submitted: bool) -> None:
        """Follow a job that the service took to its end, and download its pictures.

        `task` is the last answer of the service, None if there is none; a task that was `submitted` just now
        is not polled at once.
        """
        if task is None or not task.finished:
            task = await self._poll(job, submitted=submitted)
        if task is not None:
            await self._deliver(job, task)

    async def _poll(self, job: LiveJob, *, submitted: bool) -> Task | None:
        """Poll the task until it has ended; None if its end was not seen."""
        now = self._store.database.now()
        age = 0.0 if submitted else max(0.0, now - (job.record.submitted_at or now))
        start = time.monotonic() - age
        polls: list[float] = []
        running: list[float] = []
        waited, trouble = 0.0, ""
        status, asked = "", 0
        slower = slowness(job.record.makes)
        while waited <= DEADLINE * slower:
            last = polls[-1] if polls else age
            durations = await self._times.known(job.record.request)
            due = next_poll(durations, polls, slower) if submitted or polls else age
            waited += due - last
            await asyncio.sleep(start + due - time.monotonic())
            asked_at = time.monotonic()
            try:
                task, left_at = await self._ask(job, start + due)
            except (ApiError, TransportError) as error:
                if isinstance(error, ApiError) and not _may_pass(error):
                    await self._lost_sight(job, error)
                    return None
                # Only time without an answer counts: an answer in time is one, even after a long rate limit.
                waited += time.monotonic() - asked_at
                polls.append(time.monotonic() - start)
                job.changed(notice=str(error))
                trouble = f"; the last time: {error}"
                continue
            polls.append(left_at - start)
            if task.finished:
                took = await self._times.ended(job, task, running=running, seen=left_at - start)
                self._governor.task_has_ended(job.id, took)
                return task
            running.append(left_at - start)
            self._governor.in_flight.seen_running(job.id, start, left_at, durations.curve)
            status, asked = task.status, asked + 1 if task.status == status else 1
            await self._still_running(job, task, asked=asked)
            trouble = "" if task.known_status else f"; {_strange(task)}"
        minutes = DEADLINE * slower / 60
        job.changed(notice=f"no end after {minutes:g} minutes; resume asks again{trouble}")
        return None

    async def _ask(self, job: LiveJob, due: float) -> tuple[Task, float]:
        """The task's state, and when the poll left; both times are monotonic seconds. A rate limit may delay the
        poll for any time."""
        while True:
            async with self._governor.turn(job, due, submit=False):
                began = time.monotonic()
                try:
                    task = await self._client.generations.retrieve(
                        job.record.task_id or "", retries=self._retries
                    )
                except RateLimitedError as error:
                    self._governor.was_refused(error, began, submit=False)
                    continue
                self._governor.poll_was_answered()
                return task, began

    async def _lost_sight(self, job: LiveJob, error: ApiError) -> None:
        """Write down why the service does not tell about a task that it took."""
        status, code, message = job.record.status, error.code or None, error.message
        if status == "downloading":
            status = "undelivered"
        elif isinstance(error, NotFoundError):
            # It is not known whether it was billed; with the id, it can be asked for again.
            status = "unknown"
            if job.record.sent_with not in ("", self._label):
                code, message = None, _OF_ANOTHER_KEY
        await write_down(
            self._store,
            job,
            notice=str(error) if code else message,
            status=status,
            error_code=code,
            error_message=message,
            request_id=error.request_id,
            finished_at=job.record.finished_at if status in UNFINISHED else self._store.database.now(),
        )

    async def _still_running(self, job: LiveJob, task: Task, *, asked: int) -> None:
        """Show a task that has not ended; the last `asked` polls gave the same status."""
        record = job.record
        news = task.status != record.remote_status or record.error_code is not None
        notice = None
        if task.known_status is None and asked >= STRANGE_POLLS:
            notice = f"{_strange(task)}. You can interrupt; resume asks again later."
        if record.status in ("queued", "processing") and news:
            status = "queued" if task.known_status == "queued" else "processing"
            changes = {"status": status, "remote_status": task.status, **NO_ERROR}
            await write_down(self._store, job, notice=notice, **changes)
        elif job.notice != notice:
            job.changed(notice=notice)

    async def _deliver(self, job: LiveJob, task: Task) -> None:
        reserved, final = job.record.reserved_credits, job.record.final_credits
        said: JobChanges = {
            "reserved_credits": task.reserved_credits if reserved is None else reserved,
            "final_credits": final if task.final_credits is None else task.final_credits,
        }
        if task.end == "failed":
            await write_down(
                self._store,
                job,
                status="failed",
                remote_status=task.status,
                error_code=task.error_code or "generation_failed",
                error_message=task.error_message,
                finished_at=self._store.database.now(),
                **said,
            )
            return
        await write_down(self._store, job, status="downloading", remote_status=task.status, **said)
        changes: JobChanges = {"status": "succeeded", **NO_ERROR}
        files = self._store.files
        pictures = await asyncio.to_thread(files.held, job.id)
        kept, expected, raw = False, job.record.makes, self._raw(job)
        while not kept:
            try:
                if not pictures:
                    pictures = tuple(await together(self._download(url, expected, raw) for url in task.urls))
                if not pictures:
                    raise PictureError(f"the service gave no address of a {WORDS[expected]}")
            except PictureError as error:
                failure: JobChanges = {**NO_ERROR, "error_message": str(error)}
                ended = self._store.database.now()
                await write_down(self._store, job, status="undelivered", finished_at=ended, **failure)
                return
            secured_at = time.time()
            secured = await self._secure(job, pictures)
            if secured is None:
                return
            changes["finished_at"] = self._store.database.now()
            kept = secured and await stored(
                self._store.finish_job, job.id, pictures, secured_at=secured_at, **changes
            )
            if not kept:
                pictures = await asyncio.to_thread(files.held, job.id)
        job.changed(
            replace(job.record, pictures=pictures, **changes), notice=self._other_medium(job, pictures)
        )
        await asyncio.to_thread(files.release, job.id)

    async def _secure(self, job: LiveJob, pictures: Sequence[PictureRecord]) -> bool | None:
        """Bring received pictures to where every machine finds them; False if they have to be received again.

        Where a bucket does not answer, this goes on for `DEADLINE`, and then returns None: the pictures stay on
        this machine.
        """
        files, contents = self._store.files, [(each.sha256, each.mime_type) for each in pictures]
        await asyncio.to_thread(files.hold, job.id, pictures)
        began, pause, named = time.monotonic(), SECURE_PAUSE, WORDS[job.record.makes]
        while True:
            try:
                async with self._deliveries:
                    return await asyncio.to_thread(files.secure, contents)
            except UnreachableError as error:
                if time.monotonic() - began > DEADLINE:
                    job.changed(notice=f"{error} The {named} is kept on this machine; resume goes on.")
                    return None
                job.changed(notice=f"{error} The {named} is kept on this machine, and waits for it.")
            await asyncio.sleep(pause)
            pause = min(2 * pause, MOST_SECURE_PAUSE)

    def _raw(self, job: LiveJob) -> RawSound | None:
        """The sound without a head that the request asked for, if it did; its defaults count, too."""
        model = self._store.models.catalogue(job.record.service).get(job.record.model)
        defaults = {} if model is None else {param.key: param.default for param in model.params}
        return asked_raw({**defaults, **job.record.params})

    def _other_medium(self, job: LiveJob, files: Sequence[PictureRecord]) -> str | None:
        """What to tell about files that are not what the model is known to make; they are kept all the same."""
        expected = job.record.makes
        others = sorted({WORDS[each.medium] for each in files if each.medium != expected})
        if not others:
            return None
        came = " and a ".join(others)
        return f"{job.record.model} is known to make a {WORDS[expected]}; a {came} came, and is kept"

    async def _download(self, url: str, expected: Medium, raw: RawSound | None) -> PictureRecord:
        async with self._downloads:
            fetched = await self._fetcher.fetch(
                url, self._store.files.incoming, BOX, expected=expected, raw=raw
            )
            await asyncio.to_thread(self._adopt, fetched)
        found = fetched.inspected
        return PictureRecord(
            found.sha256, found.mime_type, found.width, found.height, found.size, found.duration
        )

    def _adopt(self, fetched: FetchedFile) -> None:
        files, found = self._store.files, fetched.inspected
        original = files.receive(fetched.path, found.mime_type, found.sha256)
        # Done now, so that a grid of many pictures does not have to decode them again.
        files.thumbnails.prepare(original, found.small)
