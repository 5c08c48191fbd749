"""A job while this process knows it: its newest record, who listens, and whether it is being worked on."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.store.records import JobRecord

if TYPE_CHECKING:
    from rivya_nb.store.store import Store


class LiveJob:
    """One request's life as this process sees it.

    `record` is the newest record; `notice` says what is being waited for beside the task itself (`rate
    limited, next try in 8 s`); `held` keeps a job that was not submitted yet from being submitted, `stopped`
    for good.
    """

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self.notice: str | None = None
        self.held = False
        self.stopped = False
        self.work: concurrent.futures.Future[None] | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def is_working(self) -> bool:
        """Whether this process is carrying it on now."""
        return self.work is not None and not self.work.done()

    def changed(self, record: JobRecord | None = None, *, notice: str | None = None) -> None:
        """Take the newest record and notice, and tell everybody who listens."""
        if record is not None:
            self.record = record
        self.notice = notice
        for listener in tuple(self._listeners):
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change, on whatever thread it happens; the return value ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def stop(self, store: Store) -> None:
        """Give the job up while it is not submitted: now, or when its upload is through."""
        self.held = self.stopped = True
        if not self.is_working:
            store.update_job(self.id, status="stopped")
            self.changed(replace(self.record, status="stopped"))

    async def settled(self) -> None:
        """Wait until this process no longer works on the job; how it went stands in the record."""
        if self.work is not None:
            await asyncio.wait([asyncio.wrap_future(self.work)])
