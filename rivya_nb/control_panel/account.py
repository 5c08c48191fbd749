"""What is left at the service, asked for once for all panels of a session."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from rivya_nb.api.retry import RATE_LIMITED
from rivya_nb.errors import RateLimitedError, RivyaError
from rivya_nb.store.records import UNSENT

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

PAUSE = 2.0
"""Seconds between two questions at least, and after a job was last seen waiting for a rate limit."""

TICK = 0.5
"""Seconds between two looks at what the runs that go on have spent."""

PATIENCE = 10.0
"""Seconds until the next question, where one ended at the rate limit and the service named no time."""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_accounts: WeakValueDictionary[int, Account] = WeakValueDictionary()


def account_of(session: Session) -> Account:
    """The one account of a session, for as long as somebody holds it."""
    with _lock:
        known = _accounts.get(id(session))
        if known is None:
            known = _accounts[id(session)] = Account(session)
        return known


class Account:
    """`credits` are what the service said last, None where that is not known, and `asked` is when, by the
    loop's clock.

    It is asked when somebody wants it; while runs go on, when they have spent something since; and once more when
    they have ended. All of that at most every `PAUSE` seconds, and never while a job waits for a rate limit.
    `join`, `leave`, `ask` and `look` may be called from any thread; the rest is for the session's loop.
    """

    def __init__(self, session: Session) -> None:
        self.credits: int | None = None
        self.asked = float("-inf")
        self._session = session
        self._told: list[Callable[[], None]] = []
        self._wanted = False
        self._earliest = float("-inf")
        # What the session's runs had spent when that was asked.
        self._spent = 0
        self._watching: asyncio.Task[None] | None = None

    @property
    def promised(self) -> int:
        """Credits that runs still take of what was left when that was asked: for what waits to be sent, and
        what was sent since."""
        working = self._working()
        going = {job.id: job.record for run in working for job in run.jobs if job.live.goes_on}
        unsent = (
            job.price or 0 for job in going.values() if job.status in UNSENT or job.status == "submitting"
        )
        return max(0, sum(unsent) + self._spending() - self._spent)

    def join(self, told: Callable[[], None]) -> None:
        """Have `told` called after each answer, and when something else is promised."""
        self._told.append(told)

    def leave(self, told: Callable[[], None]) -> None:
        """Tell no more; where nobody is told, nothing is asked."""
        self._told.remove(told)
        self._session.work_loop.loop.call_soon_threadsafe(self._rest)

    def ask(self) -> None:
        """Ask soon; whoever wants that meanwhile shares the answer."""
        self._session.work_loop.loop.call_soon_threadsafe(self._watch, True)

    def look(self) -> None:
        """Look at what was spent now, and for as long as runs go on."""
        self._session.work_loop.loop.call_soon_threadsafe(self._watch, False)

    async def renew(self) -> None:
        """Ask now, unless that was just done or the rate limit forbids it."""
        if asyncio.get_running_loop().time() >= max(self.asked + PAUSE, self._earliest):
            await self._ask()
            self._tell()

    def _watch(self, wanted: bool) -> None:
        self._wanted |= wanted
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._follow())

    def _rest(self) -> None:
        if self._watching is not None and not self._told:
            self._watching.cancel()
            self._watching = None

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        went_on = False
        promised = 0
        while self._told:
            working = self._working()
            if self._spending() != self._spent or (went_on and not working):
                self._wanted = True
            went_on = bool(working)
            if any(_is_limited(run) for run in working):
                self._earliest = loop.time() + PAUSE
            asks = self._wanted and loop.time() >= max(self.asked + PAUSE, self._earliest)
            if asks:
                await self._ask()
            before, promised = promised, self.promised
            if asks or promised != before:
                self._tell()
            if not (self._wanted or went_on):
                return
            await asyncio.sleep(TICK)

    async def _ask(self) -> None:
        self._wanted = False
        self.asked = asyncio.get_running_loop().time()
        spent = self._spending()
        try:
            self.credits = await self._session.abalance(waits=False)
        except RateLimitedError as error:
            # What was said last is still the best that is known.
            self._wanted = True
            self._earliest = asyncio.get_running_loop().time() + (error.retry_after or PATIENCE)
            return
        except RivyaError:
            self.credits = None
        except Exception:
            _log.exception("what is left could not be asked for")
            self.credits = None
        self._spent = spent

    def _tell(self) -> None:
        for told in tuple(self._told):
            try:
                told()
            except Exception:
                # A mistake of ours in one panel must not keep the others from being told.
                _log.exception("a panel could not show what is left")

    def _working(self) -> list[Run]:
        return self._own(self._session.working())

    def _spending(self) -> int:
        """What the session's runs have spent so far, in credits, reserved ones included."""
        return sum(run.credits for run in self._own(self._session.touched()))

    def _own(self, runs: list[Run]) -> list[Run]:
        # An earlier session may be busy with the same store at another service.
        return [run for run in runs if run.record.service == self._session.service.name]


def _is_limited(run: Run) -> bool:
    return any(job.live.notice is not None and job.live.notice.startswith(RATE_LIMITED) for job in run.jobs)
