"""A job in this process: its newest record, which runs want it, and whether it is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rivya_nb.store.records import UNSENT, JobRecord


class LiveJob:
    """One request's life as this process sees it.

    `record` is the newest record; `notice` says what the job waits for besides the task itself (`rate
    limited, next try in 8 s`). `wanted_by` has the ids of the runs that want it submitted: an unsent job that
    no run wants is held back. `is_working` is True while this process works on it, `is_watched` while it only
    looks at what others do for it, `may_be_billed_again` if
    the user wants a submit repeated that is so old that the service may have forgotten its key. `failure` is
    an error of this package that ended the work.
    """

    __slots__ = (
        "__weakref__",
        "_listeners",
        "_waiting",
        "failure",
        "is_watched",
        "is_working",
        "may_be_billed_again",
        "notice",
        "record",
        "wanted_by",
    )

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self.notice: str | None = None
        self.wanted_by: set[int] = set()
        self.is_working = self.is_watched = False
        self.may_be_billed_again = False
        self.failure: BaseException | None = None
        self._listeners: list[Callable[[], None]] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def is_held(self) -> bool:
        """True if it must not be submitted."""
        return not self.wanted_by

    @property
    def goes_on(self) -> bool:
        """True if this process works on it or watches it, and does not hold it back."""
        is_held = self.is_held and not self.is_watched
        return self.is_working and not (is_held and self.record.status in UNSENT)

    def changed(self, record: JobRecord | None = None, *, notice: str | None = None) -> None:
        """Set the newest record and notice, and call all listeners."""
        # A record that was read before the job was stopped may arrive after that.
        late = self.is_held and self.record.status == "stopped"
        if record is not None and not (late and record.status in UNSENT):
            self.record = record
        self.notice = notice
        for listener in tuple(self._listeners):
            listener()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change, on the thread of the change, until it is unsubscribed."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def begin(self) -> None:
        """This process works on the job from now on."""
        self.is_working, self.failure = True, None

    def end(self, failure: BaseException | None = None) -> None:
        """This process no longer works on the job; called on the session's loop."""
        self.is_working, self.is_watched, self.failure = False, False, failure
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def settled(self) -> None:
        """Wait, on the session's loop, until this process no longer works on the job; the record says how it
        went."""
        while self.is_working:
            end = asyncio.get_running_loop().create_future()
            self._waiting.append(end)
            await end
