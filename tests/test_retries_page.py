"""The page about retries says what the code does, and names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rivya_nb.api.retry import RetryPolicy

pytestmark = pytest.mark.usefixtures("documented_times")

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "retries.md").read_text(encoding="utf-8")


def test_each_rule_names_a_test_that_there_is() -> None:
    there = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 15
    assert named <= there
    rules = [line for line in PAGE.splitlines() if line.startswith("| ") and "|---" not in line]
    assert [rule for rule in rules if "`test_" not in rule and "rivya_nb | openai-python" not in rule] == []


def test_the_page_has_the_numbers_of_the_code() -> None:
    policy = RetryPolicy()
    for said in (
        f"| attempts | {policy.attempts} |",
        f"| {policy.budget:g} s at most |",
        f"plus up to {policy.first:g} s",
        f"more than {policy.longest_retry_after:g} s",
        f"| {policy.first:g} s, {policy.longest:g} s |",
        f"Retry-After + uniform(0, {policy.first:g})",
        f"min({policy.longest:g}, {policy.first:g} · 2^(n − 1)) · uniform(0.75, 1)",
    ):
        assert said in PAGE, said
