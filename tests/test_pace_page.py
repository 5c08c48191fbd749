"""The page about the pace says what the code does, and names tests that there are. Its table is held by
tests/jobs/test_pacing.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rivya_nb.jobs import durations, governor, limits, pacing
from rivya_nb.jobs.runner import MOST_JOBS
from rivya_nb.store import limits as limit_book
from rivya_nb.store.pace import DURATIONS_ENOUGH, DURATIONS_KEPT

pytestmark = pytest.mark.usefixtures("documented_times")

TESTS = Path(__file__).parent
# A sentence may go on in the next line.
PAGE = " ".join((TESTS.parent / "docs" / "pace.md").read_text(encoding="utf-8").split())


def test_each_named_test_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= there


def test_the_page_has_the_numbers_of_the_polls() -> None:
    intervals = [pacing.SECOND * pacing.GROWTH**number for number in range(4)]
    assert pacing.SECOND * pacing.GROWTH**4 > pacing.LONGEST
    for said in (
        f"within the first {pacing.EARLIEST:g} s",
        f"shorter than {pacing.SECOND:g} s",
        f"The first poll is at {pacing.FIRST:g} s",
        f"{', '.join(f'{each:.3g}' for each in intervals)} and then {pacing.LONGEST:g} s",
        f"`min({pacing.LONGEST:g}, {pacing.SECOND:g} · {pacing.GROWTH:g}^(n − 1))`",
        f"until {DURATIONS_ENOUGH} tasks of a model have ended",
        f"by more than {durations.CLOCK_TOLERANCE:g} s",
        f"the latest {DURATIONS_KEPT} for each",
        f"`0.5^(k/{durations.HALF_LIFE})`",
        f"±{durations.SPREAD:.0%} and ±{durations.SPREAD_SECONDS:g} s".replace("%", " %"),
        f"`c = {pacing.POLL_COST:g} s + {pacing.POLL_COST_SHARE:g} · median`",
        f"about {round(pacing.MOMENTS + pacing.MOMENTS_BEFORE, -1)} moments",
        f"{pacing.MOMENTS} of the moments",
        f"{pacing.BEYOND:g} times what the slowest {durations.SLOWEST:.0%} exceed".replace("%", " %"),
        f", {pacing.MOMENTS_BEFORE} before",
        "when a tenth of the durations is new",
        f"grow by {pacing.GROWTH:g}, up to {pacing.LONGEST:g} s",
        f"{pacing.LONGEST_SHARE:.0%} of its age".replace("%", " %"),
        f"After {pacing.DEADLINE / 60:g} minutes",
        f"a video or sound after {pacing.SLOWER * pacing.DEADLINE / 60:g};",
        f"are {pacing.SLOWER:g} times as long there",
        f"within the first {pacing.SLOWER * pacing.EARLIEST:g} s",
        f"is shorter than {pacing.SLOWER * pacing.SECOND:g} s",
    ):
        assert said in PAGE, said
    assert durations.RENEWED_AFTER == 1 / 10


def test_the_page_has_the_numbers_of_the_limits() -> None:
    day = 24 * 3600
    for said in (
        f"At first {governor.CALLS_AT_FIRST} submits and polls",
        f"up to {governor.MOST_CALLS}:",
        f"At most {MOST_JOBS} jobs",
        f"`max({limits.AFTER_REFUSAL:g} · a, r/2)`",
        f"never below {limits.SLOWEST:g} calls a second",
        f"a refusal leaves at least {limits.SHARED_PART:g} of it",
        f"grows by {limits.GROWTH * 100:g} % a second, and by {limits.FAST_GROWTH * 100:g} % a second after",
        f"after {limits.CALM:g} s without a refusal",
        f"every {limits.NEW_PROBE:g} s one more is tried",
        f"a chance of {governor.LIKELY:g}, or of {governor.LIKELIER:g} where",
        f"costs more than {governor.SHORT:g} s",
        f"silent for {limit_book.GONE_AFTER:g} s",
        f"for {limit_book.FORGOTTEN_AFTER / day:g} days",
    ):
        assert said in PAGE, said
    assert governor.CALLS_GROWTH == 1 / 2
    assert limits.WINDOW == 1
