"""Hidden limits are found within seconds, in simulated time, by the real governor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from rivya_nb.errors import RateLimitedError
from rivya_nb.jobs.durations import Durations
from rivya_nb.jobs.governor import Governor
from rivya_nb.jobs.job import LiveJob
from rivya_nb.store.pace import TaskDuration

from .simulated import Kernel, Service, SimulatedLoop, best_schedule, lognormal, new_job, simulated

pytestmark = pytest.mark.usefixtures("documented_times")

TOLD = pytest.mark.parametrize("told", [True, False], ids=["with Retry-After", "without"])
KNOWN = Durations([TaskDuration(number, took, took) for number, took in enumerate(lognormal(60, seed=7))])


def ran(
    loop: SimulatedLoop, service: Service, seconds: list[float], kernels: int = 1
) -> tuple[float, float, list[Kernel]]:
    """Carry these tasks in each kernel; gives how long that took, the part of the calls that was refused, and the
    kernels."""
    several = [Kernel(service, durations=KNOWN) for _ in range(kernels)]

    async def carry() -> None:
        await asyncio.wait_for(asyncio.gather(*(kernel.run(seconds) for kernel in several)), 3600)

    began = loop.time()
    loop.run_until_complete(carry())
    assert [kernel.done for kernel in several] == [len(seconds)] * kernels
    assert [len(kernel.governor.in_flight) for kernel in several] == [0] * kernels
    return loop.time() - began, service.refused / service.calls, several


def test_without_a_limit_a_run_ends_with_its_slowest_task() -> None:
    seconds = lognormal(256)
    with simulated() as loop:
        took, refused, _ = ran(loop, Service(loop), seconds)
    assert took < 1.3 * max(seconds)
    assert refused == 0


@TOLD
@pytest.mark.parametrize(("places", "jobs"), [(20, 120), (5, 40), (1, 8)])
def test_a_limit_of_tasks_is_found_and_used(places: int, jobs: int, told: bool) -> None:
    seconds = lognormal(jobs)
    with simulated() as loop:
        took, refused, [kernel] = ran(loop, Service(loop, places=places, told=told), seconds)
    assert took < 1.25 * best_schedule(seconds, places)
    assert refused < (0.5 if places == 1 else 0.2)
    assert kernel.governor.limits.places == pytest.approx(places, rel=0.25, abs=1)


@TOLD
@pytest.mark.parametrize(("rate", "jobs", "longer"), [(8.0, 160, 1.5), (1.0, 40, 1.6), (0.5, 15, 2.6)])
def test_a_limit_of_calls_is_found_and_used(rate: float, jobs: int, longer: float, told: bool) -> None:
    seconds = lognormal(jobs)
    with simulated() as loop:
        service = Service(loop, rate=rate, told=told, window=max(1.0, 1 / rate))
        took, refused, _ = ran(loop, service, seconds)
    # Each job takes a submit and at least one poll.
    assert took < longer * (2 * jobs / rate + max(seconds))
    assert refused < 0.4


@TOLD
def test_both_limits_at_once_are_found(told: bool) -> None:
    seconds = lognormal(120)
    with simulated() as loop:
        took, refused, _ = ran(loop, Service(loop, places=20, rate=8, told=told), seconds)
    assert took < 1.4 * best_schedule(seconds, 20)
    assert refused < 0.25


@TOLD
@pytest.mark.parametrize("change", [lambda s: setattr(s, "places", 8), lambda s: setattr(s, "places", 50)])
def test_a_limit_that_changes_is_found_again(change: Callable[[Service], None], told: bool) -> None:
    seconds = lognormal(100)
    with simulated() as loop:
        service = Service(loop, places=20, told=told)
        loop.call_later(30, change, service)
        took, refused, _ = ran(loop, service, seconds)
    assert took < 1.5 * best_schedule(seconds, min(service.places, 20))
    assert refused < 0.45


@TOLD
def test_many_places_more_are_found_one_try_after_the_other(told: bool) -> None:
    seconds = lognormal(150)
    with simulated() as loop:
        service = Service(loop, places=5, told=told)
        loop.call_later(30, setattr, service, "places", 50)
        took, _, _ = ran(loop, service, seconds)
    assert took < 30 + (5 if told else 3) * best_schedule(seconds, 50)


@TOLD
def test_a_service_that_refused_everything_for_a_while_is_used_at_once(told: bool) -> None:
    seconds = lognormal(64)
    with simulated() as loop:
        service = Service(loop, told=told)
        service.broken_until = loop.time() + 30
        took, _, [kernel] = ran(loop, service, seconds)
    # The longest pause is 8 s.
    assert took < 30 + 8 + 1.5 * max(seconds)
    assert kernel.governor.limits.rate is None


@TOLD
def test_kernels_that_share_nothing_but_the_key_all_finish(told: bool) -> None:
    with simulated() as loop:
        ran(loop, Service(loop, rate=8, told=told), lognormal(20), kernels=4)


def test_a_turn_that_is_given_up_or_cancelled_is_free_for_others() -> None:
    with simulated() as loop:
        kernel = Kernel(Service(loop))
        governor = kernel.governor

        async def hold(submit: bool) -> None:
            async with governor.turn(new_job(), loop.time(), submit=submit):
                await asyncio.sleep(1000)

        async def attack() -> None:
            turns = [asyncio.ensure_future(hold(submit=bool(number % 2))) for number in range(40)]
            await asyncio.sleep(5)
            given_up = new_job()
            given_up.wanted_by.clear()
            async with governor.turn(given_up, loop.time(), submit=True) as is_wanted:
                assert not is_wanted
            # Some have their turn, some wait, and some get it at this very moment.
            for turn in turns:
                turn.cancel()
                if turn is turns[20]:
                    await asyncio.sleep(0)
            await asyncio.gather(*turns, return_exceptions=True)
            await kernel.run(lognormal(10))

        loop.run_until_complete(asyncio.wait_for(attack(), 600))
        assert (governor._calls, governor._submitting, kernel.done) == (0, 0, 10)


def test_a_job_says_no_longer_that_it_is_limited_once_the_pause_is_over() -> None:
    limit = RateLimitedError("slow down", code="rate_limited", http_status=429, retry_after=3.0)
    with simulated() as loop:
        governor = Kernel(Service(loop)).governor

        async def wait_for_a_place() -> list[str | None]:
            governor.limits.set_places(1, loop.time())
            governor.in_flight.join("other", loop.time(), loop.time(), None)
            governor.was_refused(limit, loop.time(), submit=True)
            job, notices = new_job(), list[str | None]()
            job.subscribe(lambda: notices.append(job.notice))
            waiting = asyncio.ensure_future(take_turn(governor, job, loop.time()))
            await asyncio.sleep(8)
            waiting.cancel()
            return notices

        notices = loop.run_until_complete(wait_for_a_place())
    assert "rate limited" in str(notices[0])
    assert notices[-1] is None


async def take_turn(governor: Governor, job: LiveJob, due: float) -> None:
    async with governor.turn(job, due, submit=True):
        pass
