"""What a service allows, as it is learned from its answers alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.jobs.limits import CALM, FAST_GROWTH, NEW_PROBE, SLOWEST, Limits
from rivya_nb.store.pace import FoundLimits

EVENTS = st.lists(
    st.tuples(st.sampled_from(["submit", "poll", "submit refused", "poll refused"]), st.floats(0.0, 5.0)),
    max_size=120,
)


@given(EVENTS, st.integers(1, 5), st.integers(0, 30))
def test_any_answers_leave_a_pace_that_is_neither_too_slow_nor_grown_too_much(
    events: list[tuple[str, float]], kernels: int, running: int
) -> None:
    limits, now, rate = Limits(), 0.0, None
    limits.kernels = kernels
    for event, passed in events:
        now += passed
        if event == "poll refused":
            limits.poll_was_refused(now)
        elif event == "submit refused":
            was_first_guess = limits._is_first_guess
            if limits.submit_was_refused(now, running) and was_first_guess:
                # It was no refusal for the rate: what was thought of the rate before holds again.
                rate = limits.rate
        else:
            limits.accepted(now, submit=event == "submit")
            if rate is not None:
                assert limits.rate is not None
                assert limits.rate <= rate * (1 + FAST_GROWTH) + 1e-9
        if "refused" in event and rate is not None:
            assert limits.rate is not None
            assert limits.rate <= rate
        assert limits.rate is None or limits.rate >= SLOWEST
        assert limits.places is None or limits.places >= 1
        rate = limits.rate


def answered(
    limits: Limits, allowed: float, seconds: float, now: float, *, kind: str
) -> tuple[int, int, float]:
    """Send polls or submits at the pace of `limits` to a service that allows so many calls in a second, evenly;
    gives how many were taken and refused, and when it was over."""
    taken = refused = 0
    free, end = now, now + seconds
    while now < end:
        if now >= free:
            free = max(free + 1 / allowed, now + 0.5 / allowed)
            limits.accepted(now, submit=kind == "submit")
            taken += 1
        else:
            refused += 1
            if kind == "submit":
                limits.submit_was_refused(now, 0)
            else:
                limits.poll_was_refused(now)
            now += 0.4
        now += 1 / limits.rate if limits.rate is not None else 0.02
    return taken, refused, now


@pytest.mark.parametrize("kind", ["submit", "poll"])
@pytest.mark.parametrize("allowed", [0.5, 1.0, 3.0, 8.0, 30.0])
def test_any_rate_is_found_and_used(allowed: float, kind: str) -> None:
    limits = Limits()
    _, _, now = answered(limits, allowed, 15 + 4 / allowed, 0.0, kind=kind)
    taken, refused, _ = answered(limits, allowed, 60, now, kind=kind)
    assert taken > 0.5 * 60 * allowed
    assert refused < 0.25 * taken


def test_refusals_in_a_row_say_no_more_than_the_first() -> None:
    limits = Limits()
    for number in range(10):
        limits.accepted(number / 10, submit=True)
    limits.poll_was_refused(1.0)
    before = limits.rate
    assert before is not None
    # The service refuses everything for a while.
    for number in range(1, 5):
        limits.poll_was_refused(1.0 + 8 * number)
    assert limits.rate == before


def test_a_refusal_after_few_calls_is_about_the_tasks() -> None:
    limits = Limits()
    for number in range(20):
        limits.accepted(number / 20, submit=True)
    # After many calls it may be about the rate.
    assert not limits.submit_was_refused(1.0, 20)
    assert limits.places is None
    assert limits.submit_was_refused(3.0, 20)
    assert limits.places == 20
    assert limits.own_rate is None


def test_what_an_earlier_kernel_found_is_tried_anew() -> None:
    limits = Limits()
    found = FoundLimits(rate=4.0, places=5.0, found_at=1.0)
    # The store tells the same each second.
    for now in range(1000, 1000 + round(NEW_PROBE) + 2):
        limits.adopt(found, float(now))
    assert limits.may_probe(now)
    assert not limits.may_probe(1000 + NEW_PROBE / 2)


def test_what_an_earlier_kernel_found_grows_fast_after_a_calm_time() -> None:
    limits = Limits()
    for now in range(round(CALM) + 2):
        limits.adopt(FoundLimits(rate=1.0, found_at=1.0), float(now))
    limits.accepted(now, submit=False)
    assert limits.rate is not None
    assert limits.rate >= 1 + FAST_GROWTH / 2


def test_a_place_more_than_was_known_is_tried_and_found() -> None:
    limits = Limits()
    limits.set_places(5, 0.0)
    for expected in (6, 8, 12, 20):
        limits.found_a_place(1.0)
        assert limits.places == expected
    limits.submit_was_refused(2.0, 18)
    limits.found_a_place(3.0)
    assert limits.places == 21


@given(st.floats(0, 1000), st.floats(0.2, 500), st.integers(1, 20))
def test_kernels_share_the_rate(now: float, rate: float, kernels: int) -> None:
    limits = Limits()
    limits.adopt(FoundLimits(rate=rate), now)
    limits.kernels = kernels
    assert limits.own_rate is not None
    assert limits.own_rate * kernels == pytest.approx(rate)
