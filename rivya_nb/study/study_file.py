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
```

`drawn` has the seeds that were drawn for each repeat where no param has them; `[left_out]` has, by model, params
that it is not sent; `[[requests]]` are requests that were given as they are, with the prompt as plain text. What
has its default is left out.

The file has the parts of an ask as a run stores it (`planning/ask.py`), and is made from that form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.values import is_range
from rivya_nb.study.wording import Part, written_prompt

if TYPE_CHECKING:
    from tomlkit.items import AoT, Item, Table

VERSION = 1

NONE = "none"
"""How a value that is not sent is written."""

TEXT = "text"
"""The key of a text that would mean something else if it stood alone."""

FileOf = Callable[[Reference], str]
"""The path of a reference's file as the study file has it."""

_ONE_LINE = 90
_SHORTEST_RANGE = 3

_HEAD = (
    "A study for rivya_nb: rv.read_plan(…) plans what stands here, and nothing is sent before its run().",
    "Edit it with any editor. Several values are an axis; what the history has costs nothing again.",
)


def study_text(ask: Ask, name: str | None, file_of: FileOf) -> str:
    """The study file of an ask."""
    import tomlkit

    prompt, axes = written_prompt(ask.prompt.parts, ())
    record = json.loads(ask.to_json())
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add("study", _table(_study(ask, name, prompt)))
    tables: Mapping[str, Mapping[str, object]] = {
        "axes": {axis: list(options) for axis, options in axes.items()},
        "params": {key: _values(values) for key, values in record["params"].items()},
        "left_out": record["left_out"],
    }
    for key, content in tables.items():
        if content:
            document.add(key, _table(content))
    if SEED_KEY in ask.params and ask.drawn:
        document["params"][SEED_KEY].comment("drawn")
    if ask.references:
        document.add("references", _tables(list(_sets(ask.references, file_of))))
    if ask.requests:
        document.add("requests", _tables([_request(each, file_of) for each in ask.requests]))
    return document.as_string()


def _study(ask: Ask, name: str | None, prompt: str | list[Part]) -> dict[str, object]:
    study: dict[str, object] = {"version": VERSION}
    if name is not None:
        study["name"] = name
    if not ask.requests:
        study["model"] = ask.models[0] if len(ask.models) == 1 else list(ask.models)
        study["prompt"] = (
            prompt
            if isinstance(prompt, str)
            else [part if isinstance(part, str) else {"axis": part.name} for part in prompt]
        )
    if ask.repeat > 1:
        study["repeat"] = ask.repeat
    if ask.drawn and SEED_KEY not in ask.params:
        study["drawn"] = list(ask.drawn)
    axes = {axis.name for axis in ask.axes()}
    if order := [each for each in dict.fromkeys(ask.order) if each in axes]:
        study["order"] = order
    return study


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
    for label, pictures in references.items():
        named: dict[str, object] = {"set": label} if label or len(references) > 1 or not pictures else {}
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
        return listed.multiline(sum(len(item.as_string()) + 2 for item in items) > _ONE_LINE)
    return tomlkit.item(value)
