"""Credit limits of a store, as its users meet them: in Python, in a cell and in the panel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.session.session import Session
from rivya_nb.store.credit_limits import EVERYBODY, CreditLimit

PRICE = 12
Connect = Callable[..., rv.Session]
Other = Callable[[rv.Session], Session]


def pictures(number: int, first: int = 0) -> rv.Plan:
    return rv.plan("A bottle", seed=range(first, first + number), resolution="1K")


def used(session: Session) -> list[int]:
    return [use.used for use in session.store.credit_limits.uses()]


@pytest.fixture
def session(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> rv.Session:
    """Ada's session, with a limit of three pictures a day."""
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    made = connect(SandboxConfig(latency=0, credits=10_000))
    made.store.credit_limits.set(CreditLimit("ada", "day", 3 * PRICE))
    return made


def test_a_plan_says_before_it_is_sent_what_a_limit_does_not_allow(session: rv.Session) -> None:
    pictures(2).run().wait()
    plan = pictures(2, 2)
    why = "24 credits more would pass ada's limit of 36 credits a day: 24 are used, and the day ends on "
    assert why in plan._repr_mimebundle_()["text/plain"]
    for refuse in (plan.check, plan.run, plan.defer):
        with pytest.raises(rv.CreditLimitError, match=why):
            refuse()
    assert session.store.runs.count() == 1
    assert session.balance() == 10_000 - 24
    # What the history has costs nothing.
    both = pictures(3)
    assert "would pass" not in both._repr_mimebundle_()["text/plain"]
    both.run().wait()
    assert used(session) == [36]
    pictures(3).run().wait()


def test_what_was_stopped_or_never_sent_is_held_too(session: rv.Session, other_kernel: Other) -> None:
    run = pictures(3).defer()
    assert used(session) == [36]
    session.store.deferrals.take_back(run.job_ids)
    assert session.store.claims.stop(run.job_ids) == set(run.job_ids)
    assert used(session) == [0]
    pictures(1, 10).run().wait()
    with pytest.raises(rv.CreditLimitError, match="36 credits more would pass ada's limit"):
        session.resume(run.id, unsent=True)
    assert {job.status for job in session.store.jobs(run.job_ids).values()} == {"stopped"}
    bob = other_kernel(session)
    bob.store.users.me = "bob"
    bob.store.claims._user = "bob"
    bob.resume(run.id, unsent=True).wait()
    assert session.balance() == 10_000 - 4 * PRICE
    assert used(session) == [PRICE]


def test_two_kernels_that_both_planned_within_the_limit_do_not_pass_it_together(
    session: rv.Session, other_kernel: Other
) -> None:
    session.store.credit_limits.set(CreditLimit(EVERYBODY, "week", 3 * PRICE))
    mine, second = pictures(2), other_kernel(session)
    request = [
        rv.Request("wan-2-7-image-pro", "A pot", {"seed": seed}, base_credits=PRICE) for seed in (1, 2)
    ]
    theirs = second.plan_requests(request, name=None, max_credits=None, fresh=False)
    theirs.check()
    mine.check()
    mine.run().wait()
    with pytest.raises(
        rv.CreditLimitError, match="limit of the whole store of 36 credits a week: 24 are used"
    ):
        theirs.run()
    assert session.balance() == 10_000 - 24


def test_what_another_user_stops_and_a_limit_does_not_allow_here_stays_stopped(
    session: rv.Session, other_kernel: Other
) -> None:
    bob = other_kernel(session)
    bob.store.users.me = bob.store.claims._user = "bob"
    hour = rv.RateLimitedError("slow down", code="rate_limited", retry_after=3600)
    bob.spending.runner.governor.was_refused(hour, 0.0, submit=True)
    requests = [
        rv.Request("wan-2-7-image-pro", "A pot", {"seed": seed}, base_credits=PRICE) for seed in range(5)
    ]
    his = bob.plan_requests(requests, name=None, max_credits=None, fresh=False).run()
    mine = session.plan_requests(requests, name=None, max_credits=None, fresh=False).run()
    his.stop()
    with pytest.raises(rv.RunFailedError, match="60 credits more would pass ada's limit of 36 credits a day"):
        mine.wait(60)
    assert {job.status for job in mine} == {"stopped"}
    assert session.balance() == 10_000
