"""How far long work in threads is: a bar in the cell or in the terminal. An interrupt keeps what is done."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from rivya_nb.contract.text import count
from rivya_nb.errors import WaitInterruptedError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.session.showing.live import SHORTEST_PAUSE, in_console, in_notebook, publish
from rivya_nb.session.showing.terminal import WorkLog
from rivya_nb.views.words import about, seconds

T = TypeVar("T")

_PATIENCE = 0.5
"""Seconds after which work is shown at all."""


def with_progress(
    what: str, noun: str, work: Callable[[Callable[[int, int], None], threading.Event], T]
) -> T:
    """The result of `work`, which is done off the loop with its progress shown. It gets a function to tell how
    many of how many are done, and an event that is set when it has to stop.

    Raises:
        WaitInterruptedError: the kernel was interrupted; what was done by then is kept.
    """
    bar = _Bar(what, noun)
    stop = threading.Event()
    try:
        return WorkLoop.find().aside(lambda: work(bar.tell, stop))
    except KeyboardInterrupt:
        raise WaitInterruptedError(
            f"Interrupted: {bar.done:,} of {count(bar.total, noun)} are done and kept; the same call goes on with "
            "the rest."
        ) from None
    finally:
        stop.set()
        bar.end()


class _Bar:
    def __init__(self, what: str, noun: str) -> None:
        self.done = self.total = 0
        self._what, self._noun = what, noun
        self._log = None if in_notebook() and not in_console() else WorkLog(sys.stderr)
        self._display_id = f"rivya-{uuid.uuid4().hex}"
        self._is_shown = False
        self._start = time.monotonic()
        self._due = self._start + _PATIENCE
        self._lock = threading.Lock()
        self._has_ended = False

    def tell(self, done: int, total: int) -> None:
        """Show that so many of all are done, now and then."""
        self.done, self.total = done, total
        now = time.monotonic()
        with self._lock:
            if now < self._due or self._has_ended:
                return
            self._due = now + SHORTEST_PAUSE
            took = now - self._start
            left = f" · {about(took / done * (total - done))} left" if done else ""
            self._show(f"{self._what} · {done:,} of {count(total, self._noun)}{left}", done / total)

    def end(self) -> None:
        """Say how long it took, where it was shown."""
        with self._lock:
            self._has_ended = True
            if self._log is not None:
                self._log.end()
            elif self._is_shown:
                took = seconds(round(time.monotonic() - self._start))
                self._show(f"{self._what} · {self.done:,} of {count(self.total, self._noun)} · {took}", None)

    def _show(self, words: str, part: float | None) -> None:
        if self._log is not None:
            self._log.show(words, part or 0.0)
            return
        from rivya_nb.views.run_html import environment

        percent = None if part is None else int(100 * part)
        html = environment().get_template("progress.html").render(words=words, percent=percent)
        publish({"text/html": html, "text/plain": words}, self._display_id, update=self._is_shown)
        self._is_shown = True
