"""What was found out, in `docs/front_ends.json`, and the tables made of it in `docs/front_ends.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.front_ends.environments import ROOT

DATA = ROOT / "docs" / "front_ends.json"
PAGE = ROOT / "docs" / "front_ends.md"
BEGIN = "<!-- {} are written by tools/front_ends from front_ends.json. -->"
END = "<!-- The end of {}. -->"

FEATURES = (
    "cell", "live grid", "interrupt", "Run All", "wait", "panel", "viewer", "completion", "saved and converted",
)  # fmt: skip
SIGNS = {"works": "✓", "but": "✓ but", "no": "no", "none": "–", "untried": "untried"}


@dataclass(frozen=True)
class Outcome:
    """How a feature works in a front end.

    `how` is a key of SIGNS: it works, works with the limit `note`, does not (for the reason `note`), the front end
    has no such thing, or nobody knows. `note` names a paragraph of the page, or is a sentence of its own where no
    paragraph does. Unless it was `run`, it was only read in the front end's sources or documents.
    """

    how: str
    note: str = ""
    run: bool = True


UNTOLD = ("rivya-nb", "ipywidgets", "anywidget", "nbformat")
"""Packages whose versions are in the file alone: the list would be longer for little."""

WORKS = Outcome("works")
NONE = Outcome("none")


def load() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    return found


def keep(key: str, row: dict[str, Any]) -> None:
    """Write down what a row gave, in place of what it gave before."""
    text = json.dumps({**load(), key: row}, indent=1, ensure_ascii=False)
    DATA.write_text(text + "\n", encoding="utf-8")


def table(order: Sequence[str], first: str, features: Sequence[str]) -> str:
    """A table as Markdown: a row for each front end in the given order."""
    lines = [f"| {first} | {' | '.join(features)} |", "|" + "---|" * (len(features) + 1)]
    for row in _rows(order):
        cells = [_cell(row["features"].get(feature, {"how": "untried"})) for feature in features]
        lines.append(f"| {row['title']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def versions(order: Sequence[str]) -> str:
    """A list as Markdown: what each front end was tried with, and when. In the table it would leave no width."""
    return "\n".join(f"- {row['title']}: {_versions(row)}" for row in _rows(order))


def _rows(order: Sequence[str]) -> list[dict[str, Any]]:
    rows = load()
    return [rows[key] for key in order if key in rows]


def _cell(outcome: dict[str, Any]) -> str:
    sign, note = SIGNS[outcome["how"]], outcome.get("note", "")
    # A paragraph's name has no blanks.
    explained = f"[{sign}](#{note})" if re.fullmatch(r"[\w-]+", note) else f"{sign}: {note}"
    read = "" if outcome.get("run", True) or outcome["how"] in ("none", "untried") else " (read)"
    return (explained if note else sign) + read


def _versions(row: dict[str, Any]) -> str:
    if "source" in row:
        return str(row["source"])
    named = (f"{name} {version}" for name, version in row["versions"].items() if name not in UNTOLD)
    return f"{', '.join(named)}; {row['date']}"


def unexplained() -> list[str]:
    """The notes that no paragraph of the page explains."""
    page = PAGE.read_text(encoding="utf-8")
    notes = {each.get("note", "") for row in load().values() for each in row["features"].values()}
    return sorted(note for note in notes if note and f"({note})=" not in page)


def write_tables(front_ends: Sequence[str], kernels: Sequence[str]) -> None:
    """Put the tables and what was tried into the page, each between its two marks."""
    page = _with("front ends", table(front_ends, "front end", FEATURES), PAGE.read_text(encoding="utf-8"))
    page = _with("kernels", table(kernels, "Python and kernel", ("Run All", "interrupt", "data")), page)
    page = _with("versions", versions((*front_ends, *kernels)), page)
    PAGE.write_text(page, encoding="utf-8")


def _with(name: str, text: str, page: str) -> str:
    begin, end = BEGIN.format(name), END.format(name)
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"


def screenshots() -> Path:
    folder = ROOT / ".ci" / "screenshots" / "front_ends"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
