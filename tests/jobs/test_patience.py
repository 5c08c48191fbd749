"""Steps in a store whose database is silent."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from rivya_nb.jobs.patience import stored


def test_many_steps_that_wait_leave_threads_for_everything_else() -> None:
    answered = threading.Event()

    async def work() -> list[bool]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
        steps = [asyncio.ensure_future(stored(answered.wait)) for _ in range(20)]
        await asyncio.sleep(0)
        try:
            await asyncio.wait_for(asyncio.to_thread(int), 20)
        finally:
            answered.set()
        return await asyncio.gather(*steps)

    assert asyncio.run(work()) == [True] * 20
