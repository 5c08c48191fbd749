"""The sums and words of a run: how far it is, what it cost, what to do next."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from rivya_nb.contract.text import printable
from rivya_nb.store.records import STATUSES, JobRecord, RunRecord
from rivya_nb.views.run_text import render_text
from rivya_nb.views.run_view import Hint, default_hints, progress_line, tally
from rivya_nb.views.tally import Count
from rivya_nb.views.words import SIGNS, about, lost_words, seconds
from views.making import (
    BOTTLE,
    DONE_STATES,
    HOSTILE,
    STARTED,
    bottles,
    live_bottles,
    make_job,
    make_run,
    make_view,
)


def line(states: str, *, live: bool = False, **changes: object) -> str:
    """The progress line of a run of jobs in these states."""
    jobs = [make_job(f"j{index}", state, **changes) for index, state in enumerate(states.split())]  # type: ignore[arg-type]
    run, by_id = make_run({"seed": [str(index) for index in range(len(jobs))]}, jobs)
    return progress_line(make_view(run, by_id, live=live))


def test_a_running_line_counts_what_happens_now() -> None:
    run, jobs = live_bottles()
    text = progress_line(make_view(run, jobs, live=True))
    assert text.startswith("6 of 12 done · 1 failed · 2 processing · 3 queued · 31 s · about ")
    assert text.endswith(" left")


def test_before_the_first_picture_nothing_is_estimated() -> None:
    assert line("processing queued", live=True) == "0 of 2 done · 1 processing · 1 queued · 31 s"


def test_a_finished_line_tells_pictures_failures_credits_and_time() -> None:
    run, jobs = bottles(DONE_STATES)
    text = progress_line(make_view(run, jobs))
    assert text == "11 of 12 pictures · 1 failed · 132 credits (12 refunded) · 9 s"


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ("succeeded", "1 picture · 12 credits · 9 s"),
        ("failed", "0 of 1 picture · 1 failed · 0 credits (12 refunded) · 9 s"),
        ("stopped stopped", "0 of 2 pictures · 2 stopped · 0 credits"),
        ("undelivered", "0 of 1 picture · 1 undelivered · 12 credits · 9 s"),
        ("unknown", "0 of 1 picture · 1 unknown · 0 credits (12 more perhaps billed)"),
        ("planned succeeded", "1 of 2 pictures · 1 planned · 12 credits · 9 s"),
    ],
)
def test_every_end_of_a_run_is_told_in_words(states: str, text: str) -> None:
    assert line(states) == text


def test_several_pictures_of_one_task_are_all_counted() -> None:
    assert line("succeeded", pictures=4).startswith("4 pictures from 1 of 1 request · ")


def test_what_comes_from_the_history_costs_this_run_nothing() -> None:
    run, jobs = bottles(["succeeded"] * 12)
    reused = replace(run, cells=tuple(replace(cell, reused=True) for cell in run.cells[:11]) + run.cells[11:])
    assert progress_line(make_view(reused, jobs)).startswith(
        "12 pictures · 12 credits (11 from the history at no cost)"
    )


def test_what_failed_or_may_be_billed_is_not_told_to_come_from_the_history_at_no_cost() -> None:
    states = ("succeeded", "succeeded", "failed", "unknown")
    named = [make_job(f"j{place}", state) for place, state in enumerate(states)]
    run, jobs = make_run({"seed": list("1234")}, named)
    reused = replace(run, cells=(run.cells[0], *(replace(cell, reused=True) for cell in run.cells[1:])))
    assert progress_line(make_view(reused, jobs)).startswith(
        "2 of 4 pictures · 1 failed · 1 unknown · 12 credits (1 from the history at no cost)"
    )


def test_a_job_in_two_places_is_paid_once() -> None:
    twin = make_job("twin")
    run, jobs = make_run({"seed": ("1", "1")}, [twin, twin], [(0,), (1,)])
    sums = tally(make_view(run, jobs))
    assert (sums.total, sums.spent.credits, sums.pictures) == (1, 12, 1)


def test_the_price_counts_what_is_not_reserved_yet() -> None:
    run, jobs = bottles(["planned"] * 6 + ["processing"] * 6)
    sums = tally(make_view(run, jobs, live=True))
    assert (sums.price, sums.spent.credits) == (144, 72)


def time_left(jobs: list[JobRecord], now: float) -> float | None:
    """What a run with these jobs says is left of it, in seconds."""
    count = Count()
    for job in jobs:
        count.add(job, reused=False)
    return count.tally(STARTED, now, live=True).left


def done_and(*others: JobRecord) -> list[JobRecord]:
    return [make_job("done", submitted_at=STARTED, finished_at=STARTED + 20), *others]


def test_time_left_is_what_the_oldest_typical_job_still_needs() -> None:
    running = make_job("r", "processing", submitted_at=STARTED + 5)
    assert time_left(done_and(running), STARTED + 10) == 15


def test_time_left_lets_waiting_jobs_follow_on_the_lanes_in_use() -> None:
    running = [make_job(f"r{index}", "processing", submitted_at=STARTED + 5) for index in range(2)]
    waiting = [make_job(f"w{index}", "planned") for index in range(3)]
    assert time_left(done_and(*running, *waiting), STARTED + 10) == 15 + 20 + 20


def test_time_left_never_reaches_zero_while_something_runs() -> None:
    running = make_job("r", "processing", submitted_at=STARTED)
    assert time_left(done_and(running), STARTED + 21) == 1


def test_what_takes_longer_than_all_that_ended_is_given_no_end() -> None:
    running = make_job("r", "downloading", submitted_at=STARTED)
    assert time_left(done_and(running), STARTED + 25) is None
    soon = make_job("soon", "processing", submitted_at=STARTED + 20)
    assert time_left(done_and(running, soon), STARTED + 25) is None


def test_what_has_outlasted_most_is_compared_with_what_took_longer() -> None:
    slow = make_job("slow", submitted_at=STARTED, finished_at=STARTED + 60)
    running = make_job("r", "downloading", submitted_at=STARTED)
    others = [make_job(f"quick{index}", submitted_at=STARTED, finished_at=STARTED + 20) for index in range(5)]
    assert time_left([*others, slow, running], STARTED + 5) == 15
    assert time_left([*others, slow, running], STARTED + 30) == 30


def test_the_time_of_a_run_never_goes_back_where_its_last_look_was_a_moment_too_late() -> None:
    jobs = make_run({"seed": "1"}, [make_job("j", finished_at=STARTED + 9.3)])
    view = make_view(*jobs, live=True)
    assert " · 9 s" in progress_line(replace(view, now=STARTED + 9.9))
    assert progress_line(replace(view, live=False)).endswith("· 10 s")


def test_what_is_not_going_to_be_sent_takes_no_time() -> None:
    running = make_job("r", "processing", submitted_at=STARTED + 25)
    held = [make_job(f"held{index}", "planned") for index in range(30)]
    run, jobs = make_run({"seed": [str(index) for index in range(32)]}, done_and(running, *held))
    view = make_view(run, jobs, live=True)
    assert progress_line(view).endswith("about 10 min left")
    view = replace(view, idle={job.id for job in held})
    assert progress_line(view) == "1 of 32 done · 1 processing · 30 planned · 31 s · about 15 s left"
    assert progress_line(replace(view, idle={job.id for job in [running, *held]})).endswith("31 s")


def test_pictures_that_another_run_makes_are_waited_for_too() -> None:
    run, jobs = make_run({"seed": "12"}, done_and(make_job("r", "processing", submitted_at=STARTED + 25)))
    run = replace(run, cells=(run.cells[0], replace(run.cells[1], reused=True)))
    assert progress_line(make_view(run, jobs, live=True)).endswith("about 15 s left")


@pytest.mark.parametrize(
    ("value", "text"),
    [(-3, "0 s"), (31.4, "31 s"), (125, "2 min 5 s"), (180, "3 min"), (4200, "1 h 10 min"), (3e5, "3 d")],
)
def test_durations_are_short_words(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.2, "about 1 s"), (21, "about 20 s"), (58, "about 1 min"), (200, "about 3 min")]
)
def test_estimates_are_no_more_exact_than_they_are(value: float, text: str) -> None:
    assert about(value) == text


def test_shortening_keeps_letters_whole() -> None:
    assert printable("กำลังสร้าง", 5) == "กำลั…"
    assert printable("กำลังสร้าง", 4) == "กำ…"
    assert printable("two\nlines\x1b[31m", 40) == "two lines"


def test_every_status_has_a_sign_of_its_own() -> None:
    assert set(SIGNS) == {*STATUSES, "deferred", "deleted"}
    assert len(set(SIGNS.values())) == len(SIGNS)


def hints(run: RunRecord, jobs: dict[str, JobRecord], variable: str | None = "bottles") -> list[Hint]:
    return default_hints(run, jobs, variable)


def test_after_a_failure_the_hints_turn_the_grid_and_try_again() -> None:
    assert hints(*bottles(DONE_STATES)) == [
        Hint('bottles.grid(rows="aspect_ratio")', "makes aspect_ratio the rows and seed the columns"),
        Hint("rv.retry(41)", "generates the failed one again (12 credits)"),
    ]


def test_a_grid_that_was_turned_is_turned_back() -> None:
    run, jobs = bottles(["succeeded"] * 12)
    assert default_hints(run, jobs, "bottles", rows="aspect_ratio") == [
        Hint(
            'bottles.grid(rows="seed", cols="aspect_ratio")',
            "makes seed the rows and aspect_ratio the columns",
        )
    ]


def test_without_a_variable_nothing_is_called_on_it() -> None:
    assert hints(*bottles(["succeeded"] * 12), variable=None) == []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["undelivered"], [("rv.retry(41)", "fetches the undelivered one again (paid already)")]),
        (
            ["failed", "failed", "undelivered"],
            [
                (
                    "rv.retry(41)",
                    "generates the 2 failed ones again (24 credits) "
                    "and fetches the undelivered one again (paid already)",
                )
            ],
        ),
        (["processing", "unknown"], [("rv.resume(41)", "collects the 2 unfinished ones")]),
        (
            ["stopped", "planned"],
            [("rv.resume(41, unsent=True)", "sends the 2 unsent ones (24 credits)")],
        ),
        (["succeeded"], []),
    ],
)
def test_hints_name_what_can_be_done_and_its_price(
    states: list[str], expected: list[tuple[str, str]]
) -> None:
    jobs = [make_job(f"j{index}", state) for index, state in enumerate(states)]
    run, by_id = make_run({"seed": [str(index) for index in range(len(jobs))]}, jobs)
    assert hints(run, by_id) == [Hint(*hint) for hint in expected]


def test_the_text_tells_the_run_its_seeds_its_failures_and_its_files() -> None:
    run, jobs = bottles(DONE_STATES)
    text = render_text(
        make_view(run, jobs, hints=(Hint("seed=8123", "keeps the seed"),)),
        lambda picture: Path("/store") / picture.sha256,
    )
    assert text.splitlines() == [
        BOTTLE,
        "  wan-2-7-image-pro · resolution 1K · run 41, bottles",
        "  11 of 12 pictures · 1 failed · 132 credits (12 refunded) · 9 s",
        "  seeds 1, 2, 3, 4",
        "  failed · seed: 2 · 3:4: generation_failed: The model refused this one.",
        *(
            f"  seed: {seed} · {ratio}  /store/job{index}-0"
            for index, (seed, ratio) in enumerate(itertools.product("1234", ("1:1", "16:9", "3:4")))
            if index not in (5, 9, 10, 11)
        ),
        "  and 3 more pictures",
        "  seed=8123  keeps the seed",
    ]


def test_a_running_text_says_what_all_of_it_costs() -> None:
    run, jobs = live_bottles()
    text = render_text(make_view(run, jobs, live=True, notice="rate limited, next try in 8 s"))
    assert "12 pictures · 144 credits" in text
    assert text.splitlines()[3] == "  rate limited, next try in 8 s"


def test_foreign_text_cannot_drive_a_terminal() -> None:
    bad = "\x1b]0;owned\x07\x1b[2J\u202e" + HOSTILE
    failed = make_job("j", "failed", prompt=bad, error_message=bad, error_code="generation_failed")
    text = render_text(make_view(*make_run({"prompt": (bad, "x")}, [failed, make_job("k")])))
    assert not set(text) & set("\x1b\x07\u202e\x9b")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.png"], "1 picture's file is gone"),
        (["a.mp4", "b.webm"], "2 videos' files are gone"),
        (["a.wav"], "1 sound's file is gone"),
        (["a.mp4", "b.png"], "2 results' files are gone"),
    ],
)
def test_files_that_are_gone_are_called_what_they_were(names: list[str], words: str) -> None:
    assert lost_words({name: Path(name) for name in names}).startswith(words)
