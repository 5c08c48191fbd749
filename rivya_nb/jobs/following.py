"""The jobs that other processes work on, and how this one hears of what they do."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rivya_nb.jobs.giving_up import is_given_up

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.store.store import Store

FOLLOW_INTERVAL = 0.5
"""Seconds between two looks at the jobs that other processes work on, at least; where their changes are not heard
of, also at most."""

LONGEST_INTERVAL = 10.0
"""Seconds after which these jobs are looked at although nothing was heard of them."""


class Following:
    """The jobs of one session that other processes work on: `jobs` by their ids."""

    def __init__(self, store: Store, work_loop: WorkLoop) -> None:
        self.jobs: dict[str, LiveJob] = {}
        self._store = store
        self._work_loop = work_loop
        self._stirred = asyncio.Event()

    async def news(self) -> None:
        """Wait for a change by another process, where these are heard of, or by the user; at most for a while."""
        await asyncio.sleep(FOLLOW_INTERVAL)
        self._store.steps.subscribe(self.stir)
        end = time.monotonic() + LONGEST_INTERVAL
        stirred = asyncio.ensure_future(self._stirred.wait())
        try:
            while (
                self._store.owner.hears_others
                and not stirred.done()
                and not any(map(_is_left, self.jobs.values()))
                and time.monotonic() < end
            ):
                await asyncio.wait([stirred], timeout=FOLLOW_INTERVAL)
        finally:
            stirred.cancel()
        self._stirred.clear()

    def stir(self) -> None:
        """Look at the jobs soon. This may be called from any thread."""
        # Only who waits has to know; the loop may be gone.
        with suppress(RuntimeError):
            self._work_loop.loop.call_soon_threadsafe(self._stirred.set)


def _is_left(job: LiveJob) -> bool:
    """Whether the user has stopped a job that is followed, or given it up."""
    return job.record.is_final if job.is_watched else is_given_up(job)
