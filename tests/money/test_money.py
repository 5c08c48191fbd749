"""Whoever clicks twice, from wherever, pays once; what is held, stopped or tried again is counted right."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.current import current_session
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.session.session import Session

TIMEOUT = 60
MORE_THAN_AT_ONCE = range(20)


def test_impatient_clicks_on_retry_buy_once(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle sandbox:fail(seed=2)", seed=[1, 2, 3], resolution="1K").wait(TIMEOUT)
    with ThreadPoolExecutor(4) as clicks:
        for _ in clicks.map(lambda _: session.retry(run.id), range(4)):
            pass
    run.wait(TIMEOUT)
    # Each retry may find the last one's job failed again, but never the same failure twice.
    asked = [cell for cell in run.record.cells if cell.coordinates == (1,)]
    assert len(asked) == len({cell.job_id for cell in asked})
    assert len(run.jobs) == 3


def test_a_failure_that_two_runs_share_is_bought_again_once(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=2))
    prompt = "A bottle sandbox:fail(seed=2)"
    runs = [rv.generate(prompt, seed=[seed, 2], resolution="1K") for seed in (1, 3)]
    for run in runs:
        run.wait(TIMEOUT)
    before = session.balance()
    again = [session.retry(run.id) for run in runs]
    assert again[0].jobs[1].id == again[1].jobs[1].id
    assert before - session.balance() <= 12


def test_a_request_made_by_hand_is_checked_and_priced(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0))
    many = [rv.Request(DEFAULT_MODEL, "A bottle", {"seed": seed}) for seed in range(45)]
    assert rv.plan(many).credits == 540
    with pytest.raises(rv.CreditLimitError):
        rv.generate(many)
    with pytest.raises(rv.InvalidRequestError, match="-5 is below 0"):
        rv.generate(rv.Request(DEFAULT_MODEL, "A bottle", {"seed": -5}))
    assert session.balance() == 10_000


def test_what_was_held_back_is_counted_when_it_is_asked_for_again(connect: Callable[..., rv.Session]) -> None:
    connect(SandboxConfig(latency=1), max_credits=240)
    run = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    run.hold()
    run.finished().result(TIMEOUT)
    held = [job for job in run if job.status == "planned"]
    assert held
    plan = rv.plan("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    assert plan.credits == 12 * len(held)
    # The session's limit has counted these already.
    resumed = rv.resume(run, unsent=True).wait(TIMEOUT)
    assert len(resumed.images) == 20
    assert resumed.credits == 240


def test_what_an_earlier_run_never_sent_is_paid_by_the_run_that_asks_for_it(
    connect: Callable[..., rv.Session],
) -> None:
    session = connect(SandboxConfig(latency=1))
    first = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    first.hold()
    first.finished().result(TIMEOUT)
    sent = sum(job.status == "succeeded" for job in first)
    assert sent < 20
    second = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K").wait(TIMEOUT)
    assert (rv.runs(first.id).credits, second.credits) == (12 * sent, 240 - 12 * sent)
    assert {each.id: each.credits for each in session.store.runs.summaries(2)} == {
        first.id: 12 * sent,
        second.id: 240 - 12 * sent,
    }


def test_holding_or_stopping_one_run_leaves_what_another_wants(connect: Callable[..., rv.Session]) -> None:
    connect(SandboxConfig(latency=1))
    first = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    second = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    second.stop()
    assert len(first.wait(TIMEOUT).images) == 20
    assert (first.credits, second.credits) == (240, 0)


def test_a_stale_stop_of_another_kernel_changes_nothing(
    connect: Callable[..., rv.Session], other_kernel: Callable[[rv.Session], Session]
) -> None:
    session = connect(SandboxConfig(latency=1))
    run = rv.generate("A bottle", seed=[1, 2], resolution="1K")
    stale = other_kernel(session).run(run.id)
    run.wait(TIMEOUT)
    stale.stop()
    assert [job.status for job in session.store.jobs(job.id for job in run).values()] == ["succeeded"] * 2
    assert session.store.spent(session.service).credits == 24


def test_another_kernel_can_go_on_with_what_is_held_and_stop_it(
    connect: Callable[..., rv.Session], other_kernel: Callable[[rv.Session], Session]
) -> None:
    session = connect(SandboxConfig(latency=1))
    run = rv.generate("A bottle", seed=MORE_THAN_AT_ONCE, resolution="1K")
    run.hold()
    run.finished().result(TIMEOUT)
    elsewhere = other_kernel(session)
    assert len(elsewhere.resume(run.id, unsent=True).wait(TIMEOUT).images) == 20
    assert session.store.spent(session.service).credits == 240


def test_another_kernel_follows_what_is_going_on(
    connect: Callable[..., rv.Session], other_kernel: Callable[[rv.Session], Session]
) -> None:
    session = connect(SandboxConfig(latency=2))
    run = rv.generate("A bottle", seed=[1, 2], resolution="1K")
    followed = other_kernel(session).resume(run.id, unsent=True)
    assert len(followed.wait(TIMEOUT).images) == 2
    run.wait(TIMEOUT)
    assert session.balance() == 10_000 - 24


def test_a_run_that_cannot_be_paid_is_not_begun(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0, credits=30))
    run = rv.generate("A bottle", seed=[1, 2, 3], resolution="1K")
    with pytest.raises(rv.RunFailedError, match="it would cost 36 credits, and 30 are left"):
        run.wait(TIMEOUT)
    assert {job.status for job in run} == {"planned"}
    assert session.balance() == 30
    assert len(rv.generate("A bottle", seed=[1, 2], resolution="1K").wait(TIMEOUT).images) == 2


@pytest.mark.parametrize(("hours", "status"), [(23, "succeeded"), (25, "unknown"), (-25, "unknown")])
def test_a_submit_without_an_answer_is_repeated_only_while_its_key_is_known(
    connect: Callable[..., rv.Session], hours: int, status: str
) -> None:
    session = connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT)
    lost = {"status": "submitting", "task_id": None, "submitted_at": time.time() - hours * 3600}
    session.store.finish_job(run[0].id, [], **lost)  # type: ignore[arg-type]
    resumed = rv.resume(run)
    resumed.finished().result(TIMEOUT)
    assert resumed[0].status == status
    assert session.balance() == 10_000 - 12
    if status == "unknown":
        assert "whether it was billed is not known" in (resumed[0].error or "")
        assert rv.resume(run, unsent=True).wait(TIMEOUT)[0].status == "succeeded"


def test_running_a_cell_again_does_not_repeat_a_submit_whose_key_may_be_forgotten(
    connect: Callable[..., rv.Session],
) -> None:
    session = connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT)
    lost = {"status": "submitting", "task_id": None, "submitted_at": time.time() - 25 * 3600}
    session.store.finish_job(run[0].id, [], **lost)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(rv.RunFailedError, match=r"only resume with unsent=True .*--fresh"):
            rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT)
    assert session.balance() == 10_000 - 12
    summary = rv.plan("A bottle", seed=1, resolution="1K").summary
    assert summary == "1 picture · 0 credits · 1 that may be paid for already, collected at no more cost"


def test_a_session_limit_counts_what_the_service_takes(
    connect: Callable[..., rv.Session],
) -> None:
    session = connect(SandboxConfig(latency=0), max_credits=40)
    run = rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT)
    session.store.update_job(run[0].id, final_credits=35)
    with pytest.raises(rv.CreditLimitError, match="committed 35 of its 40"):
        rv.generate("A bottle", seed=2, resolution="1K")
    session.store.update_job(run[0].id, final_credits=45)
    # What costs nothing more is not refused.
    assert rv.generate("A bottle", seed=1, resolution="1K").wait(TIMEOUT).credits == 0


def test_a_refusal_counts_as_one_speaks(connect: Callable[..., rv.Session]) -> None:
    connect(SandboxConfig(latency=0))
    with pytest.raises(rv.CreditLimitError, match=r"^1 new picture would cost 12 credits, "):
        rv.generate("A bottle", resolution="1K", max_credits=0)
    plan = rv.plan("A bottle", seed=range(1200), resolution="1K")
    assert "1,200 pictures · 14,400 credits" in repr(plan)
    with pytest.raises(rv.CreditLimitError, match=r"^1,200 new pictures would cost 14,400 credits, "):
        plan.run()


def test_many_requests_without_a_known_price_have_a_limit_too(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0))
    entry = {"id": DEFAULT_MODEL, "category": "image", "base_credits": None}
    session.store.models.keep(session.service, [entry], time.time())
    assert len(rv.generate("A bottle", seed=range(20)).wait(TIMEOUT).images) == 20
    with pytest.raises(rv.CreditLimitError, match="21 new pictures are of models whose price is not known"):
        rv.generate("A bottle", seed=range(100, 121))
    assert session.balance() == 10_000 - 20 * 12


def test_sending_again_what_may_be_billed_counts_against_the_limit(
    connect: Callable[..., rv.Session],
) -> None:
    session = connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle", seed=[1, 2], resolution="1K").wait(TIMEOUT)
    for job in run:
        lost = {"status": "submitting", "task_id": None, "submitted_at": time.time() - 25 * 3600}
        session.store.finish_job(job.id, [], **lost)  # type: ignore[arg-type]
    for run_id in (run.id, None):
        with pytest.raises(rv.CreditLimitError, match="2 new pictures would cost 24 credits"):
            session.resume(run_id, unsent=True, max_credits=20)


def test_what_was_stopped_stays_so_when_everything_is_resumed(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle", seed=[1, 2, 3], resolution="1K").wait(TIMEOUT)
    for job, status in zip(run, ("succeeded", "stopped", "planned"), strict=True):
        session.store.update_job(job.id, status=status)
    run = session.resume(unsent=True).wait(TIMEOUT)
    assert [job.status for job in run] == ["succeeded", "stopped", "succeeded"]


def test_a_plan_with_drawn_seeds_is_bought_once(connect: Callable[..., rv.Session]) -> None:
    session = connect(SandboxConfig(latency=0))
    plan = rv.plan("A bottle", repeat=2, resolution="1K")
    first = plan.run().wait(TIMEOUT)
    second = plan.run().wait(TIMEOUT)
    assert [job.id for job in first] == [job.id for job in second]
    assert session.balance() == 10_000 - 24


def test_a_rate_limit_delays_and_loses_nothing(connect: Callable[..., rv.Session]) -> None:
    connect(SandboxConfig(latency=0, rate_limit=3, rate_window=1.0))
    run = rv.generate("A bottle", seed=range(8), resolution="1K").wait(TIMEOUT)
    assert len(run.images) == 8


def test_nothing_of_one_service_is_sent_to_another(connect: Callable[..., rv.Session]) -> None:
    connect(SandboxConfig(latency=0))
    run = rv.generate("A bottle sandbox:fail(seed=1)", seed=[1, 2], resolution="1K").wait(TIMEOUT)
    connect(SandboxConfig(latency=0))
    for call in (lambda: rv.resume(run.id), lambda: current_session().retry(run.id)):
        with pytest.raises(rv.UsageError, match="belongs to http"):
            call()
    assert rv.plan("A bottle sandbox:fail(seed=1)", seed=[2], resolution="1K").credits == 12
