"""Waits of a job before its submit; they end if the job is given up, that is, no longer wanted by any run."""

from __future__ import annotations

import asyncio
import concurrent.futures

from rivya_nb.jobs.job import LiveJob
from rivya_nb.store.records import UNSENT

TICK = 1.0
"""Seconds after which a waiting job updates its notice, and checks whether it is still wanted."""

BALANCE_TIMEOUT = 10.0
"""Seconds after which a run continues without the balance."""

GATE_PATIENCE = 1.0
"""Seconds after which a job shows that it waits for the balance."""

GATE_WORDS = "waiting for the service to say how many credits are left"


async def answer_of(gate: concurrent.futures.Future[str | None], job: LiveJob) -> str | None:
    """The answer of the gate; if it takes long, the job shows what it waits for. None for a job that is held
    meanwhile."""
    answer = asyncio.wrap_future(gate)
    while not (await asyncio.wait([answer], timeout=GATE_PATIENCE))[0] and not job.is_held:
        job.changed(notice=f"{GATE_WORDS}, at most {BALANCE_TIMEOUT:.0f} s")
    job.changed()
    return answer.result() if answer.done() else None


def is_given_up(job: LiveJob) -> bool:
    """True if a job was not sent, and no run wants it any more."""
    return job.record.is_final or (job.is_held and job.record.status in UNSENT)
