"""When a task is polled, as the contract recommends: first after 2 to 3 s, then every 5 to 10 s with growing
intervals."""

from __future__ import annotations

from collections.abc import Iterator

FIRST = 2.5
"""Seconds from the submission to the first poll."""

SECOND = 5.0
"""Seconds from the first poll to the second."""

GROWTH = 1.2
"""The factor between an interval and the next."""

LONGEST = 10.0
"""Seconds of the longest interval."""

DEADLINE = 30 * 60.0
"""Seconds after which a task that has not ended is no longer polled; it can be resumed later."""


def poll_delays() -> Iterator[float]:
    """Seconds to wait before each poll, endless: 2.5, 5, 6, 7.2, 8.64, 10, 10, …"""
    yield FIRST
    delay = SECOND
    while True:
        yield delay
        delay = min(LONGEST, delay * GROWTH)
