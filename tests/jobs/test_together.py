"""Work that belongs together ends together."""

from __future__ import annotations

import asyncio

import pytest

from rivya_nb.jobs.together import end, together


def test_what_has_to_end_ends_also_where_its_cancellation_is_lost() -> None:
    async def end_at_the_moment_of_an_answer() -> bool:
        answer = asyncio.get_running_loop().create_future()

        async def ask_again_and_again() -> None:
            # Up to Python 3.11 a cancellation that meets the answer is lost.
            await asyncio.wait_for(answer, 60)
            await asyncio.sleep(60)

        asking = asyncio.ensure_future(ask_again_and_again())
        await asyncio.sleep(0)
        answer.set_result(None)
        await asyncio.wait_for(end([asking]), 60)
        return asking.cancelled()

    assert asyncio.run(end_at_the_moment_of_an_answer())


def test_what_fails_while_it_ends_is_nobodys_trouble() -> None:
    async def end_one_that_fails() -> None:
        async def fail_when_cancelled() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                raise OSError("no space left")

        failing = asyncio.ensure_future(fail_when_cancelled())
        await asyncio.sleep(0)
        await end([failing])
        assert failing.done()

    asyncio.run(end_one_that_fails())


def test_where_one_fails_the_others_have_ended() -> None:
    ended = []

    async def fail() -> None:
        raise OSError("no space left")

    async def go_on() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("the other")

    with pytest.raises(OSError, match="no space left"):
        asyncio.run(together([fail(), go_on()]))
    assert ended == ["the other"]


def test_who_is_told_of_an_end_has_heard_of_it_when_all_have_ended() -> None:
    async def left_over() -> set[asyncio.Task[None]]:
        going: set[asyncio.Task[None]] = set()

        async def end_at_once() -> None: ...

        task = asyncio.ensure_future(end_at_once())
        going.add(task)
        task.add_done_callback(going.discard)
        await asyncio.sleep(0)
        assert task.done()
        assert going
        await end(going)
        return set(going)

    assert asyncio.run(left_over()) == set()
