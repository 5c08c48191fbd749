"""How many pixels this process decodes at one time: large pictures one after another, small ones side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PIXELS = 178_956_970
"""Pixels that one picture may have, and that are decoded together: twice Pillow's own warning limit, where Pillow
refuses too. As RGB they take some 700 MB."""


class PixelBudget:
    """A number of pixels that threads share, first come, first served. Waiting blocks the thread."""

    def __init__(self, pixels: int) -> None:
        self._free = self._total = pixels
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
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


BUDGET = PixelBudget(MAX_PIXELS)
"""What every picture is decoded within that was delivered or given."""
