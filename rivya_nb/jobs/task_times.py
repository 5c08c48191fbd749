"""How long the tasks of one service take: read once from the store, and kept current as tasks end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.jobs.durations import Durations, duration_of
from rivya_nb.jobs.patience import stored
from rivya_nb.store.durations import kind_of
from rivya_nb.store.pace import TaskDuration

if TYPE_CHECKING:
    from rivya_nb.api.records import Task
    from rivya_nb.contract.request import Request
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.store.store import Store

WRITTEN_AT_ONCE = 20
"""Durations of one kind that are written in one transaction; the rest is written when the work ends."""


class TaskTimes:
    """The durations of tasks by model and kind. Every coroutine runs on the session's loop."""

    def __init__(self, service: str, store: Store) -> None:
        self._service = service
        self._store = store
        self._known: dict[tuple[str, str], Durations] = {}
        self._unwritten: dict[tuple[str, str], tuple[Request, list[TaskDuration]]] = {}

    async def known(self, request: Request) -> Durations:
        """How long the latest tasks of this request's kind took; perhaps nothing.

        Raises:
            StoreError: the store cannot be read.
        """
        kind = (request.model, kind_of(request))
        if kind not in self._known:
            read = await stored(self._store.durations.known, self._service, request)
            self._known.setdefault(kind, Durations(read))
        return self._known[kind]

    async def ended(self, job: LiveJob, task: Task, *, running: Sequence[float], seen: float) -> float | None:
        """Learn from a task that was seen ended `seen` seconds after its submission; the polls at `running`
        found it running. Gives the seconds that it took, as far as they are known."""
        request, submitted = job.record.request, job.record.submitted_at
        if submitted is None:
            return None
        duration = duration_of(task, submitted_at=submitted, polls=running, seen=seen)
        if duration is None:
            return None
        kind = (request.model, kind_of(request))
        self._known[kind] = (await self.known(request)).later(duration)
        _, new = self._unwritten.setdefault(kind, (request, []))
        new.append(duration)
        if len(new) >= WRITTEN_AT_ONCE:
            await self.write()
        return (duration.least + duration.most) / 2

    async def write(self) -> None:
        """Keep what was learned in the store.

        Raises:
            StoreError: the store cannot be written.
        """
        unwritten, self._unwritten = self._unwritten, {}
        for request, new in unwritten.values():
            await asyncio.to_thread(self._store.durations.remember, self._service, request, new)
