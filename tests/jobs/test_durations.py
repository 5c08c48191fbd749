"""How long a task took, and what is learned from that."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.api.records import Task, read_task
from rivya_nb.jobs.durations import HALF_LIFE, Durations, duration_of
from rivya_nb.store.pace import DURATIONS_KEPT, TaskDuration

SUBMITTED = 1000.0

seconds = st.floats(0, 4000, allow_nan=False)
durations = st.builds(
    lambda at, least, more: TaskDuration(at, least, least + more),
    st.floats(0, 1e9),
    seconds,
    st.just(0.0) | st.floats(0, 600),
)


def exactly(*seconds: float, submitted_at: float = SUBMITTED) -> list[TaskDuration]:
    return [TaskDuration(submitted_at, each, each) for each in seconds]


def ended(created: str | None, updated: str | None) -> Task:
    """As the client reads it, whatever the service writes into the two times."""
    return read_task({"id": "task", "status": "succeeded", "created_at": created, "updated_at": updated})


def lasted(task: Task, polls: list[float], seen: float) -> tuple[float, float] | None:
    duration = duration_of(task, submitted_at=SUBMITTED, polls=polls, seen=seen)
    return None if duration is None else (duration.least, duration.most)


@pytest.mark.parametrize(
    ("created", "updated"),
    [
        ("2026-05-11T00:00:00.000Z", "2026-05-11T00:00:09.500Z"),
        ("2031-05-11T00:00:00Z", "2031-05-11T00:00:09.500000+00:00"),
        ("2026-05-11T00:00:00", "2026-05-11T02:00:09.500+02:00"),
    ],
)
def test_the_services_own_duration_is_used_whatever_its_clock_says(created: str, updated: str) -> None:
    assert lasted(ended(created, updated), [7.5], 13.5) == (9.5, 9.5)
    assert lasted(ended(created, updated), [], 30.0) == (9.5, 9.5)


@pytest.mark.parametrize(
    ("created", "updated"),
    [
        (None, None),
        ("2026-05-11T00:00:00Z", None),
        ("yesterday", "today"),
        ("", ""),
        # Before the poll that found it running, after the one that found it ended, and before it began.
        ("2026-05-11T00:00:00Z", "2026-05-11T00:00:05Z"),
        ("2026-05-11T00:00:00Z", "2026-05-11T00:00:20Z"),
        ("2026-05-11T00:00:00Z", "2026-05-10T00:00:00Z"),
    ],
)
def test_without_a_credible_one_it_ended_at_any_time_between_two_polls(
    created: str | None, updated: str | None
) -> None:
    assert lasted(ended(created, updated), [2.5, 7.5], 13.5) == (7.5, 13.5)


def test_a_first_poll_that_finds_it_ended_says_only_that_it_took_no_longer() -> None:
    assert lasted(ended(None, None), [], 12.0) == (0.0, 12.0)


def test_times_in_whole_seconds_do_not_contradict_what_was_seen() -> None:
    assert lasted(ended("2026-05-11T00:00:00Z", "2026-05-11T00:00:07Z"), [7.5], 13.5) == (7.5, 7.5)


def test_a_task_that_nobody_looked_at_for_days_teaches_nothing_unless_the_service_tells_it() -> None:
    assert lasted(ended(None, None), [], 3 * 24 * 3600.0) is None
    told = ended("2026-05-11T00:00:00Z", "2026-05-11T00:00:07Z")
    assert lasted(told, [], 3 * 24 * 3600.0) == (7.0, 7.0)


def test_too_few_tasks_teach_nothing() -> None:
    few = Durations(exactly(3, 4, 5, 6))
    assert (len(few), few.curve, few.typical) == (4, None, None)
    with pytest.raises(ValueError, match="4 durations are too few; 5 are needed"):
        few.survival(3)
    typical = few.later(*exactly(7)).typical
    assert typical is not None
    assert 4 < typical < 7


@given(st.lists(durations, min_size=5, max_size=40), st.lists(seconds, min_size=2, max_size=20))
def test_fewer_and_fewer_tasks_run_but_never_none(tasks: list[TaskDuration], at: list[float]) -> None:
    learned = Durations(tasks)
    running = [learned.survival(each) for each in sorted(at)]
    assert all(0 < later <= earlier + 1e-9 <= 1 + 1e-9 for earlier, later in pairwise(running))
    assert learned.typical is not None
    assert 0 <= learned.typical <= 1.1 * max(task.most for task in tasks) + 1
    assert 0 < learned.survival(1e6) < 0.2


def test_the_curve_says_how_many_still_run() -> None:
    # Step by 37: mixed, as 37 and 101 have no common divisor.
    learned = Durations(exactly(*[number * 37 % 101 for number in range(1, 101)]))
    assert learned.survival(0.5) == 1
    assert learned.survival(60) == pytest.approx(0.4, abs=0.04)
    assert learned.survival(90) == pytest.approx(0.1, abs=0.04)
    # The latest ones count more.
    assert Durations(exactly(*range(1, 101))).survival(60) > 0.7


def test_new_durations_soon_outweigh_old_ones() -> None:
    learned = Durations(exactly(*[40.0] * DURATIONS_KEPT))
    for number in range(2 * HALF_LIFE):
        learned = learned.later(*exactly(4.0, submitted_at=SUBMITTED + number))
    assert learned.typical == pytest.approx(4, rel=0.1)
    assert len(learned) == DURATIONS_KEPT


def test_the_order_of_submission_counts_and_not_that_of_the_ends() -> None:
    batch = [TaskDuration(SUBMITTED + number, took, took) for number, took in enumerate([5.0, 50.0] * 50)]
    learned = Durations()
    for task in sorted(batch, key=lambda task: task.least):
        learned = learned.later(task)
    assert learned.survival(20) == pytest.approx(0.5, abs=0.1)


def test_the_curve_is_drawn_again_only_when_enough_is_new() -> None:
    learned = Durations(exactly(*range(1, 101)))
    curves = [learned.curve]
    for number in range(100):
        learned = learned.later(*exactly(number, submitted_at=SUBMITTED + number))
        curves.append(learned.curve)
    assert 5 < sum(after is not before for before, after in pairwise(curves)) < 12
