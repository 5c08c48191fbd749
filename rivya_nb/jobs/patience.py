"""Waits for a database server that does not answer, for as long as it takes.

What a job needs to go on is in this process meanwhile. Each step may be repeated where it is not known whether it
was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from rivya_nb.errors import DatabaseUnreachableError
from rivya_nb.store.persisting import SILENT, once

if TYPE_CHECKING:
    from rivya_nb.api.retry import RetryNotice
    from rivya_nb.jobs.job import LiveJob

FIRST_PAUSE, MOST_PAUSE = 0.2, 5.0
"""Seconds before a step is tried again: at first, and at most."""

SLOW = "the store does not answer yet; this goes on when it does"
"""What a job says that waits for the store."""

current: ContextVar[Sequence[LiveJob]] = ContextVar("rivya_jobs", default=())
"""The jobs that a task works on, which tell why it waits."""

AT_ONCE = 2
"""Steps that are taken at a time. More would only wait for a connection, each on one of the few threads that a
loop has for everything: while the database is silent, a user's call would get none, and could not even say so."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

P = ParamSpec("P")
T = TypeVar("T")


def tell(notice: str | None) -> None:
    """Show on the current task's jobs why it waits."""
    for job in current.get():
        job.changed(notice=notice)


def tell_waiting(notice: RetryNotice) -> None:
    """Show on the current task's jobs why the client waits; the client calls this before each wait."""
    tell(str(notice))


async def stored(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Take a step in the store on another thread; where its database does not answer, again and again."""
    pause, is_told = FIRST_PAUSE, False
    turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))

    async def take() -> T:
        async with turns:
            return await asyncio.to_thread(lambda: once(step, *args, **kwargs))

    while True:
        taking = asyncio.ensure_future(take())
        try:
            if not (await asyncio.wait([taking], timeout=SILENT))[0]:
                is_told = True
                tell(SLOW)
            result = await taking
        except DatabaseUnreachableError as error:
            is_told = True
            tell(f"{error} This goes on when it can.")
        else:
            if is_told:
                tell(None)
            return result
        finally:
            taking.cancel()
        await asyncio.sleep(pause)
        pause = min(2 * pause, MOST_PAUSE)
