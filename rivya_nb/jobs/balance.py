"""Whether the balance covers what is about to be submitted."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING

from rivya_nb.errors import ApiError, TransportError

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.jobs.job import LiveJob

TIMEOUT = 10.0
"""Seconds after which a run continues without the balance."""

PATIENCE = 1.0
"""Seconds after which a job shows that it waits for the balance."""

WAITING = f"waiting for the service to say how many credits are left, at most {TIMEOUT:.0f} s"

Gate = concurrent.futures.Future[str | None]
"""What a submit waits for: None if it may leave, else the reason why it may not."""


async def short_of(client: RivyaClient, service: str, price: int) -> str | None:
    """Why the balance does not cover a price, in credits; None if it does, or if the service does not say."""
    try:
        balance = await asyncio.wait_for(client.credits.retrieve(), TIMEOUT)
    except (ApiError, TransportError, asyncio.TimeoutError):
        # Then each submit will be answered by the service itself.
        return None
    if balance.current_credits >= price:
        return None
    left = f"{balance.current_credits:,} are left at {service}"
    return f"nothing was sent: it would cost {price:,} credits, and {left}"


async def answer_of(gate: Gate, job: LiveJob) -> str | None:
    """The answer of the gate; if it takes long, the job shows what it waits for. None for a job that is held
    meanwhile."""
    answer = asyncio.wrap_future(gate)
    while not (await asyncio.wait([answer], timeout=PATIENCE))[0] and not job.is_held:
        job.changed(notice=WAITING)
    job.changed()
    return answer.result() if answer.done() else None
