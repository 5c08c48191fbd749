"""The prompts of a table: the wordings of its rows, and what stands beside each."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rivya_nb.contract.text import as_sent, comparable, did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.prompt import PromptAxis, PromptTemplate, parse_prompt, prompt_of
from rivya_nb.planning.table_files import read_table
from rivya_nb.planning.tables import PROMPT_COLUMN, Rows, Table, check_size, fact_text, table_of

_AMBIGUOUS = (
    "it holds {a|b} or the like, which may be several wordings; --templates on (templates=True) expands it, "
    "--templates off (templates=False) sends it as it stands"
)

_MOST_COLUMNS = 8


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


def prompt_table(
    given: object, column: str | None = None, templates: bool | None = None, names: Collection[str] = ()
) -> PromptTable:
    """The prompts that are given: a list of texts or dicts, a DataFrame, or the path of a file.

    `column` names the one of the wordings. A wording that holds `{a|b}` is expanded if `templates` is true, taken
    as it stands if false, and wrong if None. `names` are those of the notebook.

    Raises:
        UsageError: it is no table, or has no such column; what is wrong with wordings is in the table.
    """
    table = read_table(given) if isinstance(given, (str, os.PathLike)) else table_of(given)
    return _Reader(table, column or PROMPT_COLUMN, templates, names).read()


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
