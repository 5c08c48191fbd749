"""The page of front ends: every limit in its tables is explained on it, and it has what was found last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_every_limit_is_explained_and_every_row_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    from tools.front_ends import results

    page = results.PAGE.read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(#([\w-]+)\)", page))
    assert results.unexplained() == []
    assert linked == set(re.findall(r"^\(([\w-]+)\)=$", page, re.MULTILINE))
    for row in results.load().values():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {row['title']} |")]
        assert line.count("✓") == sum(each["how"] in ("works", "but") for each in row["features"].values())
