"""What stands in a panel's form, as plain data: it can be planned, written down as a cell, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model, Param
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.jobs.axes import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS
from rivya_nb.jobs.prompt import PromptTemplate, parse_prompt
from rivya_nb.jobs.values import parse_values
from rivya_nb.results.plan import Plan
from rivya_nb.session import Session


@dataclass(frozen=True)
class FormState:
    """Everything a user has set. `params` holds what was written for each param, as on the magic's line.

    A param that is absent or empty is not sent. Those in `several` hold several values: separated by commas,
    or one on each line where the param is free text. `repeat` is how many seeds are drawn where none is
    written. `max_credits` is the limit of what a run may cost, in credits.
    """

    model: str = DEFAULT_MODEL
    prompt: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    several: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    repeat: int = 1
    name: str = ""
    max_credits: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The state as JSON can hold it."""
        return {
            **asdict(self),
            "params": dict(self.params),
            "several": sorted(self.several),
            "references": [asdict(reference) for reference in self.references],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> FormState:
        """The state that `as_json` gave, of this version or another: what does not fit is left out."""
        default = cls()
        params = record.get("params")
        return cls(
            model=_text(record.get("model")) or default.model,
            prompt=_text(record.get("prompt")),
            params={str(key): _text(value) for key, value in params.items()}
            if isinstance(params, dict)
            else {},
            several=frozenset(map(str, _list(record.get("several")))),
            references=tuple(_references(record.get("references"))),
            repeat=max(1, _whole(record.get("repeat")) or 1),
            name=_text(record.get("name")),
            max_credits=_whole(record.get("max_credits")),
        )

    @classmethod
    def of_request(cls, request: Request) -> FormState:
        """The form that asks for a request again."""
        return cls(
            model=request.model,
            prompt=escaped(request.prompt),
            params={key: str(value) for key, value in request.params.items()},
            references=request.references,
        )


def plan_form(
    session: Session, state: FormState, namespace: Mapping[str, object], wrong: Sequence[Mistake] = ()
) -> Plan:
    """The plan that the form asks for; `namespace` holds the notebook's variables. Nothing is sent.

    `wrong` is what could not even be read into the state; it is told with the rest.

    Raises:
        InvalidRequestError: with every mistake, each named after the param or the part of the form.
    """
    mistakes: list[Mistake] = list(wrong)
    prompt = _prompt(state.prompt, namespace, mistakes)
    model = session.catalogue.get(state.model)
    params = {
        key: values
        for key, text in state.params.items()
        if text.strip() and (values := _values(key, text, model, key in state.several, mistakes))
    }
    order = [
        *(key for key in params if key == SEED_KEY or key in state.several),
        MODEL_AXIS,
        REFERENCES_AXIS,
        REPEAT_AXIS,
        *(axis.name for axis in prompt.axes),
    ]
    try:
        plan = session.plan(
            prompt,
            models=[state.model],
            params=params,
            references={"": state.references} if state.references else {},
            repeat=state.repeat,
            order=order,
            name=state.name.strip() or None,
            max_credits=state.max_credits,
        )
    except (InvalidRequestError, UsageError) as error:
        raise InvalidRequestError([*mistakes, *error.mistakes]) from None
    if mistakes:
        raise InvalidRequestError(mistakes)
    return plan


def form_cell(state: FormState, model: Model | None, files: Mapping[str, str]) -> str:
    """The `%%rivya` cell that asks for what the form does; `files` are the references' paths by hash."""
    words = ["%%rivya"]
    for key, text in state.params.items():
        if text.strip():
            param = None if model is None else model.param(key)
            words.append(f"{key}={_written(text.strip(), param, key in state.several)}")
    if state.model != DEFAULT_MODEL:
        words.append(f"--model {state.model}")
    words += [f"--ref {_quoted(files[ref.sha256])}" for ref in state.references if ref.sha256 in files]
    if state.repeat > 1:
        words.append(f"--repeat {state.repeat}")
    if state.name.strip():
        words.append(f"--name {_quoted(state.name.strip())}")
    if state.max_credits is not None:
        words.append(f"--max-credits {state.max_credits}")
    return " ".join(words) + "\n" + state.prompt


def escaped(prompt: str) -> str:
    """A finished prompt as it is written where braces mean something."""
    return prompt.replace("{", "{{").replace("}", "}}")


def is_free_text(param: Param) -> bool:
    """Whether a comma in the param's text is only a comma."""
    return param.type != "number" and param.options is None and param.key != SEED_KEY


def _prompt(text: str, namespace: Mapping[str, object], mistakes: list[Mistake]) -> PromptTemplate:
    """The bound prompt; a stand-in for one that cannot be read, so that the rest is checked all the same."""
    try:
        if not text.strip():
            raise UsageError([Mistake("prompt", "there is none yet; write what should be seen")])
        return parse_prompt(text, variables=True).bind(namespace)
    except UsageError as error:
        mistakes += error.mistakes
        return parse_prompt("-", variables=False)


def _values(
    key: str, text: str, model: Model | None, several: bool, mistakes: list[Mistake]
) -> tuple[object, ...]:
    param = None if model is None else model.param(key)
    if param is not None and is_free_text(param):
        lines = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        return lines if several else (text.strip(),)
    try:
        return parse_values(text.strip(), param, quoted=not several and key != SEED_KEY)
    except UsageError as error:
        mistakes += error.mistakes
        return ()


def _written(text: str, param: Param | None, several: bool) -> str:
    if param is not None and is_free_text(param):
        return _quoted(text.splitlines()[0] if several else text)
    return text.replace(" ", "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\n", " ") + '"'


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
