"""Waiting in a terminal, with one line that shows the progress."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rivya_nb.session.showing.live import in_notebook

if TYPE_CHECKING:
    from rivya_nb.session.run import Run

INTERVAL = 0.5
"""Seconds between two updates."""


def follows_in_terminal() -> bool:
    """Whether this process writes to a terminal, and is not a notebook."""
    isatty = getattr(sys.stderr, "isatty", None)
    return not in_notebook() and isatty is not None and bool(isatty())


def follow_in_terminal(run: Run, timeout: float | None) -> None:
    """Wait for a run and show its progress on the last line. TimeoutError after `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    finished = run.finished()
    try:
        while not finished.done():
            print(f"\r\x1b[KRun {run.id}: {run.line()}", end="", file=sys.stderr, flush=True)
            left = INTERVAL if end is None else min(INTERVAL, end - time.monotonic())
            try:
                run.work_loop.wait(finished, max(0.0, left))
            except TimeoutError:
                if end is not None and time.monotonic() >= end:
                    raise
        print(f"\r\x1b[KRun {run.id}: {run.line()}", end="", file=sys.stderr)
    finally:
        print(file=sys.stderr, flush=True)
