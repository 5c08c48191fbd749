"""CSV tables that a spreadsheet only shows: no text in them becomes a formula that it would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import TypeVar

_Value = TypeVar("_Value")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet may read a text that begins with one of these as a formula."""

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def harmless(value: _Value) -> _Value | str:
    """The value of a cell; a text that a spreadsheet would run begins with an apostrophe. A number stays one, also
    where it is written as a text: `-3`."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_bytes(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> bytes:
    """A CSV file in UTF-8, with the mark by which Excel knows it; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(harmless, columns))
    writer.writerows(map(harmless, row) for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")
