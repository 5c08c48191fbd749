"""Tables as they are given: a list of texts or dicts, or a DataFrame of pandas or polars.

An empty cell, None, NaN and the NaT and NA of pandas are *not given*. Neither pandas nor polars is imported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from rivya_nb.contract.params import listed, plain_value
from rivya_nb.contract.text import as_sent, listing, printable
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.values import MAX_VALUES

PROMPT_COLUMN = "prompt"
"""The column of the wordings, where no other is named."""

_MISSING = ("NaN", "nan", "NaT", "<NA>")
"""How what is missing is written in files."""

_MOST_RANGES = 60


@dataclass(frozen=True)
class Rows:
    """What the rows of a table are called: the lines of a file, or the rows of a list, counted from 1."""

    noun: str
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def named(self, places: Iterable[int]) -> str:
        """`row 7`, or `lines 3-5, 9`, for the rows at these places."""
        numbers = sorted({self.numbers[place] for place in places})
        ranges: list[list[int]] = []
        for number in numbers:
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1][1] = number
            else:
                ranges.append([number, number])
        texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
        rest = f" and {len(texts) - _MOST_RANGES} more" if len(texts) > _MOST_RANGES else ""
        return f"{self.noun}{'s' if len(numbers) > 1 else ''} {listing(texts[:_MOST_RANGES])}{rest}"

    def of(self, places: Iterable[int]) -> Rows:
        """The same for the rows at these places, which may be there again."""
        return replace(self, numbers=tuple(self.numbers[place] for place in places))

    def mistakes(self, having: Mapping[Mistake, Collection[int]]) -> list[Mistake]:
        """Each mistake once, with the rows that have it."""
        return [
            replace(each, message=f"{self.named(places)}: {each.message}") for each, places in having.items()
        ]


@dataclass(frozen=True)
class Table:
    """A table as it is given: `rows` have a cell for each of the `columns`, None where nothing is given.

    `source` is the name of the file that it came from, and `folder` where paths in it begin.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    names: Rows
    source: str = ""
    folder: Path | None = None


def is_table(given: object) -> bool:
    """Whether a Python argument holds prompts: a DataFrame, or a list (or an array) of texts or dicts."""
    if _is_frame(given) or _is_lazy(given):
        return True
    first = next((item for item in _items(given) or () if as_cell(item) is not None), None)
    return isinstance(first, (str, Mapping))


def table_of(given: Any) -> Table:
    """The table that a list of texts or dicts, an array of texts, or a DataFrame holds.

    Raises:
        UsageError: it is none of these, a column stands there twice, or there are too many rows.
    """
    if _is_frame(given):
        check_size("the table", len(given))
        columns = [str(name) for name in given.columns]
        iterated = (
            given.iter_rows() if hasattr(given, "iter_rows") else given.itertuples(index=False, name=None)
        )
        rows = [tuple(map(as_cell, row)) for row in iterated]
        return made_table("the table", columns, rows, _counted(len(rows)))
    if _is_lazy(given):
        message = "this frame is not computed yet; give what its .collect() gives"
        raise UsageError([Mistake("prompts", message)])
    items = _items(given)
    if items is None:
        raise UsageError(
            [
                Mistake(
                    "prompts",
                    f"a value of type {type(given).__name__} is no table; give a list of texts or dicts, a "
                    "DataFrame, or the name of a CSV, TSV, JSONL or text file",
                )
            ]
        )
    check_size("the table", len(items))
    return made_records("the table", list(items), _counted(len(items)))


def made_records(source: str, items: Sequence[object], names: Rows) -> Table:
    """The table of texts and dicts; a text is the prompt of its row."""
    records: list[Mapping[str, object]] = []
    strange: dict[Mistake, list[int]] = {}
    for place, item in enumerate(items):
        if isinstance(item, str) or as_cell(item) is None:
            records.append({PROMPT_COLUMN: item})
        elif isinstance(item, Mapping):
            records.append({str(key): value for key, value in item.items()})
        else:
            wrong = Mistake("", f"a value of type {type(item).__name__} is neither a text nor a dict")
            strange.setdefault(wrong, []).append(place)
    if strange:
        raise UsageError(names.mistakes(strange))
    columns = list(dict.fromkeys(key for record in records for key in record))
    rows = [tuple(as_cell(record.get(key)) for key in columns) for record in records]
    return made_table(source, columns, rows, names)


def made_table(source: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], names: Rows) -> Table:
    """The table, with a name for columns that have none.

    Raises:
        UsageError: two columns have one name, or there is no row.
    """
    titles = [printable(title) or f"column {at}" for at, title in enumerate(columns, start=1)]
    if twice := [title for title in dict.fromkeys(titles) if titles.count(title) > 1]:
        raise UsageError(
            [Mistake(shortened(title), f"two columns of {source} have this name") for title in twice]
        )
    if not rows:
        raise UsageError([Mistake("prompts", f"{source} has no row, which leaves nothing to ask for")])
    return Table(tuple(titles), tuple(rows), names)


def check_size(source: str, rows: int) -> None:
    """UsageError where a table has more rows than an axis takes values."""
    if rows > MAX_VALUES:
        message = f"{source} has {rows:,} rows, and {MAX_VALUES:,} are allowed; give a part of it"
        raise UsageError([Mistake("prompts", message)])


def as_cell(value: object) -> object:
    """A cell's value, None where nothing is given; a whole number that pandas keeps as 7.0 is 7."""
    value = plain_value(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return None if value in _MISSING or not as_sent(value) else value
    return value


def fact_text(value: object) -> str:
    """A cell as a fact: a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _counted(rows: int) -> Rows:
    return Rows("row", tuple(range(1, rows + 1)))


def _is_frame(given: object) -> TypeGuard[Any]:
    """Whether this is a DataFrame of pandas or polars."""
    return (hasattr(given, "itertuples") or hasattr(given, "iter_rows")) and hasattr(given, "columns")


def _is_lazy(given: object) -> bool:
    """Whether this is a frame of polars that is still to be computed."""
    return hasattr(given, "collect") and hasattr(given, "collect_schema") and not _is_frame(given)


def _items(given: object) -> Sequence[object] | None:
    """What a list, an array or a Series holds, and the rows of an Arrow table as dicts; None for all else."""
    if hasattr(given, "column_names") and callable(as_dicts := getattr(given, "to_pylist", None)):
        items: list[object] = as_dicts()
        return items
    with suppress(ValueError):
        return listed(given)
    return None
