"""Limits that the service does not tell: found over a real socket, and no job is lost or billed twice for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.latency import LatencyRange

from .place import CREDITS, PRICE, SMALL, Place, check_money, finish

TOLD = pytest.mark.parametrize("told", [True, False], ids=["with Retry-After", "without"])
Limited = Callable[[SandboxConfig], Place]


@pytest.mark.parametrize(("jobs", "told"), [(20, True), (40, False)], ids=["with Retry-After", "without"])
def test_a_run_at_5_at_a_time_arrives_with_few_refusals(
    jobs: int, told: bool, limited_place: Limited
) -> None:
    latency = LatencyRange(0.2, 0.4)
    place = limited_place(
        SandboxConfig(latency=latency, credits=CREDITS, max_in_flight=5, send_retry_after=told)
    )
    run = rv.generate("A bottle", seed=range(jobs), **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"] * jobs
    assert place.prices() == [PRICE] * jobs
    check_money(place, run)
    assert len(place.proxy.keys) - jobs < 0.3 * len(place.proxy.calls)
    assert not any(job.live.notice for job in run)


@TOLD
def test_a_run_over_a_limit_of_calls_arrives(told: bool, limited_place: Limited) -> None:
    config = SandboxConfig(
        latency=0.2, credits=CREDITS, rate_limit=12, rate_window=1.0, send_retry_after=told
    )
    place = limited_place(config)
    run = rv.generate("A bottle", seed=range(24), **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"] * 24
    assert place.prices() == [PRICE] * 24


def test_one_task_at_a_time_is_enough(limited_place: Limited) -> None:
    place = limited_place(
        SandboxConfig(latency=0.1, credits=CREDITS, max_in_flight=1, send_retry_after=False)
    )
    run = rv.generate("A bottle", seed=range(4), **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"] * 4
    check_money(place, run)
