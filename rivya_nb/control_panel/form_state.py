"""What a user has set in the panel's form, as plain data: it can be planned, and kept in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, count
from typing import Any

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model, Param, shared_param
from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request, replicates_before
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.planning.braces import escaped
from rivya_nb.planning.names import python_name
from rivya_nb.planning.prompt import PromptTemplate, parse_prompt
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.tables import Rows
from rivya_nb.planning.values import is_free_text, parse_values, variable_values
from rivya_nb.planning.words import ObjectName
from rivya_nb.session.plan import Plan
from rivya_nb.session.session import Session


@dataclass(frozen=True)
class FormState:
    """Everything a user has set. `prompts` is the path of a table of them, empty where there is none. `params`
    holds the text of each param, as on the magic's line.

    A param without text is not sent. `{name}` is a variable of the notebook, except in free text. The params in
    `several` have several values: separated by commas, or one on each line in free text. Several models are an
    axis, and so are several sets of `references`, one of which may be empty. `repeat` is how many seeds are drawn
    if no seed is written, and `replicates` how often the very same is asked. `max_credits` limits what a run may
    cost, in credits. `rows` and `cols` name axes; the name of an axis that does not exist has no effect. `unread`
    tells what was written and could not be read.
    """

    models: tuple[str, ...] = (DEFAULT_MODEL,)
    prompt: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    several: frozenset[str] = frozenset()
    references: tuple[tuple[Reference, ...], ...] = ()
    repeat: int = 1
    replicates: int = 1
    name: str = ""
    max_credits: int | None = None
    fresh: bool = False
    rows: str = ""
    cols: str = ""
    unread: tuple[Mistake, ...] = ()
    prompts: str = ""

    @property
    def written(self) -> tuple[str, ...]:
        """The keys of the params that anything is written for, in the form's order."""
        return tuple(key for key, text in self.params.items() if text.strip())

    def as_json(self) -> dict[str, Any]:
        """The state as JSON can hold it, without what could not be read."""
        kept = asdict(self)
        del kept["unread"]
        return {
            **kept,
            "models": list(self.models),
            "params": dict(self.params),
            "several": sorted(self.several),
            "references": [[asdict(reference) for reference in each] for each in self.references],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> FormState:
        """The state that `as_json` gave, of this version or another: what does not fit is left out."""
        default = cls()
        params = record.get("params")
        return cls(
            models=tuple(filter(None, map(_text, _list(record.get("models"))))) or default.models,
            prompt=_text(record.get("prompt")),
            prompts=_text(record.get("prompts")),
            params={str(key): _text(value) for key, value in params.items()}
            if isinstance(params, dict)
            else {},
            several=frozenset(map(str, _list(record.get("several")))),
            references=tuple(
                tuple(_references(each)) for each in _list(record.get("references")) if isinstance(each, list)
            ),
            repeat=max(1, _whole(record.get("repeat")) or 1),
            replicates=max(1, _whole(record.get("replicates")) or 1),
            name=_text(record.get("name")),
            max_credits=_whole(record.get("max_credits")),
            fresh=record.get("fresh") is True,
            rows=_text(record.get("rows")),
            cols=_text(record.get("cols")),
        )

    @classmethod
    def of_request(cls, request: Request) -> FormState:
        """The form that asks for a request again, with the replicates before it."""
        return cls(
            models=(request.model,),
            prompt=escaped(request.prompt),
            params={key: str(value) for key, value in shared_names(request.params).items()},
            references=(request.references,) if request.references else (),
            replicates=replicates_before(request.replicate),
        )


def plan_form(session: Session, state: FormState, namespace: Mapping[str, object]) -> Plan:
    """The plan that the form asks for; `namespace` holds the notebook's variables. Nothing is sent.

    Raises:
        InvalidRequestError: with every mistake, each named after the param or the part of the form.
    """
    mistakes: list[Mistake] = list(state.unread)
    table = _table(state.prompts, namespace, mistakes) if state.prompts else None
    prompt = _prompt(state.prompt, table, namespace, mistakes)
    params = _params(state, session.catalogue, namespace, mistakes)
    try:
        plan = session.plan(
            prompt,
            models=state.models,
            params=params,
            references=labelled(state.references),
            repeat=state.repeat,
            replicates=state.replicates,
            table=table,
            order=[*params, MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, *(axis.name for axis in prompt.axes)],
            name=state.name.strip() or None,
            max_credits=state.max_credits,
            fresh=state.fresh,
        )
    except (InvalidRequestError, UsageError) as error:
        raise InvalidRequestError([*mistakes, *error.mistakes]) from None
    if mistakes:
        raise InvalidRequestError(mistakes)
    return plan.arranged(*arrangement(state, [axis.name for axis in plan.expansion.axes]))


def labelled(sets: Sequence[tuple[Reference, ...]]) -> dict[str, tuple[Reference, ...]]:
    """Sets of references by the labels that an axis of them has; a single one has none."""
    if len(sets) < 2:
        return {"": sets[0]} if any(sets) else {}
    labels: dict[str, tuple[Reference, ...]] = {}
    for references in sets:
        name = " + ".join(reference.name for reference in references) or "without"
        numbered = (f"{name} ({number})" for number in count(2))
        labels[next(label for label in chain([name], numbered) if label not in labels)] = references
    return labels


def arrangement(state: FormState, axes: Sequence[str]) -> tuple[str | None, str | None]:
    """The axes that are rows and columns, as far as they are among those that there are."""
    rows = state.rows if state.rows in axes else None
    return rows, state.cols if state.cols in axes and state.cols != rows else None


def param_of(state: FormState, key: str, catalogue: Mapping[str, Model]) -> Param | None:
    """The param that stands for all of the form's models'; None where none of them has it."""
    return shared_param(key, [catalogue[model] for model in state.models if model in catalogue])


def read_param(
    state: FormState, key: str, catalogue: Mapping[str, Model]
) -> tuple[ParamValue | None, ...] | ObjectName:
    """What is written for a param: its values, or the notebook's variable that holds them.

    Raises:
        UsageError: it cannot be read.
    """
    text, several = state.params[key].strip(), key in state.several
    param = param_of(state, key, catalogue)
    if param is not None and is_free_text(param):
        lines = (line.strip() for line in text.splitlines())
        return tuple(dict.fromkeys(filter(None, lines))) if several else (text,)
    if text.startswith("{") and text.endswith("}") and (name := python_name(text[1:-1].strip())) is not None:
        return ObjectName(name)
    return parse_values(text, param, quoted=not several and key != SEED_KEY)


def _table(path: str, namespace: Mapping[str, object], mistakes: list[Mistake]) -> PromptTable:
    """The table of prompts; a stand-in for one that cannot be read."""
    try:
        return prompt_table(path, names=namespace.keys())
    except UsageError as error:
        mistakes += [replace(mistake, where="prompt") for mistake in error.mistakes]
        return PromptTable(("-",), {}, Rows("row", (1,)))


def _prompt(
    text: str, table: PromptTable | None, namespace: Mapping[str, object], mistakes: list[Mistake]
) -> PromptTemplate:
    """The bound prompt; a stand-in for one that cannot be read, so that the rest is checked all the same."""
    if table is not None and not text.strip():
        return table.template
    rows = None if table is None else table.axis
    try:
        if not text.strip():
            raise UsageError([Mistake("prompt", "there is none yet; write what should be seen")])
        return parse_prompt(text, variables=True, names=namespace.keys(), rows=rows).bind(namespace)
    except UsageError as error:
        mistakes += error.mistakes
        return parse_prompt("-", variables=False)


def _params(
    state: FormState,
    catalogue: Mapping[str, Model],
    namespace: Mapping[str, object],
    mistakes: list[Mistake],
) -> dict[str, tuple[object, ...]]:
    """The values of every param that can be read, in the form's order."""
    params: dict[str, tuple[object, ...]] = {}
    for key in state.written:
        try:
            read = read_param(state, key, catalogue)
            params[key] = variable_values(read.name, namespace, key) if isinstance(read, ObjectName) else read
        except UsageError as error:
            mistakes += error.mistakes
    return params


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _references(records: object) -> list[Reference]:
    found = []
    for record in _list(records):
        try:
            found.append(Reference(**record))
        except TypeError:
            continue
    return found
