"""Several pieces of work of which each is needed: where one fails, none is left on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN = 1.0
"""Seconds after which what has not ended is cancelled once more."""


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give, in their order; raises what the first one raises that fails."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end(tasks)


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return once all of them have ended, however they have."""
    going: Collection[asyncio.Task[Any]] = [task for task in tasks if not task.done()]
    # Once is not enough: `asyncio.wait_for` up to Python 3.11 loses a cancellation that comes together with what
    # it waits for, and a task that asks again and again would do so for long.
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=AGAIN)
    # Looked at, or asyncio would complain about those that failed.
    await asyncio.gather(*tasks, return_exceptions=True)
