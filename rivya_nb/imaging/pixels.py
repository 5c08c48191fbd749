"""The number of pixels that this process decodes at one time: it bounds the memory for large pictures."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PIXELS = 178_956_970
"""The most pixels of one picture, and of all that are decoded together: twice Pillow's own warning limit,
where Pillow refuses too. As RGB they take some 700 MB."""


_LARGE = 16_000_000
"""From so many pixels on, memory is returned to the system, which takes a tenth of a second."""


class PixelBudget:
    """A number of pixels that threads share, first come, first served. Waiting blocks the thread."""

    def __init__(self, pixels: int) -> None:
        self._total = pixels
        self.reset()

    def reset(self) -> None:
        """Forget all holders and waiters; a forked child does not have their threads."""
        self._free = self._total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, pixels: int) -> Iterator[None]:
        """Hold so many pixels as soon as they are free. A thread that holds some must not ask for more.

        A picture that is larger than the whole budget waits until no other is decoded.
        """
        pixels = min(pixels, self._total)
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and pixels <= self._free)
                self._free -= pixels
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            if pixels >= _LARGE:
                _give_back_memory()
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


BUDGET = PixelBudget(MAX_PIXELS)
"""The budget for every picture that was downloaded or given."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=BUDGET.reset)


def _give_back_memory() -> None:
    """Return free memory to the system. The C library of Linux keeps what each thread has used, so that
    pictures decoded one after another would need as much memory as side by side."""
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
