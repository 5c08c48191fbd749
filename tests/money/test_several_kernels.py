"""Several kernels that ask for the same at the same moment: one of them buys, the others follow it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pytest
from sandboxes import until

import rivya_nb as rv
from rivya_nb.jobs.sharing import Sharing
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.session.session import Session
from rivya_nb.store.records import JobRecord

T = TypeVar("T")

TIMEOUT = 60
PRICE = 12
Connect = Callable[..., rv.Session]
Other = Callable[[rv.Session], Session]


def at_once(*calls: Callable[[], rv.Run]) -> list[rv.Run]:
    """What the calls give, all begun at the same moment."""
    line = threading.Barrier(len(calls))

    def begin(call: Callable[[], rv.Run]) -> rv.Run:
        line.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def cell(session: Session, seeds: Sequence[int], prompt: str = "A bottle", *, fresh: bool = False) -> rv.Run:
    """The run of requests with written seeds, as a cell asks for them."""
    requests = [rv.Request("wan-2-7-image-pro", prompt, {"resolution": "1K", "seed": seed}) for seed in seeds]
    return session.plan_requests(requests, name=None, max_credits=10_000, fresh=fresh).run()


def bought(session: rv.Session) -> int:
    """Pictures that the service has billed, by what is left."""
    return (10_000 - session.balance()) // PRICE


@pytest.mark.parametrize("attempt", [0, *(pytest.param(more, marks=pytest.mark.thorough) for more in (1, 2))])
def test_the_same_cell_in_several_kernels_is_bought_once(
    attempt: int, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    others = [session, *(other_kernel(session) for _ in range(3))]
    runs = at_once(*(lambda each=each: cell(each, range(12)) for each in others))
    for run in runs:
        assert len(run.wait(TIMEOUT).images) == 12
    assert len({job.id for run in runs for job in run}) == 12
    assert bought(session) == 12
    assert sum(run.credits for run in runs) == 12 * PRICE


def test_cells_that_share_a_part_buy_the_shared_part_once(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    kernels = [session, other_kernel(session), other_kernel(session)]
    runs = at_once(
        *(lambda each=each, at=at: cell(each, range(at, at + 10)) for at, each in enumerate(kernels))
    )
    for run in runs:
        assert len(run.wait(TIMEOUT).images) == 10
    assert bought(session) == 12


def test_a_retry_and_a_rerun_elsewhere_buy_once(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    prompt, seeds = "A bottle sandbox:fail(seed=99)", range(8)
    failed = cell(session, seeds, prompt)
    failed.wait(TIMEOUT)
    for job in failed:
        session.store.finish_job(job.id, [], status="failed", error_code="generation_failed")
    before = bought(session)
    elsewhere = other_kernel(session)
    once_more = other_kernel(session)
    runs = at_once(
        lambda: session.retry(failed.id),
        lambda: cell(elsewhere, seeds, prompt),
        lambda: cell(once_more, seeds, prompt),
    )
    for run in runs:
        assert len(run.wait(TIMEOUT).images) == 8
    assert bought(session) - before == 8


def test_who_loses_a_race_of_retries_follows_the_winner(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.4))
    run = cell(session, range(6)).wait(TIMEOUT)
    for job in run:
        session.store.finish_job(job.id, [], status="failed", error_code="generation_failed")
    before = bought(session)
    kernels = [session, *(other_kernel(session) for _ in range(3))]
    runs = at_once(*(lambda each=each: each.retry(run.id) for each in kernels))
    for each in runs:
        assert len(each.wait(TIMEOUT).images) == 6
        assert "unsent" not in each.text()
    assert bought(session) - before == 6


def test_a_retry_after_the_winners_follows_it_as_well(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.4))
    run = cell(session, range(6)).wait(TIMEOUT)
    for job in run:
        session.store.finish_job(job.id, [], status="failed", error_code="generation_failed")
    before = bought(session)
    others = [other_kernel(session), other_kernel(session)]
    for each in [each.retry(run.id) for each in others]:
        assert len(each.wait(TIMEOUT).images) == 6
    assert bought(session) - before == 6


def test_what_another_kernel_stops_goes_on_where_it_is_wanted(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=1))
    run = cell(session, range(20))
    followed = cell(other_kernel(session), range(20))
    run.stop()
    assert len(followed.wait(TIMEOUT).images) == 20
    assert bought(session) == 20


def test_what_is_stopped_just_as_it_is_claimed_goes_on_where_it_is_wanted(
    connect: Connect, other_kernel: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    store, read, claim = session.store, session.store.job, session.store.claims.claim
    claimed: set[str] = set()

    def read_as_stopped(job_id: str) -> JobRecord:
        """What a kernel knows that has stopped the job, while another one has set it back to planned."""
        return replace(read(job_id), status="stopped") if job_id in claimed else read(job_id)

    def noted(job_ids: Collection[str]) -> set[str]:
        claimed.update(own := claim(job_ids))
        return own

    monkeypatch.setattr(store, "job", read_as_stopped)
    monkeypatch.setattr(store.claims, "claim", noted)
    cell(session, [1]).finished().result(TIMEOUT)
    assert len(cell(other_kernel(session), [1]).wait(TIMEOUT).images) == 1
    assert bought(session) == 1


def held_by_a_limit(session: Session, seeds: Sequence[int]) -> rv.Run:
    """A run of which nothing is sent yet, since the first 429 asks for an hour."""
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    session.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    return cell(session, seeds)


@pytest.mark.parametrize("limits", ["the session", "the plan"])
def test_what_is_taken_over_from_another_kernel_keeps_within_the_limit(
    limits: str, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = held_by_a_limit(session, range(10))
    other = other_kernel(session)
    if limits == "the session":
        other.spending.allowance.max_credits = 60
    asked = [job.request for job in run]
    plan = other.plan_requests(
        asked, name=None, max_credits=60 if limits == "the plan" else None, fresh=False
    )
    assert plan.summary == "10 pictures · 0 credits · 10 already asked for, at no more cost"
    followed = plan.run()
    run.stop()
    with pytest.raises(rv.RunFailedError, match="10 new pictures would cost 120 credits"):
        followed.wait(TIMEOUT)
    assert bought(session) == 0


def test_what_the_balance_does_not_cover_no_other_kernel_sends(
    connect: Connect, other_kernel: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect(SandboxConfig(latency=0.2, credits=10 * PRICE - 1))
    kernels = [session, other_kernel(session), other_kernel(session)]
    asked = threading.Event()
    for each in kernels:
        calls = each.connection.client.credits
        monkeypatch.setattr(calls, "retrieve", partial(_when, asked, calls.retrieve))
    runs = at_once(*(lambda each=each: cell(each, range(10)) for each in kernels))
    # No kernel has refused it while another one still plans it.
    asked.set()
    for run in runs:
        with pytest.raises(rv.RunFailedError, match="nothing was sent: it would cost 120 credits"):
            run.wait(TIMEOUT)
    assert session.balance() == 10 * PRICE - 1


async def _when(event: threading.Event, call: Callable[..., Awaitable[T]], **options: object) -> T:
    await asyncio.to_thread(event.wait)
    return await call(**options)


def test_what_is_taken_over_counts_as_spent_by_the_run(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = held_by_a_limit(session, range(3))
    followed = cell(other_kernel(session), range(3))
    run.stop()
    assert followed.wait(TIMEOUT).credits == 3 * PRICE


def test_one_plan_in_two_threads_buys_its_drawn_seeds_once(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.2))
    plan = rv.plan("A bottle", repeat=4, resolution="1K")
    for run in at_once(plan.run, plan.run):
        assert len(run.wait(TIMEOUT).images) == 4
    assert bought(session) == 4


def test_leave_to_bill_again_is_given_for_a_doubtful_submit_alone(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = cell(session, [1])
    run.hold()
    run.finished().result(TIMEOUT)
    rv.resume(run, unsent=True).wait(TIMEOUT)
    lost = {"status": "submitting", "task_id": None, "submitted_at": time.time() - 25 * 3600}
    session.store.finish_job(run[0].id, [], **lost)  # type: ignore[arg-type]
    resumed = session.resume(run.id, unsent=False, max_credits=None)
    resumed.finished().result(TIMEOUT)
    assert resumed[0].status == "unknown"


@pytest.mark.parametrize("act", ["stop", "hold"])
def test_a_run_that_is_given_up_ends_though_others_wait_before_it(act: str, connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.2))
    first = held_by_a_limit(session, range(20))
    second = cell(session, range(20, 24))
    getattr(second, act)()
    second.finished().result(TIMEOUT)
    assert {job.status for job in second} == {"stopped" if act == "stop" else "planned"}
    assert {record.owner for record in session.store.jobs(job.id for job in second).values()} == {None}
    assert first.is_working
    first.stop()


def test_a_follower_that_is_given_up_ends_though_the_other_kernel_waits(
    connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = held_by_a_limit(session, range(3))
    followed = cell(other_kernel(session), range(3))
    followed.stop()
    followed.finished().result(TIMEOUT)
    assert not followed.is_working
    assert run.is_working
    run.stop()


def test_what_was_stopped_is_sent_by_the_command_that_its_error_names(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = held_by_a_limit(session, range(2))
    run.stop()
    with pytest.raises(rv.RunFailedError, match=rf"stopped\. .*rv\.resume\({run.id}, unsent=True\)"):
        run.wait(TIMEOUT)


def test_asking_afresh_in_two_kernels_buys_twice(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    elsewhere = other_kernel(session)
    runs = at_once(lambda: cell(session, [1], fresh=True), lambda: cell(elsewhere, [1], fresh=True))
    for run in runs:
        run.wait(TIMEOUT)
    assert bought(session) == 2


def test_deleted_pictures_are_bought_again_once(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = cell(session, range(6)).wait(TIMEOUT)
    session.store.delete_pictures([job.id for job in run])
    kernels = [session, *(other_kernel(session) for _ in range(3))]
    for each in at_once(*(lambda each=each: cell(each, range(6)) for each in kernels)):
        assert len(each.wait(TIMEOUT).images) == 6
    assert bought(session) == 12


def test_lost_files_are_bought_again_once(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = cell(session, range(6)).wait(TIMEOUT)
    for job in run:
        assert job.path is not None
        job.path.unlink()
    kernels = [session, *(other_kernel(session) for _ in range(3))]
    for each in at_once(*(lambda each=each: cell(each, range(6)) for each in kernels)):
        assert len(each.wait(TIMEOUT).images) == 6
    assert bought(session) == 12


def test_grids_that_are_filled_or_widened_at_once_buy_once(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.2))
    run = cell(session, range(3)).wait(TIMEOUT)
    others = [session, other_kernel(session), other_kernel(session)]
    plans = [
        each.plan_requests([*run, *requests(3, 7)], name=None, max_credits=None, fresh=False)
        for each in others
    ]
    for each in at_once(*(plan.run for plan in plans)):
        assert len(each.wait(TIMEOUT).images) == 7
    assert bought(session) == 7


def requests(first: int, end: int) -> list[rv.Request]:
    return [
        rv.Request("wan-2-7-image-pro", "A bottle", {"resolution": "1K", "seed": seed})
        for seed in range(first, end)
    ]


@pytest.mark.parametrize(("hours", "status"), [(23, "succeeded"), (25, "unknown")])
def test_who_takes_over_from_a_dead_kernel_repeats_no_submit_whose_key_may_be_forgotten(
    hours: int, status: str, connect: Connect, other_kernel: Other
) -> None:
    session = connect(SandboxConfig(latency=0.2))
    dying = other_kernel(session)
    run = cell(dying, [1]).wait(TIMEOUT)
    submitted = time.time() - hours * 3600
    lost = {"status": "submitting", "task_id": None, "submitted_at": submitted, "owner": dying.store.owner.id}
    dying.store.finish_job(run[0].id, [], **lost)  # type: ignore[arg-type]
    following = cell(session, [1])
    assert until(lambda: following[0].status == "submitting", TIMEOUT)
    dying.store.owner.close()
    following.finished().result(TIMEOUT)
    assert following[0].status == status
    assert bought(session) == 1


@pytest.mark.parametrize("step", ["agree", "leave"])
def test_a_mistake_of_our_own_ends_the_run_instead_of_leaving_it_at_work(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(f"{step} is broken")

    monkeypatch.setattr(Sharing, step, fail)
    run = cell(connect(SandboxConfig(latency=0.1)), [1])
    with pytest.raises(RuntimeError, match=f"{step} is broken"):
        run.wait(TIMEOUT)
    assert not run.is_working
