"""An ask, as plain data: a prompt, models, references and params, of which some are axes. It is expanded later.

A run stores its ask as one JSON object. Version 1 has these parts; a part that is absent has its default:

```
{
  "version": 1,
  "prompt": ["A ", {"axis": "light", "options": ["dawn", "dusk"]}, " sky"],   the texts, variables put in
  "models": ["wan-2-7-image-pro"],
  "params": {"seed": [1, 2], "resolution": ["1K"]},       the values of each param; null is *not sent*
  "references": {"": [{"sha256": "…", "kind": "image", "mime_type": "image/png", "name": "a.png", "size": 9}]},
  "repeat": 1,
  "drawn": [],           seeds that were drawn: among the params, or one for each repeat where no param has them,
                         or a row of a table has none
  "left_out": {},        by model, params of one value that are not sent to it
  "order": ["light", "seed"],        the names of axes in their order
  "requests": [],        requests that were given as they are: model, prompt, params and references of each
  "coupled": [{"axis": "prompt", "members": ["prompt", "seed"],       what takes its values together, as one axis
               "labels": ["a fox", "an owl"], "facts": [{"category": "animals"}, {}]}],
  "table": {"file": "drawbench.csv", "column": "prompt", "templates": null},      where the prompts came from
  "replicates": 3,       how often the very same request is asked, each with a number of its own
  "sample": 50,          how many places of the product are asked, 0 for all; `sampling.py` draws them
  "sample_seed": 0,      by this number
  "pair_seeds": false,   seeds are drawn anew for each prompt
  "drawn_by_prompt": {}  those seeds, by `wording_key` of the prompt: one for each repeat
}
```

Those from `coupled` on are only written where they have not their defaults (none, null, 1, 0, 0, true and {}). A
reader ignores parts and fields that it does not know, so that more may come beside them. What an older reader
would expand otherwise needs another version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.params import ParamValue, plain_value
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import as_sent, comparable
from rivya_nb.planning.prompt import NO_PROMPT, PromptAxis, PromptTemplate, literal_prompt, prompt_of

if TYPE_CHECKING:
    from rivya_nb.store.records import JobRecord

Value = TypeVar("Value")

VERSION = 1

PROMPT_AXIS = "prompt"
MODEL_AXIS = "model"
REFERENCES_AXIS = "references"
REPEAT_AXIS = "repeat"
REPLICATE_AXIS = "replicate"
REQUEST_AXIS = "request"
"""The axis of requests that were given as they are."""

WORDING_AXES = (PROMPT_AXIS, REQUEST_AXIS)
"""Axes, beside those of the prompt's own, whose places differ in their wording."""

NONE = "none"
"""The label of what is not sent."""

_REFERENCE_FIELDS = tuple(each.name for each in fields(Reference))


@dataclass(frozen=True)
class Axis(Generic[Value]):
    """Several values of one thing, with a label for each."""

    name: str
    values: tuple[Value, ...]
    labels: tuple[str, ...]
    facts: tuple[Mapping[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Coupling:
    """What takes its values together, and is one axis: params, `model`, `references` and axes of the prompt.

    Each of the `members` has as many values as there are `labels`; None among them is *not given*. `facts` has,
    for each value, what its row of a table says beside them, by column; it is empty where there are none.
    """

    axis: str
    members: tuple[str, ...]
    labels: tuple[str, ...]
    facts: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class TableSource:
    """Where the prompts of an ask came from: the name of the file, the column, and whether templates in it were
    expanded; None where that was not said."""

    file: str
    column: str = PROMPT_AXIS
    templates: bool | None = None


@dataclass(frozen=True)
class Ask:
    """A prompt and everything that may vary; the module's text has the parts.

    `models` are ids. `references` holds sets of references by label, one set under the empty label where they are
    no axis. `order` names params, axes of the prompt, `model`, `references` and `repeat` in the order in which
    they were written, which makes the order of axes. Where `requests` were given as they are, they stand in the
    place of prompt, models and references; `params` then holds what was added to them. `table` is the file that
    the prompts came from, if they did. `replicates` is how often the very same request is asked.
    """

    prompt: PromptTemplate = NO_PROMPT
    models: tuple[str, ...] = ()
    params: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    repeat: int = 1
    order: tuple[str, ...] = ()
    drawn: tuple[ParamValue, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    coupled: tuple[Coupling, ...] = ()
    table: TableSource | None = None
    replicates: int = 1
    sample: int = 0
    sample_seed: int = 0
    pair_seeds: bool = True
    drawn_by_prompt: Mapping[str, tuple[ParamValue, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Ask:
        """The ask for requests as they are; a single one is an ask without axes, to which values can be added."""
        return cls(requests=tuple(requests)) if len(requests) > 1 else cls.single(requests[0])

    @classmethod
    def single(cls, asked: Request | JobRecord) -> Ask:
        """The ask without axes for one request, or for that of one job."""
        if asked.replicate > 1:
            return cls(requests=(asked if isinstance(asked, Request) else asked.request,))
        params = {key: (value,) for key, value in shared_names(asked.params).items()}
        references = {"": asked.references} if asked.references else {}
        return cls(literal_prompt(asked.prompt), (asked.model,), params, references)

    @property
    def all_drawn(self) -> tuple[ParamValue, ...]:
        """Every seed that was drawn, for all prompts together; empty where none was."""
        apart = (seed for seeds in self.drawn_by_prompt.values() for seed in seeds)
        return self.drawn or tuple(dict.fromkeys(apart))

    @property
    def draws(self) -> bool:
        """Whether any seed was drawn."""
        return bool(self.drawn or self.drawn_by_prompt)

    @property
    def asked_models(self) -> tuple[str, ...]:
        """The ids of all models that are asked."""
        models = self.models or [request.model for request in self.requests]
        return tuple(dict.fromkeys(models))

    @cached_property
    def couplings(self) -> Mapping[str, Coupling]:
        """For each member of a coupled axis, that axis."""
        return {member: each for each in self.coupled for member in each.members}

    def axes(self) -> tuple[Axis[object], ...]:
        """The axes in the order in which they were written."""
        axes: list[Axis[object]] = [
            Axis(key, values, _labels(values)) for key, values in self.params.items() if len(values) > 1
        ]
        axes += [
            Axis(axis.name, axis.options, _labels(axis.options))
            for axis in self.prompt.axes
            if len(axis.options) > 1
        ]
        if len(self.models) > 1:
            axes.append(Axis(MODEL_AXIS, self.models, self.models))
        if len(self.references) > 1:
            axes.append(Axis(REFERENCES_AXIS, tuple(self.references.values()), tuple(self.references)))
        if self.repeat > 1:
            axes.append(Axis(REPEAT_AXIS, tuple(range(self.repeat)), _numbers(self.repeat)))
        if len(self.requests) > 1:
            axes.append(Axis(REQUEST_AXIS, self.requests, _numbers(len(self.requests))))
        if self.replicates > 1:
            axes.append(Axis(REPLICATE_AXIS, tuple(range(self.replicates)), _numbers(self.replicates)))
        rank = {name: place for place, name in enumerate(self.order)}
        for each in self.coupled:
            axes = [axis for axis in axes if axis.name not in each.members]
            axes.append(Axis(each.axis, each.labels, each.labels, each.facts))
            places = [rank[name] for name in (each.axis, *each.members) if name in rank]
            rank[each.axis] = min(places, default=len(self.order))
        # Where nobody said otherwise, the very same stand beside each other.
        rank.setdefault(REPLICATE_AXIS, len(self.order) + 1)
        return tuple(sorted(axes, key=lambda axis: rank.get(axis.name, len(self.order))))

    def to_json(self) -> str:
        """The form in which a run stores it."""
        default, later = Ask(), ("replicates", "sample", "sample_seed", "pair_seeds", "drawn_by_prompt")
        record: dict[str, object] = {
            "version": VERSION,
            "prompt": [
                part if isinstance(part, str) else {"axis": part.name, "options": part.options}
                for part in self.prompt.parts
            ],
            "models": self.models,
            "params": {key: [_plain(value) for value in values] for key, values in self.params.items()},
            "references": {label: _reference_records(each) for label, each in self.references.items()},
            "repeat": self.repeat,
            "drawn": self.drawn,
            "left_out": dict(self.left_out),
            "order": self.order,
            "requests": [_request_record(request) for request in self.requests],
            **{name: getattr(self, name) for name in later if getattr(self, name) != getattr(default, name)},
        }
        if self.coupled:
            record["coupled"] = [asdict(each) for each in self.coupled]
        if self.table is not None:
            record["table"] = asdict(self.table)
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def wording_key(prompt: str) -> str:
    """What a prompt is called where its whole text would be too long: equal for prompts that are the same."""
    return hashlib.sha256(comparable(prompt).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@lru_cache(maxsize=64)
def read_ask(text: str | None) -> Ask | None:
    """The ask that `to_json` wrote; None where there is none that can be read."""
    try:
        record = json.loads(text or "")
        if record["version"] > VERSION:
            return None
        ask = _ask(record)
        ask.axes()
        if not all(_is_whole(ask, each) for each in ask.coupled):
            return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return ask


def label(value: object) -> str:
    """A value as its axis shows it: 7, 7.0 and the text "7" are one, and so are True and the switch's "true"."""
    value = plain_value(value)
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return as_sent(str(value)) or "(nothing)"


def _labels(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(label, values))


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _plain(value: object) -> object:
    """A value as JSON has it; numpy's numbers and fractions are numbers too."""
    value = plain_value(value)
    return float(value) if isinstance(value, Real) and not isinstance(value, (int, float)) else value


def _reference_records(references: Sequence[Reference]) -> list[dict[str, object]]:
    return [asdict(reference) for reference in references]


def _request_record(request: Request) -> dict[str, object]:
    numbered = {"replicate": request.replicate} if request.replicate > 1 else {}
    return {
        "model": request.model,
        "prompt": request.prompt,
        "params": dict(request.params),
        "references": _reference_records(request.references),
        **numbered,
    }


def _ask(record: Mapping[str, Any]) -> Ask:
    parts = [
        part if isinstance(part, str) else PromptAxis(part["axis"], tuple(part["options"]))
        for part in record.get("prompt", ())
    ]
    return Ask(
        prompt=prompt_of(parts),
        models=tuple(record.get("models", ())),
        params={key: tuple(values) for key, values in record.get("params", {}).items()},
        references={label: _references(each) for label, each in record.get("references", {}).items()},
        repeat=record.get("repeat", 1),
        order=tuple(record.get("order", ())),
        drawn=tuple(record.get("drawn", ())),
        left_out={model: tuple(keys) for model, keys in record.get("left_out", {}).items()},
        requests=tuple(_request(each) for each in record.get("requests", ())),
        coupled=tuple(_coupling(each) for each in record.get("coupled", ())),
        table=_table_source(record.get("table")),
        replicates=int(record.get("replicates", 1)),
        sample=int(record.get("sample", 0)),
        sample_seed=int(record.get("sample_seed", 0)),
        pair_seeds=record.get("pair_seeds", True),
        drawn_by_prompt={key: tuple(seeds) for key, seeds in record.get("drawn_by_prompt", {}).items()},
    )


def _table_source(record: Mapping[str, Any] | None) -> TableSource | None:
    if record is None:
        return None
    return TableSource(record["file"], record.get("column", PROMPT_AXIS), record.get("templates"))


def _coupling(record: Mapping[str, Any]) -> Coupling:
    facts = tuple({str(name): str(text) for name, text in row.items()} for row in record.get("facts", ()))
    return Coupling(record["axis"], tuple(record["members"]), tuple(record["labels"]), facts)


def _is_whole(ask: Ask, coupling: Coupling) -> bool:
    """Whether each member has a value for each label."""
    values: dict[str, Sequence[object]] = {axis.name: axis.options for axis in ask.prompt.axes}
    values |= {**ask.params, MODEL_AXIS: ask.models, REFERENCES_AXIS: tuple(ask.references)}
    count = len(coupling.labels)
    return len(coupling.facts) in (0, count) and all(len(values[name]) == count for name in coupling.members)


def _references(records: Sequence[Mapping[str, Any]]) -> tuple[Reference, ...]:
    return tuple(
        Reference(**{name: each[name] for name in _REFERENCE_FIELDS if name in each}) for each in records
    )


def _request(record: Mapping[str, Any]) -> Request:
    return Request(
        record["model"],
        record["prompt"],
        record.get("params", {}),
        _references(record.get("references", ())),
        replicate=record.get("replicate", 1),
    )
