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
"""Seconds after which a waiting job updates its notice, and checks whether it is still wanted."""


class RateLimit:
    """The pauses of one session's submits after rate limits. Every coroutine runs on the session's loop."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._in_a_row = 0
        self._met_at = 0.0
        self._until = 0.0

    async def over(self, job: LiveJob) -> None:
        """Wait until a submit is allowed again, or the job is held or stopped before it was submitted."""
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
        # Submits that were under way together met the same limit: it counts once.
        if began >= self._met_at:
            self._in_a_row += 1
        self._met_at = time.monotonic()
        self._until = max(self._until, self._met_at + pause(self._policy, error, self._in_a_row))

    def passed(self) -> None:
        """After an accepted submit, begin with short pauses again."""
        self._in_a_row = 0
