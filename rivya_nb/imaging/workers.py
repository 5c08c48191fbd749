"""The threads that decode what arrives, apart from those that write to the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

WORKERS = max(1, min(4, (os.cpu_count() or 1) - 1))
"""One processor is left for the event loop, which submits and polls meanwhile."""

T = TypeVar("T")


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="rivya-decoder")


if hasattr(os, "register_at_fork"):
    # A forked child does not have the threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


async def in_worker(work: Callable[[], T]) -> T:
    """The result of `work`, which is done in a thread, first come, first served."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), work)
