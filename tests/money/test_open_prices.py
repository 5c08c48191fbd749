"""Models that are metered or dear: what is said before, what a limit allows, and what counts against it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.store.credit_limits import CreditLimit

METERED = "elevenlabs-sound-effect-v2"
DEAR = "seedance-2"


@pytest.fixture
def session(connect: Callable[..., rv.Session]) -> rv.Session:
    return connect(SandboxConfig(latency=0))


def test_a_metered_model_costs_at_least_its_documented_price(session: rv.Session) -> None:
    plan = rv.plan("Rain", model=METERED, duration_seconds=[3, 6], repeat=2)
    assert plan.summary == "4 sounds · at least 12 credits"
    assert f"the price of {METERED} is not fixed: what is said here is the least" in plan.notes
    assert "at least 12 credits" in repr(plan)
    assert "at least" not in rv.plan("Rain", model="suno-sounds").summary


def test_a_limit_that_was_not_given_allows_few_requests_without_a_fixed_price(session: rv.Session) -> None:
    rv.plan("Rain", model=METERED, replicates=20).check()
    with pytest.raises(
        rv.CreditLimitError,
        match=r"^21 new sounds are of models whose price is not fixed, and the limit is 20\. ",
    ):
        rv.plan("Rain", model=METERED, replicates=21).run()
    # Of a limit that was given, the least that they cost is counted.
    rv.plan("Rain", model=METERED, replicates=21, max_credits=63).check()
    with pytest.raises(rv.CreditLimitError, match=r"^21 new sounds would cost at least 63 credits, and the"):
        rv.plan("Rain", model=METERED, replicates=21, max_credits=62).check()


def test_a_limit_of_the_store_takes_no_request_without_a_certain_price_unless_it_says_what_it_counts_as(
    session: rv.Session,
) -> None:
    limits, user = session.store.credit_limits, session.store.users.me
    limits.set(CreditLimit(user, "day", 1000, None))
    with pytest.raises(rv.CreditLimitError, match="1 request without a certain price cannot be held to"):
        rv.plan("Rain", model=METERED).run()
    rv.plan("Rain", model="suno-sounds").check()
    limits.set(CreditLimit(user, "day", 1000, 40))
    run = rv.generate("Rain", model=METERED, duration_seconds=6)
    run.wait(60)
    # What the service said counts from then on.
    [use] = limits.uses()
    assert (use.credits, use.unpriced) == (run.credits, 0)


def test_the_refusal_says_how_few_videos_the_limit_allows(session: rv.Session) -> None:
    plan = rv.plan("Rain", model=DEAR, replicates=4)
    assert plan.summary == "4 videos · 700 credits"
    with pytest.raises(
        rv.CreditLimitError,
        match=r"^4 new videos would cost 700 credits, and the limit is 500, which allows 2 of them\. Nothing was "
        r"sent\. max_credits=700 \(--max-credits 700\) allows it\.$",
    ):
        plan.run()
    assert session.balance() == 10_000
    assert not rv.runs()


def test_several_media_in_one_plan_are_results(session: rv.Session) -> None:
    plan = rv.plan("Rain", model=["wan-2-7-image-pro", "veo3-1-fast"], seed=20001)
    assert plan.summary == "2 results · 32 credits"
