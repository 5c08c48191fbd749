"""The jobs that wait for a place."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.jobs.job import LiveJob
from rivya_nb.jobs.lines import Lines

from .simulated import new_job


def job_of(*runs: int, status: str = "planned") -> LiveJob:
    job = new_job()
    job.record = replace(job.record, status=status)
    job.wanted_by = set(runs)
    return job


def lines_of(**lengths: int) -> Lines:
    """`lines_of(run1=300)`: 300 jobs of run 1."""
    lines = Lines()
    for run, length in lengths.items():
        for _ in range(length):
            lines.add(job_of(int(run.removeprefix("run"))))
    return lines


def taken(lines: Lines, *, unsent: bool = True) -> list[LiveJob]:
    """All that may be taken now, in this order."""
    jobs = []
    while (job := lines.take(unsent=unsent)) is not None:
        jobs.append(job)
    return jobs


def test_a_small_run_is_not_stuck_behind_a_large_one() -> None:
    lines = lines_of(run1=300)
    at_work = [lines.take(unsent=True) for _ in range(16)]
    small = [job_of(2) for _ in range(3)]
    for job in small:
        lines.add(job)
    assert [lines.take(unsent=True) for _ in small] == small
    assert len(lines) == 300 - len(at_work)


def test_runs_take_turns_however_many_jobs_are_done() -> None:
    lines = lines_of(run1=50, run2=50)
    runs = []
    for _ in range(40):
        job = lines.take(unsent=True)
        assert job is not None
        runs.append(job.wanted_by)
        lines.done(job)
        lines.add(job_of(*job.wanted_by))
    assert runs.count({1}) + runs.count({2}) == 40
    several = [next(iter(job.wanted_by)) for job in taken(lines)]
    assert several[:40].count(1) == 20


def test_a_ceiling_holds_for_its_run_alone() -> None:
    lines = lines_of(run1=10, run2=10)
    lines.limit(1, 2)
    jobs = taken(lines)
    assert sum(job.wanted_by == {1} for job in jobs) == 2
    assert len(jobs) == 12
    lines.done(next(job for job in jobs if job.wanted_by == {1}))
    assert len(taken(lines)) == 1


def test_what_was_sent_already_comes_first_and_needs_no_room_for_submits() -> None:
    lines = lines_of(run1=3)
    sent = job_of(1, status="queued")
    lines.add(sent)
    assert taken(lines, unsent=False) == [sent]
    assert len(lines) == 3


def test_a_job_of_several_runs_waits_once_and_only_the_unwanted_are_taken_out() -> None:
    lines, shared, alone, sent = Lines(), job_of(1, 2), job_of(1), job_of(1, status="queued")
    for job in (shared, alone, sent):
        lines.add(job)
        job.wanted_by.discard(1)
    assert lines.take_unwanted() == [alone]
    assert taken(lines) == [sent, shared]


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "done"]), st.integers(1, 3)), max_size=60))
def test_no_job_is_lost_and_nothing_is_kept_of_runs_that_have_ended(events: list[tuple[str, int]]) -> None:
    lines, at_work, added, done = Lines(), list[LiveJob](), 0, 0
    lines.limit(3, 1)
    for event, run in events:
        if event == "add":
            lines.add(job_of(run))
            added += 1
        elif event == "take" and (job := lines.take(unsent=True)) is not None:
            at_work.append(job)
            assert sum(each.wanted_by == {3} for each in at_work) <= 1
        elif event == "done" and at_work:
            lines.done(at_work.pop())
            done += 1
    assert len(lines) + len(at_work) + done == added
    while at_work or len(lines):
        at_work += taken(lines)
        lines.done(at_work.pop())
    assert [lines.taken(run) for run in (1, 2, 3)] == [0, 0, 0]
    assert not lines.last()
