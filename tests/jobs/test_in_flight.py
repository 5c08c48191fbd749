"""What is known of the tasks that a service works on: how many run, and whether a place is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.jobs.durations import Curve
from rivya_nb.jobs.in_flight import InFlight
from rivya_nb.store.pace import TaskDuration

TEN = Curve([TaskDuration(number, 9.0 + number / 10, 9.0 + number / 10) for number in range(20)])
"""Tasks that take 9 to 11 s."""


def full(count: int, curve: Curve | None = TEN) -> InFlight:
    """So many tasks that were submitted at 0."""
    in_flight = InFlight()
    for number in range(count):
        in_flight.join(str(number), 0.0, 0.0, curve)
    return in_flight


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0, 100))
def test_a_chance_is_one_and_grows_with_the_places_and_with_time(count: int, places: int, now: float) -> None:
    in_flight = full(count)
    chance = in_flight.chance_of_place(now, places)
    assert 0 <= chance <= 1
    assert chance <= in_flight.chance_of_place(now, places + 1) + 1e-9
    assert chance <= in_flight.chance_of_place(now + 1, places) + 1e-9
    assert 0 <= in_flight.expected(now) <= count
    if count < places:
        assert chance == 1


def test_a_place_is_free_when_tasks_have_probably_ended_and_not_before() -> None:
    in_flight = full(20)
    assert in_flight.chance_of_place(5.0, 20) == 0
    assert in_flight.chance_of_place(11.0, 20) > 0.95
    assert in_flight.expected(5.0) == 20
    assert in_flight.expected(12.0) <= 2


def test_without_durations_a_place_is_free_when_a_task_was_seen_ended() -> None:
    in_flight = full(2, curve=None)
    assert not in_flight.is_known
    assert in_flight.chance_of_place(1000.0, 2) == 0
    in_flight.leave("0", 10.0)
    assert in_flight.chance_of_place(1000.0, 2) == 1


def test_a_refusal_says_that_all_places_are_in_use_and_a_poll_that_a_task_runs() -> None:
    in_flight = full(20)
    in_flight.submit_was_refused(11.0, 20)
    assert in_flight.chance_of_place(11.0, 20) == 0
    in_flight.submit_was_taken(11.0, 20)
    assert in_flight.expected(11.0) == 19
    for number in range(20):
        in_flight.seen_running(str(number), 0.0, 11.5, TEN)
    assert in_flight.expected(11.5) == 20


def test_the_tasks_at_a_refusal_are_counted_once_they_have_ended() -> None:
    in_flight = full(7, curve=None)
    in_flight.submit_was_refused(3.0, 20)
    for number in range(7):
        assert in_flight.found_places() is None
        in_flight.leave(str(number), 10.0)
    assert in_flight.found_places() == 7
    assert in_flight.found_places() is None


def test_a_task_of_an_earlier_process_counts_from_the_poll_that_sees_it_run() -> None:
    in_flight = InFlight()
    in_flight.seen_running("earlier", 2.0, 8.0, TEN)
    assert len(in_flight) == 1
    assert in_flight.chance_of_place(8.0, 1) == 0
    assert in_flight.chance_of_place(13.5, 1) > 0.9


@given(st.lists(st.tuples(st.sampled_from("jrelf"), st.integers(0, 3)), max_size=40))
def test_any_order_of_events_can_be_counted(events: list[tuple[str, int]]) -> None:
    in_flight = InFlight()
    for now, (event, number) in enumerate(events):
        if event == "j":
            in_flight.join(str(number), now, now, None)
        elif event == "r":
            in_flight.submit_was_refused(now, number)
        elif event == "e":
            in_flight.leave(str(number), 1.0)
        elif event == "l":
            in_flight.leave(str(number))
        found = in_flight.found_places()
        assert found is None or found >= 0
        assert in_flight.taken_at_once() >= 0


def test_a_refusal_before_any_task_of_this_process_has_ended_tells_nothing() -> None:
    in_flight = InFlight()
    in_flight.submit_was_refused(3.0, 20)
    assert in_flight.found_places() is None


@pytest.mark.parametrize("places", [0.0, -3.0])
def test_no_place_is_free_where_there_is_none(places: float) -> None:
    assert InFlight().chance_of_place(0.0, places) == 0
