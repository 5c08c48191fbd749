"""Models that are metered or dear: what is said before, what a limit allows, and what counts against it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import rivya_nb as rv
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.store.credit_limits import CreditLimit

METERED = "elevenlabs-sound-effect-v2"
DEAR = "seedance-2"
CHEAP = "ideogram-v3"


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


def list_price(session: rv.Session, price: int | None, billing_type: str = "FIXED") -> None:
    """Let the service's list say that `CHEAP` costs so much from now on."""
    entry = {"id": CHEAP, "base_credits": price, "billing_type": billing_type}
    session.store.models.keep(session.service, [entry], time.time())


@pytest.mark.parametrize(
    ("price", "billing_type", "now"),
    [
        (8, "FIXED", "8 credits"),
        (7, "METERED", "from 7 credits, metered"),
        (None, "FIXED", "price not known"),
    ],
)
def test_a_plan_whose_model_has_become_dearer_is_not_sent_for_the_price_that_it_shows(
    session: rv.Session, price: int | None, billing_type: str, now: str
) -> None:
    plan = rv.plan("Rain", model=CHEAP, seed=[1, 2], image_size="square")
    list_price(session, price, billing_type)
    told = rf"^{CHEAP} costs more by now than this plan says: {now} a request, not 7\. Nothing was sent; make the"
    for send in (plan.check, plan.run, plan.defer):
        with pytest.raises(rv.CreditLimitError, match=told):
            send()
    assert not rv.runs()
    # Made again it says the price of today, and what is cheaper than it was needs no new look.
    plan = rv.plan("Rain", model=CHEAP, seed=[1, 2], image_size="square")
    assert plan.credits == 2 * (price or 0)
    list_price(session, 7)
    plan.run().wait(60)
    # What the history has costs nothing, at whatever price.
    list_price(session, 100)
    assert plan.run().wait(60).credits == 0


def test_what_goes_on_later_is_held_to_a_limit_by_the_price_of_today(
    connect: Callable[..., rv.Session],
) -> None:
    session = connect(SandboxConfig(latency=0, credits=13))
    failed = rv.generate("Rain sandbox:fail", model=CHEAP, seed=1, image_size="square")
    with pytest.raises(rv.RunFailedError):
        failed.wait(60)
    # The balance does not cover two.
    held = rv.generate("Rain", model=CHEAP, seed=[1, 2], image_size="square")
    with pytest.raises(rv.RunFailedError, match="nothing was sent"):
        held.wait(60)
    list_price(session, 300)
    with pytest.raises(
        rv.CreditLimitError, match=r"^2 new pictures would cost 600 credits, and the limit is 500"
    ):
        rv.resume(held, unsent=True)
    with pytest.raises(
        rv.CreditLimitError, match=r"^1 new picture would cost 300 credits, and the limit is 299"
    ):
        session.retry(failed.id, max_credits=299)
    assert rv.plan("Rain", model=CHEAP, seed=[1, 2], image_size="square").credits == 600


def test_what_turns_out_dearer_than_documented_is_sent_up_to_the_limit_and_no_further(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.sandbox.backend.price", lambda *_: 70)
    plan = rv.plan("Rain", model=CHEAP, seed=range(20), image_size="square", max_parallel=1)
    assert plan.credits == 140
    run = plan.run().wait(60)
    assert [job.status for job in run].count("succeeded") == 7
    assert session.balance() == 10_000 - 490 == 10_000 - run.credits
    [told] = {job.live.notice for job in run if job.status == "planned"}
    assert told == (
        f"not sent: a request to {CHEAP} took 70 credits, more than is documented, and the rest would pass the "
        "limit of 500"
    )
    assert told in run.text()
    # Whoever allows more gets the rest.
    rv.resume(run, unsent=True, max_credits=910).wait(60)
    assert {job.status for job in run} == {"succeeded"}
    assert session.balance() == 10_000 - 1400


def test_a_limit_that_was_given_holds_for_what_metered_models_really_cost(session: rv.Session) -> None:
    plan = rv.plan("Rain", model=METERED, duration_seconds=6, replicates=21, max_credits=63, max_parallel=1)
    assert plan.credits == 63
    assert plan.run().wait(60).credits == 60


def test_what_turns_out_dearer_is_held_to_the_limit_of_the_session_too(
    connect: Callable[..., rv.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.sandbox.backend.price", lambda *_: 70)
    session = connect(SandboxConfig(latency=0), max_credits=150)
    rv.plan("Rain", model=CHEAP, seed=range(20), image_size="square", max_parallel=1).run().wait(60)
    assert session.balance() == 10_000 - 140
