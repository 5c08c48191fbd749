"""When a session may submit again after the service has answered 429."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from rivya_nb.api.retry import RATE_LIMITED, RetryPolicy, in_words, pause

if TYPE_CHECKING:
    from rivya_nb.errors import RateLimitedError
    from rivya_nb.jobs.job import LiveJob

TICK = 1.0
"""Seconds after which a waiting job says anew how long it waits, and notices that nobody wants it any more."""


class RateLimit:
    """The pauses that a service asks of one session's submits. Every coroutine runs on the session's loop."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._in_a_row = 0
        self._met_at = 0.0
        self._until = 0.0

    async def over(self, job: LiveJob) -> None:
        """Wait until the service may be asked again, or the job is held or stopped before it was submitted."""
        told = False
        while (left := self._until - time.monotonic()) > 0:
            if job.is_held and job.record.status != "submitting":
                break
            told = True
            job.changed(notice=f"{RATE_LIMITED}, next try in {in_words(left)}")
            await asyncio.sleep(min(left, TICK))
        if told:
            job.changed()

    def met(self, error: RateLimitedError, began: float) -> None:
        """Pause after a submit that left at `began` (monotonic seconds) and was answered 429."""
        # Several that were on their way together have met one limit, not one after the other.
        if began >= self._met_at:
            self._in_a_row += 1
        self._met_at = time.monotonic()
        self._until = max(self._until, self._met_at + pause(self._policy, error, self._in_a_row))

    def passed(self) -> None:
        """Begin with short pauses again after a submit that was taken."""
        self._in_a_row = 0
