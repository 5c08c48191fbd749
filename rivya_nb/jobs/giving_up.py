"""Waits of a job before it is submitted, which end when it is given up: nobody wants it any more."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rivya_nb.jobs.job import LiveJob
from rivya_nb.jobs.rate_limit import TICK
from rivya_nb.jobs.together import end
from rivya_nb.store.records import UNSENT

BALANCE_TIMEOUT = 10.0
"""Seconds that a run waits for the balance before it goes on without."""

GATE_PATIENCE = 1.0
"""Seconds after which a job says that it waits for the balance."""

GATE_WORDS = "waiting for the service to say how many credits are left"


async def answer_of(gate: concurrent.futures.Future[str | None], job: LiveJob) -> str | None:
    """What the gate says; where that takes long, the job says meanwhile what it waits for. None for a job that is
    held before."""
    answer = asyncio.wrap_future(gate)
    while not (await asyncio.wait([answer], timeout=GATE_PATIENCE))[0] and not job.is_held:
        job.changed(notice=f"{GATE_WORDS}, at most {BALANCE_TIMEOUT:.0f} s")
    job.changed()
    return answer.result() if answer.done() else None


def is_given_up(job: LiveJob) -> bool:
    """Whether nobody wants a job any more that was never sent."""
    return job.record.is_final or (job.is_held and job.record.status in UNSENT)


@asynccontextmanager
async def place_for(places: asyncio.Semaphore, job: LiveJob) -> AsyncIterator[bool]:
    """One of these places, once one is free; False, and none is taken, for a job that is given up before."""
    waiting = asyncio.ensure_future(places.acquire())
    try:
        while not waiting.done() and not is_given_up(job):
            await asyncio.wait([waiting], timeout=TICK)
        yield not is_given_up(job)
    finally:
        await end([waiting])
        if not waiting.cancelled():
            places.release()
