"""How many pixels this process decodes at one time: large pictures one after another, small ones side by side."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PIXELS = 178_956_970
"""Pixels that one picture may have, and that are decoded together: twice Pillow's own warning limit, where Pillow
refuses too. As RGB they take some 700 MB."""


_LARGE = 16_000_000
"""Pixels from which on a picture's memory is worth the tenth of a second that giving it back takes."""


class PixelBudget:
    """A number of pixels that threads share, first come, first served. Waiting blocks the thread."""

    def __init__(self, pixels: int) -> None:
        self._total = pixels
        self.reset()

    def reset(self) -> None:
        """Forget who holds pixels and who waits, as a forked child must: it has none of their threads."""
        self._free = self._total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, pixels: int) -> Iterator[None]:
        """Hold so many pixels, once they are free. A thread that holds some must not ask for more.

        What is larger than the whole budget waits until it is alone.
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
"""What every picture is decoded within that was delivered or given."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=BUDGET.reset)


def _give_back_memory() -> None:
    """Free memory goes back to the system: the C library of Linux keeps what each thread has used for itself, so
    that pictures decoded one after another would take as much as side by side."""
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
