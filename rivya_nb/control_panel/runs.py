"""The runs of a panel: how far each is, and what can be done about it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import traitlets

from rivya_nb.contract.text import count
from rivya_nb.control_panel.background import Background
from rivya_nb.session.showing.live import BYTES_PER_SECOND
from rivya_nb.session.showing.run_looks import words_in_panel
from rivya_nb.store.records import COLLECTABLE, SENT, UNFINISHED, UNSENT
from rivya_nb.views.words import NOTHING_TO_STOP, SENT_GOES_ON

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from rivya_nb.control_panel.balance import Balance
    from rivya_nb.session.job import Job
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.views.tally import Tally

SHORTEST_PAUSE = 0.4
"""Seconds between two looks at a run at least."""

HEARTBEAT = 1.0
"""Seconds after which the elapsed time is shown anew though nothing else has changed."""


class PanelRun(Background):
    """A run of the session as the panel follows it. Its methods may be called from any thread.

    `looks` counts the looks at it, `look` is what the last one tells as HTML, without pictures, and `ends` counts
    how often the run had nothing more to do. `told` says what became of a press of a button, `said` why one did
    nothing.
    """

    looks = traitlets.Int(0)
    ends = traitlets.Int(0)
    look = traitlets.Unicode()
    told = traitlets.Unicode()
    said = traitlets.Unicode()

    def __init__(self, session: Session, balance: Balance, run: Run) -> None:
        super().__init__(session.work_loop)
        self.run = run
        self._session = session
        self._balance = balance
        self._following: Future[None] | None = None
        self._drawn: object = None
        self._is_stale = False
        for news in (session.store.marks.changes, session.store.deletions):
            news.subscribe(self._look_again)

    @property
    def done(self) -> int:
        """How many of its jobs have a picture."""
        return self._sums.done

    @property
    def has_failed(self) -> bool:
        """Whether any of its jobs has."""
        return "failed" in self._sums.states

    @property
    def can_retry(self) -> bool:
        """Whether there is anything to ask for again, or to fetch again."""
        return not self._sums.states.keys().isdisjoint(("failed", "undelivered"))

    @property
    def can_resume(self) -> bool:
        """Whether something was sent and its picture is not here."""
        return not self._sums.states.keys().isdisjoint(SENT | COLLECTABLE.keys())

    @property
    def can_send_rest(self) -> bool:
        """Whether something was never sent."""
        return not self._sums.states.keys().isdisjoint({*UNSENT, "deferred"})

    @property
    def price_of_rest(self) -> int:
        """Credits that sending the rest costs: what was stopped is sent with it."""
        return self.run.standing.price(UNSENT | {"stopped"})

    @property
    def _sums(self) -> Tally:
        return self.run.standing.tally(time.time(), live=False)

    def follow(self) -> None:
        """Look at the run until it has ended."""
        if self._following is None or self._following.done():
            self._following = self.start(self._follow())

    def complain(self, text: str) -> None:
        self.said = text

    def stop(self) -> None:
        """Stop what was not sent yet, and say what goes on."""
        self.start(self._act(self._stop))

    def retry(self) -> None:
        self.start(self._act(lambda: self._session.retry(self.run.id)))

    def resume(self) -> None:
        self.start(self._act(lambda: self._session.resume(self.run.id)))

    def send_rest(self) -> None:
        """Send what was never sent, if the balance pays for it."""
        self.start(self._send_rest())

    async def _act(self, act: Callable[[], object]) -> None:
        self.said = self.told = ""
        await self.aside(act)
        self.said = ""
        self.follow()

    async def _send_rest(self) -> None:
        if lacking := await self._balance.surely_lacks(self.price_of_rest):
            self.said = self.told = ""
            self.complain(f"Nothing was sent: {lacking}")
        else:
            await self._act(lambda: self._session.resume(self.run.id, unsent=True))

    def _stop(self) -> None:
        wanted = self.run.stoppable
        self.run.stop()
        stopped = sum(job.status == "stopped" for job in wanted)
        going = [job for job in self.run.jobs if job.status in UNFINISHED]
        elsewhere = [job for job in going if job.status in UNSENT and self._is_wanted_elsewhere(job)]
        words = [f"{count(stopped, self.run.noun)} stopped" if stopped else NOTHING_TO_STOP]
        if len(going) > len(elsewhere):
            words.append(SENT_GOES_ON)
        if elsewhere:
            words.append("another run or kernel sends the rest")
        self.told = "; ".join(words)

    def _is_wanted_elsewhere(self, job: Job) -> bool:
        return not job.live.is_held or bool(self._session.store.claims.taken([job.record]))

    async def _follow(self) -> None:
        await self.run.watched()
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not changed.is_set():
                loop.call_soon_threadsafe(changed.set)

        with self.run.followed(wake):
            working = True
            while working:
                # Asked before the look: the last look shows how the run has ended.
                working = self.run.is_working
                changed.clear()
                await self._look()
                if working:
                    await asyncio.sleep(SHORTEST_PAUSE + len(self.look) / BYTES_PER_SECOND)
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(changed.wait(), HEARTBEAT)
        self.ends += 1

    async def _look(self) -> None:
        if not self.run.is_working:
            self._drawn = await asyncio.to_thread(self._shown)
        self.look = await asyncio.to_thread(words_in_panel, self.run)
        if not self.run.is_working:
            self.told = ""
        self.looks += 1

    def _shown(self) -> object:
        """What of the run's pictures may change once it has ended."""
        jobs = self.run.jobs
        return self._session.store.marks.of(job.id for job in jobs), [job.record.pictures for job in jobs]

    def _look_again(self) -> None:
        """Pictures were marked or deleted, perhaps of this run: look again soon. Called on any thread."""
        if not self._is_stale:
            self._is_stale = True
            self.start(self._renew())

    async def _renew(self) -> None:
        await asyncio.sleep(SHORTEST_PAUSE)
        self._is_stale = False
        # A deletion is in the store before the run's jobs know of it.
        await asyncio.to_thread(self._session.run, self.run.id)
        if not self.run.is_working and await asyncio.to_thread(self._shown) != self._drawn:
            await self._look()


def unfinished_runs(session: Session) -> list[Run]:
    """The runs of the session's service that somebody is working on, or that were left, newest first."""
    jobs = [job.id for job in session.store.unfinished(session.service)]
    return [session.run(record.id) for record in session.store.runs.of(jobs)]
