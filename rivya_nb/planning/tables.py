"""Tables of prompts: a list, dicts, a DataFrame of pandas or polars, or a file. One row is one wording.

An empty cell, None, NaN and the NaT and NA of pandas are *not given*. Neither pandas nor polars is imported.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from rivya_nb.contract.params import listed, plain_value
from rivya_nb.contract.text import as_sent, comparable, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.prompt import PromptAxis, PromptTemplate, parse_prompt, prompt_of
from rivya_nb.planning.values import MAX_VALUES

PROMPT_COLUMN = "prompt"
"""The column of the wordings, where no other is named."""

_AMBIGUOUS = (
    "it holds {a|b} or the like, which may be several wordings; --templates on (templates=True) expands it, "
    "--templates off (templates=False) sends it as it stands"
)

_MISSING = ("NaN", "nan", "NaT", "<NA>")
"""How what is missing is written in files."""

_MOST_COLUMNS = 8
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


@dataclass(frozen=True)
class PromptTable:
    """A table whose wordings are known: rows that are the same stand there once, templates are expanded.

    `columns` are the others, with a cell for each row; those without a single value are `empty`. `wrong` are the
    mistakes in the wordings, each with its rows, where something stands in their place.
    """

    wordings: tuple[str, ...]
    columns: Mapping[str, tuple[object, ...]]
    rows: Rows
    source: str = ""
    folder: Path | None = None
    column: str = PROMPT_COLUMN
    templates: bool | None = None
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    wrong: tuple[Mistake, ...] = ()

    @property
    def axis(self) -> PromptAxis:
        """The wordings as an axis of a prompt."""
        return PromptAxis(PROMPT_COLUMN, self.wordings)

    @property
    def template(self) -> PromptTemplate:
        """The prompt that is a row's wording."""
        return prompt_of([self.axis])


def is_table(given: object) -> bool:
    """Whether a Python argument holds prompts: a DataFrame, or a list (or an array) of texts or dicts."""
    if _is_frame(given) or _is_lazy(given):
        return True
    first = next((item for item in _items(given) or () if as_cell(item) is not None), None)
    return isinstance(first, (str, Mapping))


def check_asked(given: object) -> None:
    """Raise UsageError if what is asked for, and is no text and no table, is no request and holds none either."""
    holds = isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray, Set, Mapping))
    is_one = hasattr(given, "identity") or hasattr(given, "request")
    if not holds and not is_one:
        message = (
            f"{short_repr(given)} is no prompt; give a text, a list of texts or of dicts, or a DataFrame"
        )
        raise UsageError([Mistake("prompt", message)])


def prompt_table(
    given: object, column: str | None = None, templates: bool | None = None, names: Collection[str] = ()
) -> PromptTable:
    """The prompts that are given: a list of texts or dicts, a DataFrame, or the path of a file.

    `column` names the one of the wordings. A wording that holds `{a|b}` is expanded if `templates` is true, taken
    as it stands if false, and wrong if None. `names` are those of the notebook.

    Raises:
        UsageError: it is no table, or has no such column; what is wrong with wordings is in the table.
    """
    if isinstance(given, (str, os.PathLike)):
        from rivya_nb.planning.table_files import read_table

        table = read_table(given)
    else:
        table = table_of(given)
    return _Reader(table, column or PROMPT_COLUMN, templates, names).read()


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


class _Reader:
    """Finds the wordings of a table, and what stands there again."""

    def __init__(self, table: Table, column: str, templates: bool | None, names: Collection[str]) -> None:
        self._table = table
        self._templates = templates
        self._names = names
        self._column = self._find(column)

    def read(self) -> PromptTable:
        table = self._table
        wordings: list[str] = []
        places: list[int] = []
        wrong: dict[Mistake, list[int]] = {}
        for place, row in enumerate(table.rows):
            try:
                texts = self._wordings(row[self._column])
            except UsageError as error:
                for mistake in error.mistakes:
                    wrong.setdefault(mistake, []).append(place)
                texts = (f"({table.names.named([place])})",)
            wordings += texts
            places += [place] * len(texts)
        check_size(table.source or "the table, expanded,", len(wordings))
        kept, notes = self._once(wordings, places)
        rows = [table.rows[places[at]] for at in kept]
        columns = {
            name: tuple(row[at] for row in rows)
            for at, name in enumerate(table.columns)
            if at != self._column
        }
        return PromptTable(
            tuple(wordings[at] for at in kept),
            {name: cells for name, cells in columns.items() if any(cell is not None for cell in cells)},
            table.names.of(places[at] for at in kept),
            table.source,
            table.folder,
            table.columns[self._column],
            self._templates,
            tuple(name for name, cells in columns.items() if all(cell is None for cell in cells)),
            notes,
            tuple(table.names.mistakes(wrong)),
        )

    def _find(self, column: str) -> int:
        columns = self._table.columns
        if column in columns:
            return columns.index(column)
        shown = [shortened(each) for each in columns[:_MOST_COLUMNS]]
        more = f" and {len(columns) - _MOST_COLUMNS} more" if len(columns) > _MOST_COLUMNS else ""
        raise UsageError(
            [
                Mistake(
                    "prompts",
                    f"{self._table.source or 'the table'} has no column {short_repr(column)}; it has "
                    f"{listing(shown)}{more}{did_you_mean(column, columns)}; --prompt-column NAME "
                    "(prompt_column=) names another one",
                )
            ]
        )

    def _wordings(self, cell: object) -> Sequence[str]:
        """The wordings that a cell of the prompt's column holds."""
        if cell is None:
            raise UsageError([Mistake("prompt", "it is empty; describe what the model should make")])
        if isinstance(cell, bool) or not isinstance(cell, (str, int, float)):
            raise UsageError([Mistake("prompt", f"a value of type {type(cell).__name__} is no text")])
        text = as_sent(str(cell))
        if self._templates is False or not isinstance(cell, str):
            return (text,)
        try:
            template = parse_prompt(text, variables=False, names=self._names)
        except UsageError:
            if self._templates:
                raise
            raise UsageError([Mistake("prompt", _AMBIGUOUS)]) from None
        if not template.axes:
            return (template.render({}) if self._templates else text,)
        if not self._templates:
            raise UsageError([Mistake("prompt", _AMBIGUOUS)])
        check_size("a template with all its options", math.prod(len(axis.options) for axis in template.axes))
        return tuple(_expanded(template))

    def _once(self, wordings: Sequence[str], places: Sequence[int]) -> tuple[list[int], tuple[str, ...]]:
        """The places of wordings less those whose whole row stands there already, and a note about these."""
        seen: dict[object, int] = {}
        again: list[int] = []
        for at, (wording, place) in enumerate(zip(wordings, places, strict=True)):
            row = self._table.rows[place]
            cells = tuple(fact_text(cell) for column, cell in enumerate(row) if column != self._column)
            if seen.setdefault((comparable(wording), cells), at) != at:
                again.append(place)
        if not again:
            return list(seen.values()), ()
        note = f"rows that repeat an earlier one count once: {self._table.names.named(again)}"
        return list(seen.values()), (note,)


def _expanded(template: PromptTemplate) -> Iterator[str]:
    """Every wording of a template, the last axis running fastest."""
    choices: list[dict[str, int]] = [{}]
    for axis in template.axes:
        choices = [{**choice, axis.name: at} for choice in choices for at in range(len(axis.options))]
    return (template.render(choice) for choice in choices)


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
