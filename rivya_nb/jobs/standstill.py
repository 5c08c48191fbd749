"""Detects that a cell holds the kernel's loop while another thread waits for work on that loop."""

from __future__ import annotations

import asyncio
import linecache
import queue
import re
import sys
import threading
import time
import warnings
from contextlib import suppress
from inspect import getattr_static
from types import FrameType

from rivya_nb.errors import RivyaError, UsageError

PATIENCE = 2.0
"""Seconds without a turn of the loop after which a wait warns."""

CERTAINTY = 5.0
"""Further seconds in which the loop's thread must be seen in the same wait."""

_INSTEAD = (
    "Wait in the cell itself, without threads; runs work side by side anyway: "
    "runs = [rv.generate(prompt) for prompt in prompts], then run.wait() for each of them."
)

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())


class Standstill:
    """Watches one loop for all threads that wait for work on it. Every method may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._warned = False
        self._wait: FrameType | None = None
        self._wait_seen = 0.0

    def check(self, since: float) -> None:
        """Check whether the loop has turned; a thread that waits for it calls this several times a second.

        It warns once if the loop has not turned for `PATIENCE` seconds of a wait that began at `since` (of
        time.monotonic), though it was asked to. A cell that only computes lets the loop continue in the end.

        Raises:
            UsageError: the loop's thread itself waits for a thread or a lock, and has done so for a while.
            RivyaError: the loop has stopped.
        """
        now = time.monotonic()
        with self._lock:
            # Not since the last turn: on a busy machine the next check may come late.
            if now - max(since, self._asked_for_a_turn(now)) < PATIENCE:
                return
            warns, self._warned = not self._warned, True
            wait = self._find_wait()
            if wait is None or wait is not self._wait:
                self._wait, self._wait_seen = wait, now
            is_stuck = wait is not None and now - self._wait_seen >= CERTAINTY
        if is_stuck:
            raise UsageError(
                "The cell that is executing waits for a thread or a lock, and holds the kernel's event loop, on "
                f"which this thread waits for work: if it waits for this thread, neither ends. {_INSTEAD} "
                "The work continues when the cell has ended."
            )
        if not self._loop.is_running():
            raise RivyaError(
                "The kernel's event loop has stopped, and with it the work that this thread waits for."
            )
        if warns:
            # `warnings.warn` would show it only once for a line of code, and not for later cells.
            warnings.warn_explicit(
                f"The executing cell has held the kernel's event loop for {PATIENCE:g} s. This thread waits for "
                f"work on that loop, which continues when the cell has ended. {_INSTEAD}",
                RuntimeWarning,
                "rivya_nb",
                1,
            )

    def _asked_for_a_turn(self, now: float) -> float:
        """Since when the loop has been asked to turn, which is now if it has done so."""
        if self._asked is None:
            self._asked = now
            # If the loop is closed meanwhile, the wait itself raises the error.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._note_turn)
        return self._asked

    def _note_turn(self) -> None:
        with self._lock:
            self._asked = self._wait = None
            self._warned = False

    def _find_wait(self) -> FrameType | None:
        """The innermost frame of the loop's thread, if it waits there for a thread or a lock without a limit."""
        frame = sys._current_frames().get(getattr(self._loop, "_thread_id", None) or 0)
        if frame is None:
            return None
        if frame.f_globals.get("__name__") == "threading":
            return None if _ends_by_itself(frame) else frame
        return frame if _at_lock(frame) else None


def _ends_by_itself(frame: FrameType | None) -> bool:
    """True if one of the innermost frames, those of `threading`, waits for a limited time only."""
    while frame is not None and frame.f_globals.get("__name__") == "threading":
        if frame.f_locals.get("timeout") not in (None, -1):
            return True
        frame = frame.f_back
    return False


def _at_lock(frame: FrameType) -> bool:
    """True if the current line takes a lock that is held, or an item from an empty SimpleQueue.

    These waits have no frame of their own.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    opens_block = line.startswith("with ") and line.endswith(":")
    names = re.findall(_NAME if opens_block else rf"({_NAME})\.(?:acquire|get)\(", line)
    return any(_holds_back(_value(name, frame)) for name in names)


def _value(name: str, frame: FrameType) -> object:
    first, *rest = name.split(".")
    value = frame.f_locals.get(first, frame.f_globals.get(first))
    for attribute in rest:
        # Not `getattr`: a property may run any code.
        value = getattr_static(value, attribute, None)
    return value


def _holds_back(value: object) -> bool:
    if isinstance(value, queue.SimpleQueue):
        return value.empty()
    return isinstance(value, _RLOCK) or (isinstance(value, _LOCK) and value.locked())
