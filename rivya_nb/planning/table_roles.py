"""What the columns of a table are: params of the models, files of references, or facts that are not sent."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rivya_nb.contract.catalogue import Catalogue, Model, Param, shared_param
from rivya_nb.contract.ideas import shared_name
from rivya_nb.contract.text import HALF, count, is_whole, listing, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError, shortened
from rivya_nb.planning.ask import MODEL_AXIS, NONE, PROMPT_AXIS, REFERENCES_AXIS, Coupling, label
from rivya_nb.planning.prompt_tables import PromptTable
from rivya_nb.planning.tables import fact_text
from rivya_nb.planning.values import is_free_text, read_number

_SEVERAL = re.compile(r"[+-]?\d+(\.\d+)?\.\.[+-]?\d+.*|[^,]*\d,.*\d[^,]*")
"""What a line of the magic reads as several values."""

_ADDRESSES = ("https://", "http://", "data:")


@dataclass(frozen=True)
class RolesOfColumns:
    """A table's columns by what they are, with a value for each row; None among them is not given.

    `models` are ids, and `references` the sources of each row. `wrong` are the mistakes, each with its rows; the
    cells that have them count as not given.
    """

    params: Mapping[str, tuple[object, ...]]
    models: tuple[str, ...] = ()
    references: tuple[tuple[object, ...], ...] = ()
    facts: tuple[Mapping[str, str], ...] = ()
    wrong: tuple[Mistake, ...] = ()


def roles_of(
    table: PromptTable, models: Sequence[Model], catalogue: Catalogue, taken: Collection[str]
) -> RolesOfColumns:
    """The columns by what they are for these models, or for those that a column `model` names.

    `models` are not empty. `taken` are the params, and perhaps `model` and `references`, that are given beside the
    table.
    """
    return _Roles(table, models, catalogue, taken).read()


def coupling_of(table: PromptTable, roles: RolesOfColumns) -> tuple[Coupling, ...]:
    """The axis of a table's rows, where it is more than the wordings of a prompt."""
    members: dict[str, Sequence[object]] = {**roles.params}
    if roles.models:
        members[MODEL_AXIS] = roles.models
    if roles.references:
        members[REFERENCES_AXIS] = tuple(map(_source_names, roles.references))
    # Rows that are the same are one by now.
    if not members and not roles.facts:
        return ()
    labels = row_labels(table.wordings, members, roles.facts)
    return (Coupling(PROMPT_AXIS, (PROMPT_AXIS, *members), labels, roles.facts),)


def columns_note(table: PromptTable, roles: RolesOfColumns) -> str:
    """What each column is, in words; empty for a list of texts alone."""
    params = [*roles.params, *([MODEL_AXIS] if roles.models else [])]
    files = [REFERENCES_AXIS] if roles.references else []
    facts = [name for name in table.columns if name not in (*params, *files)]
    kinds = {
        "prompts": [table.column],
        "params": params,
        "files": files,
        "facts (not sent)": facts,
        "empty": list(table.empty),
    }
    words = [f"{kind}: {listing(map(shortened, names))}" for kind, names in kinds.items() if names]
    if len(words) == 1 and not table.source:
        return ""
    return "; ".join([f"{table.source or 'table'}: {count(len(table.wordings), 'row')}", *words])


class _Roles:
    """Reads the columns one by one, and goes on after each mistake."""

    def __init__(
        self, table: PromptTable, models: Sequence[Model], catalogue: Catalogue, taken: Collection[str]
    ) -> None:
        self._table = table
        self._catalogue = catalogue
        self._wrong: dict[Mistake, dict[int, None]] = {}
        self._clashes: list[Mistake] = []
        self._taken = taken
        self._default = models
        self._of_row = self._models()
        self._known = list({each.id: each for each in self._of_row or models}.values())

    def read(self) -> RolesOfColumns:
        keys = {shared_name(key) for model in self._known for key in model.param_keys}
        columns = self._table.columns
        params = {key: self._param(key, cells) for key, cells in columns.items() if key in keys}
        references = self._references(columns.get(REFERENCES_AXIS, ()))
        facts = [name for name in columns if name not in (*params, MODEL_AXIS, REFERENCES_AXIS)]
        for name in (*params, MODEL_AXIS, REFERENCES_AXIS):
            if name in columns and name in self._taken:
                message = f"it is a column of {self._source}, and given by itself too; leave one of them out"
                self._clashes.append(Mistake(name, message))
        told = self._facts(facts)
        wrong = (*self._clashes, *self._table.rows.mistakes(self._wrong))
        return RolesOfColumns(params, tuple(each.id for each in self._of_row), references, told, wrong)

    @property
    def _source(self) -> str:
        return self._table.source or "the table"

    def _models(self) -> tuple[Model, ...]:
        """The model of each row, where the table has such a column."""
        found: list[Model] = []
        for at, cell in enumerate(self._table.columns.get(MODEL_AXIS, ())):
            try:
                found.append(self._default[0] if cell is None else self._catalogue.runnable(cell))
            except InvalidRequestError as error:
                found.append(self._default[0])
                for mistake in error.mistakes:
                    self._note(mistake, at)
        return tuple(found)

    def _param(self, key: str, cells: Sequence[object]) -> tuple[object, ...]:
        values: list[object] = []
        shared = shared_param(key, self._known)
        for at, cell in enumerate(cells):
            model = self._of_row[at] if self._of_row else None
            param = shared if model is None else model.param(key)
            values.append(self._cell(key, cell, param, at))
        return tuple(values)

    def _cell(self, key: str, cell: object, param: Param | None, at: int) -> object:
        several = isinstance(cell, (list, tuple, set, range, Mapping))
        if isinstance(cell, str) and param is not None:
            text = cell.strip()
            if param.options is not None and text in param.options:
                return text
            if text.casefold() == NONE:
                return None
            several = not is_free_text(param) and param.options is None and bool(_SEVERAL.fullmatch(text))
            if not several:
                return _value(text, param)
        if several:
            message = (
                f"{short_repr(cell)} is more than one value for a cell; write a row for each, or leave the column "
                f"out and give {key} beside the table"
            )
            self._note(Mistake(key, message), at)
            return None
        return cell

    def _references(self, cells: Sequence[object]) -> tuple[tuple[object, ...], ...]:
        found: list[tuple[object, ...]] = []
        for at, cell in enumerate(cells):
            try:
                found.append(tuple(self._source_of(each) for each in _listed(cell)))
            except UsageError as error:
                found.append(())
                for mistake in error.mistakes:
                    self._note(mistake, at)
        return tuple(found)

    def _source_of(self, given: object) -> object:
        """A reference of a row: a text is the path of a file below the table's folder, or an address."""
        if not isinstance(given, str) or given.lower().startswith(_ADDRESSES):
            return given
        folder = (self._table.folder or Path.cwd()).resolve()
        where = "the table's folder" if self._table.folder else "the current folder"
        try:
            path = (folder / given).resolve()
            outside = ".." in Path(given).parts or not path.is_relative_to(folder)
        except (OSError, ValueError, RuntimeError):
            raise UsageError([Mistake(REFERENCES_AXIS, f"{short_repr(given)} is no path")]) from None
        if outside:
            message = f"{short_repr(given)} is not below {where}; put it there, and write its path from there"
            raise UsageError([Mistake(REFERENCES_AXIS, message)])
        return path

    def _facts(self, names: Sequence[str]) -> tuple[Mapping[str, str], ...]:
        columns = self._table.columns
        if not names:
            return ()
        facts: list[Mapping[str, str]] = []
        for at in range(len(self._table.wordings)):
            row = {name: fact_text(cell) for name in names if (cell := columns[name][at]) is not None}
            for name in (name for name, text in row.items() if not is_whole(text)):
                self._note(Mistake(name, HALF), at)
            facts.append(row)
        return tuple(facts)

    def _note(self, mistake: Mistake, at: int) -> None:
        self._wrong.setdefault(mistake, {})[at] = None


def _value(text: str, param: Param) -> object:
    if param.type == "number":
        return read_number(text)
    return text.lower() if param.is_switch and text.casefold() in ("true", "false") else text


def _listed(cell: object) -> list[object]:
    """The references of a cell; several are separated by semicolons."""
    if cell is None:
        return []
    if isinstance(cell, str) and not cell.lower().startswith(_ADDRESSES):
        return [part.strip() for part in cell.split(";") if part.strip()]
    return list(cell) if isinstance(cell, (list, tuple)) else [cell]


def _source_names(sources: Iterable[object]) -> str:
    names = [Path(each).name if isinstance(each, (str, os.PathLike)) else "picture" for each in sources]
    return listing(names) or NONE


def row_labels(
    wordings: Sequence[str],
    members: Mapping[str, Sequence[object]],
    facts: Sequence[Mapping[str, str]] = (),
) -> tuple[str, ...]:
    """The wordings as labels; those that are the same with what differs between their rows."""
    same: dict[str, list[int]] = {}
    labels = [label(wording) for wording in wordings]
    for at, text in enumerate(labels):
        same.setdefault(text, []).append(at)
    for text, places in same.items():
        if len(places) > 1:
            for at, what in zip(places, _told_apart(places, members, facts), strict=True):
                labels[at] = f"{text} ({what})"
    return tuple(labels)


def _told_apart(
    places: Sequence[int], members: Mapping[str, Sequence[object]], facts: Sequence[Mapping[str, str]]
) -> list[str]:
    """What tells these rows apart, as `seed 7`; the place among them where nothing does."""
    columns: dict[str, list[str]] = {
        name: [label(values[at]) for at in places] for name, values in members.items()
    }
    for name in dict.fromkeys(name for at in places if facts for name in facts[at]):
        columns[name] = [facts[at].get(name, NONE) for at in places]
    differing = {name: texts for name, texts in columns.items() if len(set(texts)) > 1}
    told: list[str] = [""] * len(places)
    for name, texts in differing.items():
        told = [
            ", ".join(filter(None, [each, f"{name} {text}"])) for each, text in zip(told, texts, strict=True)
        ]
        if len(set(told)) == len(places):
            return told
    return [f"{each or 'number'} {number}" for number, each in enumerate(told, start=1)]
