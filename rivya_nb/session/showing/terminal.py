"""Waiting in a terminal, with one line that shows the progress; the same as a log where there is none."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

from rivya_nb.session.showing.live import in_notebook

if TYPE_CHECKING:
    from rivya_nb.session.run import Run

INTERVAL = 0.5
"""Seconds between two updates."""

LOG_INTERVAL = 10.0
"""Seconds between two lines about the progress in a log."""

_BAR = 20


def writes_over(out: object) -> bool:
    """Whether a line on `out` can be written over: it is a terminal, and not one that only prints."""
    isatty = getattr(out, "isatty", None)
    return isatty is not None and bool(isatty()) and os.environ.get("TERM") != "dumb"


def write_over(text: str, out: TextIO) -> None:
    """Write the line anew, as far as there is room. Blanks and not a control sequence take away what was there:
    not every terminal of Windows knows one."""
    room = shutil.get_terminal_size().columns - 1
    print(f"\r{text[:room]:<{room}}\r{text[:room]}", end="", file=out, flush=True)


class WorkLog:
    """What a long work tells: lines, and its progress as a bar below them. Where `out` is no terminal, the
    progress is a line of its own now and then."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._in_place = writes_over(out)
        self._shown = ""
        self._due = time.monotonic() + LOG_INTERVAL

    def tell(self, line: str) -> None:
        """Write a line."""
        self.end()
        print(line, file=self._out, flush=True)

    def show(self, progress: str, part: float) -> None:
        """Show the progress, of which a part from 0 to 1 is done."""
        if self._in_place:
            full = int(_BAR * part)
            write_over(f"{'━' * full}{'┄' * (_BAR - full)} {progress}", self._out)
        elif progress != self._shown and time.monotonic() >= self._due:
            self._due = time.monotonic() + LOG_INTERVAL
            print(progress, file=self._out, flush=True)
        self._shown = progress

    def end(self) -> None:
        """Take the bar away."""
        if self._in_place:
            write_over("", self._out)


def follows_in_terminal() -> bool:
    """Whether this process writes to a terminal, and is not a notebook."""
    return not in_notebook() and writes_over(sys.stderr)


def follow_in_terminal(run: Run, timeout: float | None) -> None:
    """Wait for a run and show its progress on the last line. TimeoutError after `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    finished = run.finished()
    try:
        while not finished.done():
            write_over(f"Run {run.id}: {run.line()}", sys.stderr)
            left = INTERVAL if end is None else min(INTERVAL, end - time.monotonic())
            try:
                run.work_loop.wait(finished, max(0.0, left))
            except TimeoutError:
                if end is not None and time.monotonic() >= end:
                    raise
        write_over(f"Run {run.id}: {run.line()}", sys.stderr)
    finally:
        print(file=sys.stderr, flush=True)
