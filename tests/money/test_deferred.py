"""Runs that are left to a worker: who sends them, at what price, and who never does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from sandboxes import until

import rivya_nb as rv
from rivya_nb import current
from rivya_nb.api.client import generation_body
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.session.session import Session
from rivya_nb.session.worker import Worker

TIMEOUT = 60
PRICE = 12
MODEL = "wan-2-7-image-pro"
Connect = Callable[..., rv.Session]
Other = Callable[[rv.Session], Session]


def asked(session: Session, seeds: Sequence[int], **limits: int) -> rv.Plan:
    requests = [rv.Request(MODEL, "A bottle", {"seed": seed}, base_credits=PRICE) for seed in seeds]
    plan = session.plan_requests(requests, name=None, max_credits=limits.get("max_credits"), fresh=False)
    plan.max_parallel = limits.get("max_parallel")
    return plan


def worked(session: Session) -> tuple[bool, str]:
    """Whether a worker left nothing deferred, and what it told."""
    told: list[str] = []
    done = Worker(session, told.append, lambda *_: None).work(until_idle=True)
    return done, "\n".join(told)


def bought(session: rv.Session) -> int:
    return (10_000 - session.balance()) // PRICE


def owners(session: Session, run: rv.Run) -> set[str | None]:
    return {record.owner for record in session.store.jobs(job.id for job in run).values()}


def test_a_deferred_run_is_kept_and_sent_by_a_worker(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    run = asked(session, range(3)).defer()
    assert "deferred: 3 pictures, 36 credits; `rivya-nb work` sends them" in run.text()
    assert "0 of 3 pictures · 3 deferred · 0 credits" in repr(COMMANDS["runs"].act(()))
    assert (bought(session), owners(session, run), run.is_working) == (0, {None}, False)
    done, told = worked(other_kernel(session))
    assert (done, bought(session), len(session.run(run.id).images)) == (True, 3, 3)
    assert told.startswith("Run 1: 3 pictures to do\nRun 1: 3 pictures · 36 credits")


def test_goodbye_leads_from_what_is_deferred_to_the_worker(
    connect: Connect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a process of its own: other tests have left runs, too.
    monkeypatch.setattr(current, "_live_records", {})
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(3)).defer()
    asked(session, range(3)).run()
    current._say_goodbye()
    said = capsys.readouterr().err
    assert "run 2: 3 deferred; `rivya-nb work` sends them" in said
    assert [line for line in said.splitlines() if "run 2: " in line and "not sent" in line] == []


def test_deferring_has_the_limits_of_running(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.1), max_credits=60)
    with pytest.raises(
        rv.CreditLimitError, match="3 new pictures would cost 36 credits, and the limit is 20"
    ):
        asked(session, range(3), max_credits=20).defer()
    assert len(session.runs()) == 0
    asked(session, range(3)).defer()
    with pytest.raises(rv.CreditLimitError, match="this session has committed 36 of its 60"):
        asked(session, range(3, 6)).run()


def test_what_is_deferred_counts_elsewhere_as_asked_for(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(3)).defer()
    elsewhere = other_kernel(session)
    plan = asked(elsewhere, range(4))
    assert plan.summary == "4 pictures · 12 credits · 3 already asked for, at no more cost"
    run = plan.run()
    assert worked(other_kernel(session))[0]
    assert len(run.wait(TIMEOUT).images) == 4
    assert (bought(session), run.credits) == (4, PRICE)


def test_a_follower_that_stops_leaves_it_deferred(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    run = asked(session, range(3)).defer()
    followed = asked(other_kernel(session), range(3)).run()
    assert "deferred: 3 pictures, at no more cost" in followed.line()
    # Nothing was sent, so there is nothing to collect.
    assert "resume" not in followed.text()
    assert f"rv.runs({followed.id})  shows it as it is then" in followed.text()
    followed.stop()
    followed.finished().result(TIMEOUT)
    assert {job.status for job in session.run(run.id)} == {"planned"}
    assert worked(other_kernel(session))[0]
    assert bought(session) == 3


def test_a_kernel_may_send_it_after_all(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    run = asked(session, range(3)).defer()
    assert len(other_kernel(session).resume(run.id, unsent=True).wait(TIMEOUT).images) == 3
    assert worked(other_kernel(session)) == (True, "")
    assert bought(session) == 3


def test_what_a_kernel_holds_or_stops_no_worker_sends(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    session.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    asked(session, range(3)).defer()
    resumed = session.resume(1, unsent=True)
    interrupted = asked(session, range(3, 6)).run()
    for run in (resumed, interrupted):
        run.hold()
        run.finished().result(TIMEOUT)
    stopped = asked(session, range(6, 9)).defer().stop()
    assert {job.status for job in stopped} == {"stopped"}
    assert worked(other_kernel(session)) == (True, "")
    assert bought(session) == 0


def test_all_that_was_never_sent_leaves_out_what_is_deferred(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(3)).defer()
    with pytest.raises(rv.UsageError, match=r"Nothing that was sent to \S+ is unfinished\."):
        session.resume(unsent=True)


def test_watching_shows_the_run_and_sends_nothing(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(3)).defer()
    watched = rv.runs(1)
    ended = watched.finished()
    assert watched.is_working
    assert worked(other_kernel(session))[0]
    ended.result(TIMEOUT)
    assert (len(watched.images), bought(session)) == (3, 3)


def test_a_watcher_never_takes_over(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(3)).defer()
    ended = rv.runs(1).finished()
    elsewhere = other_kernel(session)
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    elsewhere.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    run = elsewhere.resume(1, unsent=True)
    run.hold()
    run.finished().result(TIMEOUT)
    ended.result(TIMEOUT)
    assert (rv.runs(1).is_working, bought(session)) == (False, 0)


def test_a_watcher_repeats_no_submit_of_a_dead_worker(
    connect: Connect, other_kernel: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect(SandboxConfig(latency=0.1))
    run = asked(session, [1]).defer()
    dying = other_kernel(session)
    [job] = dying.store.deferrals.claim(run.id, most=1)
    body = generation_body(job.request, (), job.id).decode()
    assert dying.store.claims.begin_submit(job.id, body=body, submitted_at=time.time())
    dying.store.owner.close()
    looks, states = [], session.store.claims.states

    def noted(ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
        looks.append(ids)
        return states(ids)

    monkeypatch.setattr(session.store.claims, "states", noted)
    ended = rv.runs(1).finished()
    assert until(lambda: len(looks) > 3)
    assert (session.store.job(job.id).status, bought(session)) == ("submitting", 0)
    assert worked(other_kernel(session))[0]
    ended.result(TIMEOUT)
    assert (len(rv.runs(1).images), bought(session)) == (1, 1)


def test_a_worker_commits_no_more_than_it_may(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    run = asked(session, range(5)).defer()
    worker = other_kernel(session)
    worker.spending.allowance.max_credits = 3 * PRICE - 1
    done, told = worked(worker)
    assert (done, bought(session)) == (False, 2)
    assert "Run 1 stays deferred: its next picture costs 12 credits, and the limit leaves 11." in told
    assert sum(job.record.is_deferred for job in session.run(run.id)) == 3


def test_what_the_balance_does_not_cover_stays_deferred(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1, credits=3 * PRICE))
    large, small = asked(session, range(4)).defer(), asked(session, range(4, 6)).defer()
    done, told = worked(other_kernel(session))
    assert (done, session.balance()) == (False, PRICE)
    assert f"Run {large.id} stays deferred: nothing was sent: it would cost 48 credits" in told
    assert len(session.run(small.id).images) == 2


def test_a_run_pays_for_another_one_only_within_its_limit(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    session.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    held = asked(session, range(2)).run()
    within = asked(session, [0, 10], max_credits=2 * PRICE).defer()
    beyond = asked(session, [1, 11], max_credits=PRICE).defer()
    held.hold()
    held.finished().result(TIMEOUT)
    done, told = worked(other_kernel(session))
    assert (done, bought(session)) == (False, 2)
    assert session.run(within.id).credits == 2 * PRICE
    assert f"Run {beyond.id} stays deferred: 1 picture that another run was to pay for" in told


def test_a_run_keeps_its_ceiling_whoever_works(connect: Connect, other_kernel: Other) -> None:
    session = connect(SandboxConfig(latency=0.1))
    asked(session, range(5), max_parallel=2).defer()
    claim = other_kernel(session).store.deferrals.claim
    assert len(claim(1, most=10)) == 2
    assert other_kernel(session).store.deferrals.claim(1, most=10) == []


def test_a_large_plan_tells_all_its_numbers_in_one_form(connect: Connect) -> None:
    session = connect(SandboxConfig(latency=0.1, credits=100_000))
    asked(session, range(1200), max_credits=100_000).defer()
    summary = asked(session, range(1201)).summary
    assert summary == "1,201 pictures · 12 credits · 1,200 already asked for, at no more cost"
