"""A study file: what was asked, as TOML that a person reads and edits.

```
[study]
version = 1
name = "bottles"
model = "wan-2-7-image-pro"                        several are a list, and an axis
prompt = "A bottle in {light} light, {dawn|dusk}"  as in a cell; a list of parts where no text can say it
repeat = 2
order = ["light", "seed"]                          the axes in their order

[axes]                                             what stands in the prompt for a name: plain texts
light = ["soft", "hard"]

[params]                                           several values are a list or a range, and an axis
seed = "1..4"
resolution = "1K"
negative_prompt = "none"                           not sent; the text itself is {text = "none"}

[[references]]                                     `set` names one of several sets, which are an axis
file = "cat.png"                                   in the folder of the study file, or below it
sha256 = "…"                                       the content, by which the store knows the picture

[[coupled]]                                        what takes its values together, as one axis: the rows of a table
axis = "prompt"
rows = [
    {prompt = "a fox", seed = 3, facts = {category = "animals"}},
]
```

`replicates`, `sample`, `sample_seed` and `pair_seeds` stand in `[study]` as they are given in Python. `[seeds]`
has the seeds that were drawn for each prompt, by its wording. `table` names the file that the rows came from. In
the place of rows, `prompts = "drawbench.csv"` reads them from that file, with `prompt_column` and `templates`;
`prompts_sha256` holds the file to what it was.

`drawn` has the seeds that were drawn for each repeat where no param has them; `[left_out]` has, by model, params
that it is not sent; `[[requests]]` are requests that were given as they are, with the prompt as plain text. What
has its default is left out.

The file has the parts of an ask as a run stores it (`planning/ask.py`), and is made from that form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.contract.text import listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    Ask,
    Coupling,
    TableSource,
    label,
    wording_key,
)
from rivya_nb.planning.places import wordings
from rivya_nb.planning.table_roles import row_labels
from rivya_nb.planning.values import is_range
from rivya_nb.study.wording import Part, written_prompt

if TYPE_CHECKING:
    from tomlkit.items import AoT, Item, Table

VERSION = 1

NONE = "none"
"""How a value that is not sent is written."""

TEXT = "text"
"""The key of a text that would mean something else if it stood alone."""

LARGEST = 8_000_000
"""Bytes of a study file."""

FileOf = Callable[[Reference], str]
"""The path of a reference's file as the study file has it."""

FACTS = "facts"
LABEL = "label"
"""What a row has beside its values."""

COUNTS = ("replicates", "sample", "sample_seed")
"""Whole numbers that stand in `[study]` as an ask has them."""

_ONE_LINE = 90
_SHORTEST_RANGE = 3

_HEAD = (
    "A study for rivya_nb: rv.read_plan(…) plans what stands here, and nothing is sent before its run().",
    "Edit it with any editor. Several values are an axis; what the history has costs nothing again.",
)


def study_text(ask: Ask, name: str | None, file_of: FileOf) -> str:
    """The study file of an ask.

    Raises:
        UsageError: what is coupled is called as a row's own parts are.
    """
    import tomlkit

    prompt, axes = written_prompt(ask.prompt.parts, ask.couplings)
    record = json.loads(ask.to_json())
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add("study", _table(_study(ask, name, prompt)))
    tables: Mapping[str, Mapping[str, object]] = {
        "axes": {axis: list(options) for axis, options in axes.items() if axis not in ask.couplings},
        "params": {
            key: _values(values) for key, values in record["params"].items() if key not in ask.couplings
        },
        "seeds": dict(_seeds(ask)),
        "left_out": record["left_out"],
    }
    for key, content in tables.items():
        if content:
            document.add(key, _table(content))
    if ask.drawn and not _draws_apart(ask):
        document["params"][SEED_KEY].comment("drawn")
    if ask.references:
        document.add("references", _tables(list(_sets(ask.references, file_of))))
    if ask.coupled:
        document.add("coupled", _tables([_coupling(ask, each, record["params"]) for each in ask.coupled]))
    if ask.requests:
        document.add("requests", _tables([_request(each, file_of) for each in ask.requests]))
    return document.as_string()


def _study(ask: Ask, name: str | None, prompt: str | list[Part]) -> dict[str, object]:
    study: dict[str, object] = {"version": VERSION}
    if name is not None:
        study["name"] = name
    if not ask.requests:
        if MODEL_AXIS not in ask.couplings:
            study["model"] = ask.models[0] if len(ask.models) == 1 else list(ask.models)
        study["prompt"] = (
            prompt
            if isinstance(prompt, str)
            else [part if isinstance(part, str) else {"axis": part.name} for part in prompt]
        )
    if ask.repeat > 1:
        study["repeat"] = ask.repeat
    default = Ask()
    study.update(
        {name: getattr(ask, name) for name in COUNTS if getattr(ask, name) != getattr(default, name)}
    )
    if not ask.pair_seeds:
        study["pair_seeds"] = False
    if _draws_apart(ask):
        study["drawn"] = list(ask.drawn)
    if order := ordered(ask):
        study["order"] = order
    if ask.table is not None:
        told = {key: value for key, value in asdict(ask.table).items() if value is not None}
        study["table"] = ask.table.file if ask.table == TableSource(ask.table.file) else told
    return study


def ordered(ask: Ask) -> list[str]:
    """What of the order of an ask says anything: its axes, and what belongs to a coupled one."""
    known = {*(axis.name for axis in ask.axes()), *ask.couplings}
    return [each for each in dict.fromkeys(ask.order) if each in known]


def _draws_apart(ask: Ask) -> bool:
    """Whether the drawn seeds do not stand among the params."""
    return bool(ask.drawn) and (SEED_KEY not in ask.params or SEED_KEY in ask.couplings)


def _seeds(ask: Ask) -> Iterator[tuple[str, list[object]]]:
    """The seeds of each prompt that were drawn for it alone, by its wording."""
    for prompt in wordings(ask) if ask.drawn_by_prompt else ():
        if seeds := ask.drawn_by_prompt.get(wording_key(prompt)):
            yield prompt, list(seeds)


def _coupling(ask: Ask, coupling: Coupling, params: Mapping[str, Sequence[object]]) -> dict[str, object]:
    if strange := {FACTS, LABEL} & set(coupling.members):
        message = "what is coupled cannot have this name in a study file; rename it"
        raise UsageError([Mistake(name, message) for name in sorted(strange)])
    members = member_values(ask, coupling.members, params)
    derived = derived_labels(members, coupling.facts)
    rows = []
    for at, text in enumerate(coupling.labels):
        # The first row names all members; what is not given is left out of the others.
        row = {
            name: _value(values[at]) for name, values in members.items() if at == 0 or values[at] is not None
        }
        if text != derived[at]:
            row[LABEL] = text
        if coupling.facts and (at == 0 or coupling.facts[at]):
            row[FACTS] = dict(coupling.facts[at])
        rows.append(row)
    return {"axis": coupling.axis, "rows": rows}


def member_values(
    ask: Ask, members: Sequence[str], params: Mapping[str, Sequence[object]]
) -> dict[str, Sequence[object]]:
    """The values of what is coupled, by name; sets of references are their labels."""
    known: dict[str, Sequence[object]] = {axis.name: axis.options for axis in ask.prompt.axes}
    known |= {**params, MODEL_AXIS: ask.models, REFERENCES_AXIS: tuple(ask.references)}
    return {name: known[name] for name in members}


def derived_labels(
    members: Mapping[str, Sequence[object]], facts: Sequence[Mapping[str, str]]
) -> Sequence[str]:
    """The labels that rows have where none is written."""
    if PROMPT_AXIS not in members:
        return [listing(map(label, row)) for row in zip(*members.values(), strict=True)]
    others = {name: values for name, values in members.items() if name != PROMPT_AXIS}
    return row_labels([str(each) for each in members[PROMPT_AXIS]], others, facts)


def _values(values: Sequence[object]) -> object:
    if len(values) == 1:
        return _value(values[0])
    numbers = [value for value in values if type(value) is int]
    if len(numbers) == len(values) >= _SHORTEST_RANGE and numbers[0] >= 0:
        counted = range(numbers[0], numbers[0] + len(numbers))
        if numbers == list(counted):
            return f"{counted[0]}..{counted[-1]}"
    return [_value(value) for value in values]


def _value(value: object) -> object:
    if value is None:
        return NONE
    is_special = isinstance(value, str) and (value.casefold() == NONE or is_range(value))
    return {TEXT: value} if is_special else value


def _sets(references: Mapping[str, Sequence[Reference]], file_of: FileOf) -> Iterator[dict[str, object]]:
    """References one by one, with the name of their set where it has one; an empty set has no file."""
    for name, pictures in references.items():
        named: dict[str, object] = {"set": name} if name or len(references) > 1 or not pictures else {}
        yield from ({**named, **_reference(each, file_of)} for each in pictures)
        if not pictures:
            yield named


def _reference(reference: Reference, file_of: FileOf) -> dict[str, object]:
    if reference.url:
        return {"url": reference.url}
    return {"file": file_of(reference), "sha256": reference.sha256}


def _request(request: Request, file_of: FileOf) -> dict[str, object]:
    told: dict[str, object] = {"model": request.model, "prompt": request.prompt}
    if request.params:
        told["params"] = {key: _value(value) for key, value in request.params.items()}
    if request.references:
        told["references"] = [_reference(each, file_of) for each in request.references]
    if request.replicate > 1:
        told["replicate"] = request.replicate
    return told


# TOML


def _table(content: Mapping[str, object]) -> Table:
    import tomlkit

    table = tomlkit.table()
    for key, value in content.items():
        table.add(key, _item(value))
    return table


def _tables(contents: Sequence[Mapping[str, object]]) -> AoT:
    import tomlkit

    tables = tomlkit.aot()
    for content in contents:
        tables.append(_table(content))
    return tables


def _item(value: object) -> Item:
    import tomlkit

    if isinstance(value, str):
        is_plain = all(char == "\n" or (ord(char) >= 32 and ord(char) != 127) for char in value)
        return tomlkit.string(value, multiline=is_plain and "\n" in value)
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update({key: _item(each) for key, each in value.items()})
        return inline
    if isinstance(value, Sequence):
        listed = tomlkit.array()
        items: list[Any] = [_item(each) for each in value]
        listed.extend(items)
        rows = len(items) > 1 and isinstance(value[0], Mapping)
        return listed.multiline(rows or sum(len(item.as_string()) + 2 for item in items) > _ONE_LINE)
    return tomlkit.item(value)
