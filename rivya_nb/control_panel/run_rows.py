"""The runs of a panel: a row for each, with its progress and what can be done about it, and its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipywidgets

from rivya_nb.contract.text import count, printable
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.making import give_up, make, show
from rivya_nb.store.records import COLLECTABLE, FINAL, SENT, UNFINISHED, UNSENT
from rivya_nb.views.words import NOTHING_TO_STOP, SENT_GOES_ON

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

SHORTEST_PAUSE = 0.4
"""Seconds between two looks at a run at least."""

HEARTBEAT = 1.0
"""Seconds after which the elapsed time is shown anew though nothing else has changed."""

_LONGEST = 240
"""Characters of a reason in a row; the run's own tab has all of it."""

_LONGEST_NAME = 30
"""Characters of a run's name in its row."""


class RunRow:
    """One run: its number, a bar, how far it is, and buttons to stop it, retry it, or collect what it has left.

    `pictures` is a widget of its own, the run as a cell would show it. `follows` is called each time the run may
    go on, and `ended`, on the session's loop, each time it has nothing more to do. `lacks` tells why a price in
    credits cannot be paid, in words.
    """

    def __init__(
        self,
        session: Session,
        run: Run,
        *,
        follows: Callable[[], None],
        ended: Callable[[RunRow], None],
        lacks: Callable[[int], Awaitable[str]],
    ) -> None:
        self.run = run
        self._session = session
        self._follows = follows
        self._ended = ended
        self._lacks = lacks
        self._bar = make(ipywidgets.IntProgress, min=0, max=max(1, len(run.jobs)))
        self._text = markup.empty()
        self._why = markup.empty()
        self._why.add_class("rivya-why")
        show(self._why, False)
        self._told = markup.empty("rivya-told")
        self._said = markup.empty()
        self._heard = markup.empty("rivya-heard")
        self._stop = self._button("Stop", f"Stop run {run.id}", self._stopped)
        self.retry = self._button("Retry", f"Retry the failed pictures of run {run.id}", self._retried)
        self._resume = self._button("Resume", f"Resume run {run.id}", self._resumed)
        self._rest = self._button("Send the rest", f"Send the rest of run {run.id}", self._sent)
        self.pictures = make(ipywidgets.HTML)
        self.widget = self._composed()
        self._background = Background(session.work_loop, self._say)
        self._following: Future[None] | None = None
        self._drawn: object = None
        self._is_stale = False
        self._closed = False
        for news in (session.store.marks.changes, session.store.deletions):
            news.subscribe(self._look_again)
        self.follow()

    def _composed(self) -> Any:
        head = make(ipywidgets.HTML, _head_html(self.run))
        buttons = [self._stop, self.retry, self._resume, self._rest]
        said = [self._why, self._told, self._said, self._heard]
        return make(ipywidgets.HBox, [head, self._bar, self._text, *buttons, *said], classes="rivya-run-row")

    @property
    def text(self) -> str:
        """How far the run is, why it is no further, and what Stop did, as HTML."""
        return f"{self._text.value} {self._why.value} {self._told.value}"

    @property
    def said(self) -> str:
        """Why a button did nothing, as HTML."""
        return str(self._said.value)

    def follow(self) -> None:
        """Keep the row current until the run has ended."""
        if self._following is None or self._following.done():
            self._following = self._background.start(self._follow())
        self._follows()

    def close(self) -> None:
        """Give the widgets up; the run goes on."""
        self._closed = True
        self._background.close()
        give_up(self.widget)
        give_up(self.pictures)

    async def _follow(self) -> None:
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        subscribed = [job.live.subscribe(wake) for job in self.run.jobs]
        try:
            working = True
            while working:
                # Asked before it is drawn: the last round draws what the end left.
                working = self.run.is_working
                changed.clear()
                await self._draw()
                if working:
                    await asyncio.sleep(SHORTEST_PAUSE)
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(changed.wait(), HEARTBEAT)
        finally:
            for end in subscribed:
                end()
        self._ended(self)

    async def _draw(self) -> None:
        self._drawn = await asyncio.to_thread(self._shown)
        look = await asyncio.to_thread(self.run.look, in_panel=True)
        self.pictures.value = look["text/html"]
        self._show()

    def _shown(self) -> object:
        """What of the run's pictures may change once it has ended."""
        jobs = self.run.jobs
        return self._session.store.marks.of(job.id for job in jobs), [job.record.pictures for job in jobs]

    def _look_again(self) -> None:
        """Pictures were marked or deleted, perhaps of this run: draw it anew soon. Called on any thread."""
        if not self._is_stale and not self._closed:
            self._is_stale = True
            self._background.start(self._renew())

    async def _renew(self) -> None:
        await asyncio.sleep(SHORTEST_PAUSE)
        self._is_stale = False
        # Whoever deletes tells the store first, and what is alive of the run only then.
        await asyncio.to_thread(self._session.run, self.run.id)
        if not self.run.is_working and await asyncio.to_thread(self._shown) != self._drawn:
            await self._draw()

    def _show(self) -> None:
        # Asked first: a job that ends meanwhile would stand in a row of an ended run as one that goes on.
        working = self.run.is_working
        jobs = self.run.jobs
        statuses = [job.status for job in jobs]
        # Read out once: the text that is seen counts the seconds.
        self._heard.value = "" if working else markup.quiet_html(f"Run {self.run.id}: {self.run.line()}")
        self._bar.value = sum(status in FINAL for status in statuses)
        self._bar.bar_style = "danger" if "failed" in statuses and not working else ""
        self._text.value = markup.quiet_html(self.run.line())
        self._why.value = markup.quiet_html(printable(self.run.why(), _LONGEST))
        show(self._why, bool(self._why.value))
        show(self._stop, working)
        self._show_stop()
        if not working:
            self._tell("")
        show(self.retry, not working and any(status in ("failed", "undelivered") for status in statuses))
        paid = any(status in SENT or status in COLLECTABLE for status in statuses)
        show(self._resume, not working and paid)
        self._rest.description = f"Send the rest ({count(self._price_of_rest(), 'credit')})"
        show(self._rest, not working and any(status in UNSENT for status in statuses))

    def _show_stop(self) -> None:
        """Keep Stop where it is, also once it has nothing to do: whoever stands on it is not thrown off, and
        pressing it tells why. Behind the first line of its tooltip, which is its name, that is described."""
        name = f"Stop run {self.run.id}"
        idle = not self.run.stoppable
        self._stop.tooltip = f"{name}\n{NOTHING_TO_STOP}; {SENT_GOES_ON}" if idle else name
        (self._stop.add_class if idle else self._stop.remove_class)("rivya-spent")

    def _price_of_rest(self) -> int:
        """Credits that sending the rest costs: what was stopped is sent with it."""
        return sum(job.record.price or 0 for job in self.run.jobs if job.status in {*UNSENT, "stopped"})

    def _tell(self, text: str) -> None:
        """Say what became of a press that is no mistake."""
        self._told.value = markup.quiet_html(text)

    def _button(self, text: str, name: str, act: Callable[[], object]) -> Any:
        button = make(ipywidgets.Button, description=text, tooltip=name, classes="rivya-small")
        show(button, False)
        button.on_click(lambda _: self._background.start(self._act(act)))
        return button

    async def _act(self, act: Callable[[], object]) -> None:
        """Do what a button is for, in a worker thread."""
        self._said.value = ""
        self._tell("")
        if act == self._sent and (lacking := await self._lacks(self._price_of_rest())):
            self._say(f"Nothing was sent: {lacking}")
            return
        await asyncio.to_thread(act)
        self.follow()

    def _say(self, text: str) -> None:
        self._said.value = markup.mistakes_html([text])

    def _stopped(self) -> None:
        wanted = self.run.stoppable
        self.run.stop()
        stopped = sum(job.status == "stopped" for job in wanted)
        going = [job for job in self.run.jobs if job.status in UNFINISHED]
        elsewhere = [job for job in going if job.status in UNSENT and self._is_wanted_elsewhere(job)]
        words = [f"{count(stopped, 'picture')} stopped" if stopped else NOTHING_TO_STOP]
        if len(going) > len(elsewhere):
            words.append(SENT_GOES_ON)
        if elsewhere:
            words.append("another run or kernel sends the rest")
        self._tell("; ".join(words))

    def _is_wanted_elsewhere(self, job: Job) -> bool:
        return not job.live.is_held or self._session.store.claims.is_taken(job.record)

    def _retried(self) -> None:
        self._session.retry(self.run.id)

    def _resumed(self) -> None:
        self._session.resume(self.run.id)

    def _sent(self) -> None:
        self._session.resume(self.run.id, unsent=True)


def _head_html(run: Run) -> str:
    name = printable(run.name or "", _LONGEST_NAME)
    return markup.strong_html(f"Run {run.id}") + (f" {markup.quiet_html(name)}" if name else "")


def unfinished_runs(session: Session) -> list[Run]:
    """The runs of the session's service that somebody is working on, or that were left, newest first."""
    jobs: Iterable[str] = [job.id for job in session.store.unfinished(session.service.name)]
    return [session.run(record.id) for record in session.store.runs_of(jobs)]
