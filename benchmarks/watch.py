"""What a kernel goes through while pictures arrive: how long its loop stands still, its memory, its processor."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

TICK = 0.005
"""Seconds between two looks at the loop."""


class Watch:
    """Watches the running loop from now on."""

    def __init__(self) -> None:
        self._started, self._processor = time.perf_counter(), time.process_time()
        self._memory = _memory("VmRSS")
        self._stalls: list[float] = []
        self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK)
            self._stalls.append(time.perf_counter() - before - TICK)

    def end(self) -> dict[str, float]:
        """Seconds that passed, of processor, and of the longest stalls; the peak of memory above start, in MB."""
        self._ticking.cancel()
        stalls = sorted(self._stalls, reverse=True)
        return {
            "seconds": time.perf_counter() - self._started,
            "processor": time.process_time() - self._processor,
            "stall": stalls[0],
            "stalls over 20 ms": sum(stall > 0.02 for stall in stalls),
            "memory": _memory("VmHWM") - self._memory,
        }


def _memory(name: str) -> float:
    """MB of this process, as Linux counts them: `VmRSS` now, `VmHWM` at most so far."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1000
