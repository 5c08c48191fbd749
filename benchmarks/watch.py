"""What a kernel goes through while pictures arrive: how long its loop stands still, its memory, its processor."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

TICK = 0.005
"""Seconds between two looks at the loop."""

STALL = 0.02
"""Seconds that the loop may stand still."""


class Watch:
    """Watches the running loop from now on."""

    def __init__(self) -> None:
        self._began, self._processor = time.perf_counter(), time.process_time()
        self._memory = _memory("VmRSS")
        self._stalls: list[float] = []
        self._at_start = 0
        self._places: Counter[str] = Counter()
        self._last = time.perf_counter()
        self._loops_thread = threading.get_ident()
        self._over = threading.Event()
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        threading.Thread(target=self._look, daemon=True).start()

    def started(self) -> None:
        """What stood still until now belongs to the start."""
        self._note()
        self._at_start = len(self._stalls)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._note()

    def _note(self) -> None:
        now = time.perf_counter()
        self._stalls.append(now - self._last - TICK)
        self._last = now

    def _look(self) -> None:
        """Note where the loop's thread is, as long as the loop stands still."""
        while not self._over.wait(TICK):
            if time.perf_counter() - self._last > STALL + TICK:
                stack = traceback.extract_stack(sys._current_frames()[self._loops_thread])
                ours = [f"{Path(frame.filename).stem}.{frame.name}" for frame in stack[-12:]]
                self._places[" › ".join(ours)] += 1

    def end(self) -> dict[str, Any]:
        """Seconds of the longest stalls, at the start and later, and of the processor; the peak of memory above
        the start, in MB; the places where the loop was seen standing, most often first."""
        self._ticking.cancel()
        self._over.set()
        later = self._stalls[self._at_start :]
        return {
            "seconds": time.perf_counter() - self._began,
            "processor": time.process_time() - self._processor,
            "stall at start": max(self._stalls[: self._at_start], default=0.0),
            "stall": max(later, default=0.0),
            "stalls": sum(stall > STALL for stall in later),
            "memory": _memory("VmHWM") - self._memory,
            "places": self._places.most_common(20),
        }


def _memory(name: str) -> float:
    """MB of this process, as Linux counts them: `VmRSS` now, `VmHWM` at most so far."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1000
