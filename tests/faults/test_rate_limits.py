"""A service that limits the rate: everything waits for its turn, until it is sent or given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import until

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.records import UNSENT
from rivya_nb.store.store import Store

from .place import PRICE, SMALL, WAIT, Place, check, check_money, finish
from .proxy import PICTURE, POLL, SUBMIT, UPLOAD, Fault, Kind, Spoil, answers, refuses, reset_lost

LIMIT = refuses(429, "rate_limited")
SECOND = refuses(429, "rate_limited", {"Retry-After": "1"})
HOUR = refuses(429, "rate_limited", {"Retry-After": "3600"})


def waiting(run: rv.Run) -> bool:
    """Whether the user sees that the run waits for the service."""
    return any("rate limited, next try in" in (job.live.notice or "") for job in run)


@pytest.mark.parametrize("spoil", [LIMIT, answers(429)], ids=["of the API", "of a proxy"])
@pytest.mark.parametrize("kind", [SUBMIT, POLL, PICTURE], ids=["submits", "polls", "pictures"])
def test_more_limits_than_attempts_are_no_failure(kind: Kind, spoil: Spoil, place: Place) -> None:
    place.proxy.inject(Fault(kind, spoil, times=12))
    run = rv.generate("A bottle", seed=range(3), **SMALL)
    finish(run)
    assert [(job.status, job.error) for job in run] == [("succeeded", None)] * 3
    check(place, run)
    check_money(place, run)


def test_uploads_wait_too(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (64, 64), "grey").save(path)
    place.proxy.inject(Fault(UPLOAD, LIMIT, times=9))
    run = rv.generate("A bottle", seed=1, references=path, resolution="1K")
    finish(run)
    assert [job.status for job in run] == ["succeeded"]
    check_money(place, run)


def test_the_wait_that_a_rate_limit_asks_for_is_told(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, SECOND, times=1))
    run = rv.generate("A bottle", seed=1, **SMALL)
    assert until(lambda: waiting(run))
    assert "rate limited, next try in 1 s" in run.text()
    assert [job.status for job in run] == ["planned"]
    finish(run)
    check_money(place, run)


def test_what_waits_can_be_waited_for_in_part_stopped_and_sent_later(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, HOUR))
    run = rv.generate("A bottle", seed=range(20), **SMALL)
    assert until(lambda: waiting(run))
    with pytest.raises(TimeoutError):
        run.wait(0.1)
    run.stop()
    finish(run)
    assert {job.status for job in run} <= {"stopped", "planned"}
    # Those that were on their way when the limit was met, and no other.
    assert len(place.proxy.keys) <= 4
    assert place.prices() == []
    check(place, run)


def test_an_upload_that_waits_can_be_stopped(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (64, 64), "grey").save(path)
    place.proxy.inject(Fault(UPLOAD, HOUR))
    run = rv.generate("A bottle", seed=1, references=path, resolution="1K")
    assert until(lambda: waiting(run))
    run.stop()
    assert "When a worker sends them" not in run.text(), "nobody will"
    finish(run)
    assert [job.status for job in run] == ["stopped"]
    assert place.prices() == []
    check(place, run)


def test_a_submit_without_an_answer_is_asked_for_whatever_limit_it_meets(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, reset_lost, times=1), Fault(SUBMIT, LIMIT, times=11))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    assert [job.status for job in run] == ["succeeded"]
    assert len(set(place.proxy.keys)) == 1
    check_money(place, run)


def test_resuming_what_may_be_billed_meets_a_limit(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, reset_lost))
    run = rv.generate("A bottle", seed=1, **SMALL)
    finish(run)
    place.proxy.heal()
    place.proxy.inject(Fault(SUBMIT, LIMIT, times=11))
    finish(rv.resume(run))
    assert [job.status for job in run] == ["succeeded"]
    assert len(set(place.proxy.keys)) == 1
    check_money(place, run)


@contextmanager
def kernels(place: Place, count: int) -> Iterator[list[rv.Session]]:
    with ExitStack() as stack:
        yield [stack.enter_context(place.other_kernel()) for _ in range(count)]


@pytest.mark.parametrize("told", [True, False], ids=["with Retry-After", "without"])
def test_several_kernels_under_one_limit_all_finish(
    told: bool, limited_place: Callable[[SandboxConfig], Place]
) -> None:
    config = SandboxConfig(
        latency=0.2, credits=100_000, rate_limit=30, rate_window=1.0, send_retry_after=told
    )
    place = limited_place(config)

    def study(number: int, session: rv.Session) -> rv.Run:
        requests = [
            rv.Request("ideogram-v3", f"A bottle {number}", {"image_size": "square", "seed": seed})
            for seed in range(12)
        ]
        plan = session.plan_requests(requests, name=None, max_credits=None, fresh=False)
        run = plan.run()
        finish(run)
        return run

    with kernels(place, 3) as sessions, ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(study, range(3), sessions))
    assert [[job.status for job in run] for run in runs] == [["succeeded"] * 12] * 3
    assert place.prices() == [PRICE] * 36


def test_what_is_stopped_while_it_waits_is_unsent_for_other_kernels(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, HOUR))
    run = rv.generate("A bottle", seed=1, **SMALL)
    assert until(lambda: waiting(run))
    with place.other_kernel() as other:
        assert {job.status for job in other.run(run.id)} <= UNSENT
    run.hold()
    run.finished().result(WAIT)
    place.proxy.heal()
    with place.other_kernel() as other:
        assert [job.status for job in other.resume(run.id, unsent=True, max_credits=None).wait(WAIT)] == [
            "succeeded"
        ]
    assert place.prices() == [PRICE]


def test_a_kernel_with_a_ceiling_leaves_the_other_places_to_others(place: Place) -> None:
    place.session.spending.max_parallel = 2
    place.proxy.inject(Fault(SUBMIT, HOUR))
    run = rv.generate("A bottle", seed=range(20), **SMALL)
    assert until(lambda: waiting(run))
    other, nothing = Demand(0, 0), FoundLimits()
    limits = place.session.store.limits

    def demands() -> list[Demand]:
        label = place.session.spending._service.label
        return limits.share(place.session.service, label, "other", other, nothing)[1]

    assert until(lambda: demands() == [Demand(0, 2)])
    run.stop()
    finish(run)


def test_thousands_that_wait_are_stopped_at_once(place: Place) -> None:
    place.proxy.inject(Fault(SUBMIT, HOUR))
    run = rv.generate("A bottle", seed=range(2000), max_credits=20_000, **SMALL)
    assert until(lambda: waiting(run))
    run.stop()
    finish(run)
    assert {job.status for job in run} <= {"stopped", "planned"}
    assert not any(job.live.is_working or job.live.notice for job in run)
    assert place.prices() == []
    with closing(Store.open(place.folder)) as store:
        assert {job.owner for job in store.jobs(job.id for job in run).values()} == {None}
