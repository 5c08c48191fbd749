"""A service that limits calls and tasks, in simulated time: seconds pass as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from rivya_nb.api import retry
from rivya_nb.api.retry import RetryPolicy
from rivya_nb.contract.request import Request
from rivya_nb.errors import RateLimitedError
from rivya_nb.jobs import governor
from rivya_nb.jobs.durations import Durations
from rivya_nb.jobs.governor import Governor
from rivya_nb.jobs.job import LiveJob
from rivya_nb.jobs.limits import Limits
from rivya_nb.jobs.pacing import next_poll
from rivya_nb.store.pace import TaskDuration
from rivya_nb.store.records import planned_job

WAY = 0.03
"""Seconds of a call in one direction."""


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only while it waits, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def pass_time(timeout: float | None) -> object:
            if timeout:
                self._now += timeout
            return select(0)

        selector.select = pass_time

    def time(self) -> float:
        return self._now


@contextmanager
def simulated() -> Iterator[SimulatedLoop]:
    """A simulated loop, whose time is the governor's; each time, the same happens."""
    loop = SimulatedLoop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "_CHANCE", random.Random(1))
        patch.setattr(governor, "time", SimpleNamespace(monotonic=loop.time, time=loop.time))
        yield loop
    loop.close()


@dataclass
class Service:
    """Allows so many tasks at a time, and so many calls a second within each window of seconds. With `told` it
    sends Retry-After. Until `broken_until` it takes no task."""

    loop: SimulatedLoop
    places: float = float("inf")
    rate: float = float("inf")
    told: bool = False
    window: float = 1.0
    broken_until: float = 0.0
    calls: int = 0
    refused: int = 0
    ends: dict[str, float] = field(default_factory=dict)
    recent: deque[float] = field(default_factory=deque)

    def _limit(self, *, submit: bool) -> float | None:
        """Seconds until the call would be taken; None if it is taken now."""
        now = self.loop.time()
        while self.recent and self.recent[0] <= now - self.window:
            self.recent.popleft()
        self.calls += 1
        if submit and now < self.broken_until:
            return 1.0
        if len(self.recent) >= self.rate * self.window:
            return self.recent[0] + self.window - now
        running = sorted(end for end in self.ends.values() if end > now)
        if submit and len(running) >= self.places:
            return running[0] - now
        self.recent.append(now)
        return None

    async def call(self, *, submit: bool) -> None:
        """Raises RateLimitedError if it is refused."""
        await asyncio.sleep(WAY)
        wait = self._limit(submit=submit)
        if wait is not None:
            self.refused += 1
            await asyncio.sleep(WAY)
            after = float(max(1, round(wait + 0.5))) if self.told else None
            raise RateLimitedError("slow down", code="rate_limited", http_status=429, retry_after=after)

    async def submit(self, job_id: str, seconds: float) -> None:
        await self.call(submit=True)
        self.ends[job_id] = self.loop.time() + seconds
        await asyncio.sleep(WAY)

    async def poll(self, job_id: str) -> bool:
        """Whether the task has ended."""
        await self.call(submit=False)
        has_ended = self.ends[job_id] <= self.loop.time()
        await asyncio.sleep(WAY)
        return has_ended


@dataclass
class Kernel:
    """Sends jobs through a governor of its own, as the runner does."""

    service: Service
    governor: Governor = field(default_factory=lambda: Governor(RetryPolicy(), Limits()))
    durations: Durations = field(default_factory=Durations)
    done: int = 0

    async def run(self, seconds: Sequence[float], at_once: int = 256) -> None:
        """Carry one job for each task of so many seconds to its end."""
        waiting = asyncio.Semaphore(at_once)

        async def one(length: float) -> None:
            async with waiting:
                await self._carry(length)

        await asyncio.gather(*(one(length) for length in seconds))

    async def _carry(self, length: float) -> None:
        loop, job = self.service.loop, new_job()
        await self._until_taken(job, loop.time(), lambda: self.service.submit(job.id, length), submit=True)
        submitted, polls = loop.time() - WAY, list[float]()
        while True:
            due = next_poll(self.durations, polls)
            await asyncio.sleep(submitted + due - loop.time())
            left, ended = await self._until_taken(
                job, submitted + due, lambda: self.service.poll(job.id), submit=False
            )
            polls.append(left - submitted)
            if ended:
                break
            self.governor.in_flight.seen_running(job.id, submitted, left, self.durations.curve)
        self.durations = self.durations.later(TaskDuration(submitted, length, length))
        self.governor.task_has_ended(job.id, length)
        self.done += 1

    async def _until_taken(
        self, job: LiveJob, due: float, call: Callable[[], Awaitable[Any]], *, submit: bool
    ) -> tuple[float, Any]:
        while True:
            async with self.governor.turn(job, due, submit=submit):
                began = self.service.loop.time()
                try:
                    answer = await call()
                except RateLimitedError as error:
                    self.governor.was_refused(error, began, submit=submit)
                    continue
                if submit:
                    self.governor.submit_was_taken(job.id, began, self.durations.curve)
                else:
                    self.governor.poll_was_answered()
                return began, answer


def new_job() -> LiveJob:
    """A job that a run wants."""
    job = LiveJob(planned_job(Request("ideogram-v3", "A bottle", {}), "sandbox", time.time()))
    job.wanted_by.add(1)
    return job


def lognormal(count: int, seed: int = 1) -> list[float]:
    """Seconds of tasks, of which 90 % take 8 to 20 s."""
    draw = random.Random(seed)
    return [12.65 * 2.718 ** draw.gauss(0, 0.2785) for _ in range(count)]


def best_schedule(seconds: Sequence[float], places: float) -> float:
    return sum(seconds) / places + max(seconds) / 2
