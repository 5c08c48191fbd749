"""A job while this process knows it: its newest record, who wants it, and whether it is being worked on."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable

from rivya_nb.store.records import UNSENT, JobRecord


class LiveJob:
    """One request's life as this process sees it.

    `record` is the newest record; `notice` says what is being waited for beside the task itself (`rate
    limited, next try in 8 s`). `wanted_by` holds the ids of the runs that want it submitted: a job that no run
    wants is held back, as long as it is not submitted. `is_working` says whether this process carries it on,
    `may_be_billed_again` whether the user wants a submit repeated that is too old for its key to be known.
    """

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self.notice: str | None = None
        self.wanted_by: set[int] = set()
        self.is_working = False
        self.may_be_billed_again = False
        self.work: concurrent.futures.Future[None] | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def is_held(self) -> bool:
        """Whether it is not to be submitted."""
        return not self.wanted_by

    @property
    def goes_on(self) -> bool:
        """Whether this process will carry it further: it works on it, and does not hold it back."""
        return self.is_working and not (self.is_held and self.record.status in UNSENT)

    def changed(self, record: JobRecord | None = None, *, notice: str | None = None) -> None:
        """Take the newest record and notice, and tell everybody who listens."""
        # What was read before the job was stopped may arrive after that.
        late = self.is_held and self.record.status == "stopped"
        if record is not None and not (late and record.status in UNSENT):
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

    async def settled(self) -> None:
        """Wait until this process no longer works on the job; how it went stands in the record."""
        if self.work is not None:
            await asyncio.wait([asyncio.wrap_future(self.work)])
