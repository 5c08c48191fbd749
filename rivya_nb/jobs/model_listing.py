"""Fetches the service's list of models: on demand, and in the background if the list is old."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from rivya_nb.api.retry import RetryPolicy
from rivya_nb.errors import RivyaError

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.store.model_lists import ModelLists

RETRIES = RetryPolicy(attempts=2, budget=30.0, ends_at_limit=True)
"""The list is not needed at once: without a network, the last one is used after half a second. On a slow
line, the download may take its time."""

PAUSE = 600.0
"""Seconds between two attempts in the background, so that not every run tries without a network."""


class ModelListing:
    """Keeps one service's list of models current. Nothing waits for it."""

    def __init__(self, service: str, client: RivyaClient, lists: ModelLists, work_loop: WorkLoop) -> None:
        self._service = service
        self._client = client
        self._lists = lists
        self._work_loop = work_loop
        self._tried_at: float | None = None
        self._fetching: Future[None] | None = None

    async def refresh(self) -> None:
        """Fetch the list, which is public and needs no key, and store it.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
            StoreError: the list cannot be stored.
        """
        models = await self._client.models.list(retries=RETRIES)
        entries = [dict(model.raw) for model in models]
        await asyncio.to_thread(self._lists.keep, self._service, entries, time.time())

    def refresh_if_old(self) -> None:
        """Start to fetch the list in the background, if there is none or an old one."""
        now = time.monotonic()
        recent = self._tried_at is not None and now - self._tried_at < PAUSE
        if recent or not self._lists.is_old(self._service, time.time()):
            return
        self._tried_at = now
        self._fetching = self._work_loop.start(self._try())

    def stop(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()

    async def _try(self) -> None:
        # The old list, or the bundled one, is used instead: no failure needs to be shown.
        with contextlib.suppress(RivyaError):
            await self.refresh()
