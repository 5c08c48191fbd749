"""Several pieces of work that are all needed: if one fails, the others are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN = 1.0
"""Seconds after which tasks that have not ended are cancelled again."""


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in their order; raises the first error."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end(tasks)


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return once all of them have ended, and those who wait for their ends have heard of it."""
    going: Collection[asyncio.Task[Any]] = [task for task in tasks if not task.done()]
    # One cancellation may be lost: `asyncio.wait_for` up to Python 3.11 ignores it if its awaitable ends at
    # the same time, and a task that retries would go on for long.
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=AGAIN)
    # Their errors are retrieved; asyncio would report them otherwise.
    await asyncio.gather(*tasks, return_exceptions=True)
    # Since Python 3.12 this gives the loop no turn where all have ended, and who waits for that would not hear.
    await asyncio.sleep(0)
