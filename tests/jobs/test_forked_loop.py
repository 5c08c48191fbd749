"""What a forked process leaves to its parent."""

from __future__ import annotations

import asyncio
import gc
import warnings

from rivya_nb.jobs.forked_loop import leave_to_parent
from rivya_nb.jobs.work_loop import WorkLoop


async def work() -> None:
    raise AssertionError("it is the parent's")


def test_work_that_had_not_begun_is_left_without_a_warning() -> None:
    loop = asyncio.new_event_loop()
    WorkLoop(loop, in_kernel=True).start(work())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        leave_to_parent(loop)
        gc.collect()
    assert [str(each.message) for each in said] == []
    loop.close()
