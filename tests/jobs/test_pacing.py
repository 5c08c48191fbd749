"""When tasks are polled: rules that hold for any durations, and what they bring, by simulation."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from variants import variants

from rivya_nb.jobs.durations import Durations
from rivya_nb.jobs.pacing import DEADLINE, next_poll, slowness
from rivya_nb.store.pace import TaskDuration

from .polling import CASES, LAWS, Law, around, compared, line, simulate
from .test_durations import durations, exactly

pytestmark = pytest.mark.usefixtures("documented_times")

PAGE = (Path(__file__).parents[2] / "docs" / "pace.md").read_text(encoding="utf-8")

DOCUMENTED = [2.5, 7.5, 13.5, 20.7, 29.34, 39.34, 49.34]

# Polls may leave late: the governor has many.
lateness = st.lists(st.just(0.0) | st.floats(0, 60), min_size=1, max_size=8)


def polls_of(
    known: Durations | None, delays: list[float], until: float = DEADLINE, slower: float = 1.0
) -> list[float]:
    """When the polls of a task leave that goes on so long, each with a delay of its own."""
    polls: list[float] = []
    while not polls or polls[-1] < until:
        polls.append(next_poll(known, polls, slower) + delays[len(polls) % len(delays)])
    return polls


@pytest.mark.parametrize("medium", ["video", "audio"])
def test_video_and_audio_are_polled_more_slowly(medium: str) -> None:
    slower = slowness(medium)
    assert polls_of(None, [0.0], until=90, slower=slower) == pytest.approx([2 * each for each in DOCUMENTED])
    # Learned durations move the polls, by the same rules.
    polls = polls_of(Durations(exactly(*[100.0] * 30)), [0.0], until=300, slower=slower)
    assert polls[0] >= 4
    intervals = [later - earlier for earlier, later in pairwise(polls)]
    assert min(intervals) >= 10
    assert any(100 <= poll <= 112 for poll in polls)


def test_what_is_not_known_is_polled_as_documented() -> None:
    for known in (None, Durations(), Durations(exactly(1, 2, 3, 4))):
        assert polls_of(known, [0.0], until=45) == pytest.approx(DOCUMENTED)


@given(st.lists(durations, max_size=40), lateness)
def test_any_durations_and_any_delays_keep_the_documented_rules(
    tasks: list[TaskDuration], delays: list[float]
) -> None:
    polls = polls_of(Durations(tasks), delays)
    gaps = [later - earlier for earlier, later in pairwise(polls)]
    assert polls[0] >= 2
    assert all(gap >= 5 - 1e-6 for gap in gaps)
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(gaps))


@given(st.lists(durations, min_size=5, max_size=40))
def test_a_task_that_does_not_end_is_not_polled_for_ever(tasks: list[TaskDuration]) -> None:
    assert len(polls_of(Durations(tasks), [0.0])) < 0.5 * len(polls_of(None, [0.0]))


def test_the_first_poll_is_right_after_the_end_if_all_take_the_same() -> None:
    for seconds in (3.0, 12.0, 70.0):
        first = next_poll(Durations(exactly(*[seconds] * 30)), ())
        assert seconds < first < 1.08 * seconds + 0.2
    assert next_poll(Durations(exactly(*[0.3] * 30)), ()) == 2


def test_what_is_slower_than_all_known_ones_is_polled_at_the_documented_growing_intervals() -> None:
    known = Durations(exactly(*[3.0] * 30))
    gaps = [later - earlier for earlier, later in pairwise(polls_of(known, [0.0], until=60))]
    assert gaps == pytest.approx([5, 6, 7.2, 8.64, *[10.0] * (len(gaps) - 4)], rel=0.1)


def figures(line: str) -> list[float]:
    return [float(figure) for figure in re.findall(r"\| ([0-9.]+)", line)]


ALWAYS = (("8 to 20 s", 20), ("2 to 4 s", 256), ("half 3 s, half 30 s", 20), ("heavy tail", 256))
"""Of the lines of the table, those that are always tried."""


@pytest.mark.parametrize(("name", "at_once", "bursts"), variants(CASES, lambda case: case[:2] in ALWAYS))
def test_learned_polls_are_few_and_no_later_than_fixed_ones(name: str, at_once: int, bursts: bool) -> None:
    before, after = compared(LAWS[name], at_once=at_once, bursts=bursts)
    assert after.delay <= 1.1 * before.delay
    assert after.mean_polls <= min(3.5, 1.1 * before.mean_polls)
    assert after.median_polls <= 4
    [said] = [line for line in PAGE.splitlines() if line.startswith(f"| {name} | {at_once} |")]
    # Another machine's mathematics may differ in the last digit.
    assert figures(line(name, at_once, before, after)) == pytest.approx(figures(said), abs=0.3)


@pytest.mark.parametrize("name", variants(LAWS, lambda name: name in ("8 to 20 s", "heavy tail")))
def test_a_service_that_tells_no_times_is_learned_too(name: str) -> None:
    before, after = compared(LAWS[name], at_once=20, bursts=False, tells=False)
    assert after.delay + 0.5 * after.mean_polls <= 1.1 * (before.delay + 0.5 * before.mean_polls)


@pytest.mark.parametrize(
    ("was", "is_now"),
    variants([(40.0, 4.0), (4.0, 40.0), (20.0, 10.0), (10.0, 20.0)], lambda case: 40.0 in case),
)
@pytest.mark.parametrize("tells", [True, False], ids=["it tells", "it does not"])
def test_a_wrong_memory_is_healed_within_some_dozens_of_jobs(was: float, is_now: float, tells: bool) -> None:
    now: Law = around(lambda _chance, _moment: is_now)
    memory = Durations(exactly(*[was] * 100, *[1.2 * was] * 100, submitted_at=-1000))
    after = simulate(now, 400, at_once=20, known=memory, tells=tells)
    always = simulate(now, 400, at_once=20, tells=tells)
    healed, right = after.later(120), always.later(120)
    assert healed.delay <= 1.2 * right.delay + 0.2
    assert healed.mean_polls <= 1.2 * right.mean_polls
