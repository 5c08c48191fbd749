"""From the text of a `%%rivya` cell to a plan: the line, the body, and the notebook's variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model, Param, shared_param
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.line import Line
from rivya_nb.planning.names import notebook_object
from rivya_nb.planning.prompt import PromptTemplate, parse_prompt
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.tables import Rows
from rivya_nb.planning.values import parse_values, variable_values
from rivya_nb.planning.words import ObjectName, Value

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session


def plan_cell(session: Session, line: Line, body: str, namespace: Mapping[str, object]) -> Plan:
    """The plan that a cell asks for. Nothing is sent.

    Raises:
        InvalidRequestError, UsageError: with every mistake that was found.
    """
    reader = CellReader(namespace, session.catalogue)
    table = None if line.prompts is None else reader.table(line.prompts, line.prompt_column, line.templates)
    prompt = reader.prompt(body, table)
    models = reader.models(line.model)
    together = {name for group in line.coupled for name in group}
    params = {key: reader.values(key, value, models, coupled=key in together) for key, value in line.params}
    references = reader.references(line.refs)
    try:
        plan = session.plan(
            prompt,
            models=models,
            params=params,
            references=references,
            repeat=line.repeat,
            table=table,
            coupled=line.coupled,
            replicates=line.replicates,
            sample=line.sample,
            sample_seed=line.sample_seed,
            pair_seeds=line.pair_seeds,
            order=[*line.order, *(axis.name for axis in prompt.axes)],
            name=line.name,
            max_credits=line.max_credits,
            max_parallel=line.parallel,
            fresh=line.fresh,
            shrink_references=line.shrink_refs,
        )
    except (InvalidRequestError, UsageError) as error:
        raise InvalidRequestError([*reader.mistakes, *error.mistakes]) from None
    if reader.mistakes:
        raise InvalidRequestError(reader.mistakes)
    return plan.arranged(line.rows, line.cols)


def check_prompt(body: str, namespace: Mapping[str, object]) -> list[Mistake]:
    """The mistakes in the body of a cell whose line cannot be read."""
    reader = CellReader(namespace, {})
    reader.prompt(body)
    return reader.mistakes


class CellReader:
    """Reads the parts of a cell one by one. A mistake is noted, and the next part is read."""

    def __init__(self, namespace: Mapping[str, object], catalogue: Mapping[str, Model]) -> None:
        self.mistakes: list[Mistake] = []
        self._namespace = namespace
        self._catalogue = catalogue

    def table(self, value: Value, column: str | None, templates: bool | None) -> PromptTable:
        """The table of prompts, of a file or a variable; a placeholder if it cannot be read."""
        told = len(self.mistakes)
        given = self._object("--prompts", value) if isinstance(value, ObjectName) else value.text
        try:
            return prompt_table(given, column, templates, self._namespace.keys())
        except UsageError as error:
            if len(self.mistakes) == told:
                self.mistakes += error.mistakes
            return PromptTable(("-",), {}, Rows("row", (1,)))

    def prompt(self, body: str, table: PromptTable | None = None) -> PromptTemplate:
        """The bound prompt; if it cannot be read, a placeholder, so that the rest of the cell is checked too.

        Where there is a `table`, `{prompt}` stands for the wording of a row, or nothing for all of the prompt.
        """
        if table is not None and not body.strip():
            return table.template
        rows = None if table is None else table.axis
        try:
            template = parse_prompt(body, variables=True, names=self._namespace.keys(), rows=rows)
            return template.bind(self._namespace)
        except UsageError as error:
            self.mistakes += error.mistakes
            return parse_prompt("-", variables=False)

    def models(self, value: Value | None) -> list[str]:
        if value is None:
            return [DEFAULT_MODEL]
        if isinstance(value, ObjectName):
            found = self._objects("--model", value)
            return [str(model) for model in found if model is not None]
        return [model.strip() for model in value.text.split(",")]

    def values(
        self, key: str, value: Value, models: Sequence[str], *, coupled: bool = False
    ) -> tuple[object, ...]:
        if isinstance(value, ObjectName):
            return self._objects(key, value, coupled=coupled)
        try:
            return parse_values(value.text, self._param(key, models), quoted=value.quoted, coupled=coupled)
        except UsageError as error:
            self.mistakes += error.mistakes
            return (None,)

    def references(self, values: Sequence[Value]) -> dict[str, Sequence[object]]:
        """Sets of references by label. A dict is an axis of its own."""
        from rivya_nb.jobs.sources import FromVariable, listed_references, reference_sets

        listed: list[object] = []
        for value in values:
            found = self._object("--ref", value) if isinstance(value, ObjectName) else value.text
            if isinstance(found, Mapping):
                if len(values) > 1:
                    self._wrong(
                        "--ref", "a dict of references is an axis of its own; give it as the only --ref"
                    )
                return reference_sets(found)
            # A path tells by itself what it is, and a list is no single reference.
            if isinstance(value, ObjectName) and not isinstance(
                found, (str, os.PathLike, list, tuple, NoneType)
            ):
                found = FromVariable(value.name, found)
            listed += listed_references(found)
        return reference_sets(listed)

    def _param(self, key: str, models: Sequence[str]) -> Param | None:
        """The param that these models share; None if they have none, which is reported later."""
        return shared_param(key, [self._catalogue[model] for model in models if model in self._catalogue])

    def _objects(self, where: str, value: ObjectName, *, coupled: bool = False) -> tuple[object, ...]:
        """The values of a notebook variable; several values are an axis."""
        try:
            return variable_values(value.name, self._namespace, where, coupled=coupled)
        except UsageError as error:
            self.mistakes += error.mistakes
            return (None,)

    def _object(self, where: str, value: ObjectName) -> object:
        try:
            return notebook_object(value.name, self._namespace, where)
        except UsageError as error:
            self.mistakes += error.mistakes
            return None

    def _wrong(self, where: str, message: str) -> None:
        self.mistakes.append(Mistake(where, message))
