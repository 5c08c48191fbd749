"""The page about the sandbox: its test keys are those that the sandbox knows."""

from __future__ import annotations

from pathlib import Path

from rivya_nb.sandbox import keys

PAGE = (Path(__file__).parent.parent.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_page_has_every_test_key_and_what_it_does() -> None:
    rows = [line for line in (keys.__doc__ or "").splitlines() if line.startswith("| `rvya_")]
    assert [row.split("`")[1] for row in rows] == list(keys.KEYS)
    assert [row for row in rows if row not in PAGE.splitlines()] == []
