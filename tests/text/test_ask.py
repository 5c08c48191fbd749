"""What was asked, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy
import pytest

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.planning.ask import Ask, Coupling, TableSource, read_ask
from rivya_nb.planning.prompt import PromptAxis, parse_prompt, prompt_of


def test_an_ask_comes_back_from_its_json() -> None:
    cat = Reference("aa", "image", "image/png", "cat.png", 1, note="turned")
    template = parse_prompt("A {{raw}} {light=dawn|dusk} {x}, {light}", variables=True).bind({"x": ["a", 1]})
    params = {"seed": (1, None), "guidance": (numpy.float32(0.5), True)}
    for ask in (
        Ask(template, (DEFAULT_MODEL,), params, {"": (cat,)}, 2, ("x", "seed"), (5,), {"m": ("seed",)}),
        Ask(requests=(Request("m", "a", {"seed": 1}, (cat,)), Request("m", "b"))),
        Ask(
            prompt_of([PromptAxis("prompt", ("a", "a"))]),
            (DEFAULT_MODEL,),
            {"seed": (1, None)},
            coupled=(Coupling("prompt", ("prompt", "seed"), ("a (1)", "a (2)"), ({"id": "1"}, {})),),
            table=TableSource("bench.csv", "text", True),
        ),
    ):
        again = read_ask(ask.to_json())
        assert again is not None
        assert (again.prompt.parts, again.requests) == (ask.prompt.parts, ask.requests)
        assert replace(again, prompt=ask.prompt) == ask
        extra = {**json.loads(ask.to_json()), "samples": {"seed": "lhs"}}
        assert read_ask(json.dumps(extra)) == again, "a reader ignores what it does not know"


def test_the_stored_form_is_the_one_that_is_written_down() -> None:
    """Stores keep it: what is here must be read for ever."""
    text = (
        '{"version":1,"prompt":["A ",{"axis":"light","options":["dawn","dusk"]}," sky"],'
        '"models":["wan-2-7-image-pro"],"params":{"seed":[1,2],"resolution":["1K"]},'
        '"references":{"":[{"sha256":"aa","kind":"image","mime_type":"image/png","name":"a.png","size":9,'
        '"note":"","url":"","origin":"","duration":null}]},"repeat":1,"drawn":[],"left_out":{},"order":["light","seed"],"requests":[]}'
    )
    ask = read_ask(text)
    assert ask is not None
    assert [axis.labels for axis in ask.axes()] == [("dawn", "dusk"), ("1", "2")]
    assert ask.to_json() == text
    assert read_ask(text.replace(',"duration":null', "")) == ask


def test_parts_that_are_absent_have_their_defaults() -> None:
    assert read_ask('{"version": 1, "prompt": ["A sky"], "models": ["wan-2-7-image-pro"]}') == Ask(
        parse_prompt("A sky", variables=False), (DEFAULT_MODEL,)
    )


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "[]", "{}", "[" * 100_000),
        *('{"version": 2}', '{"version": 1, "params": 7}', '{"version": 1, "repeat": "two"}'),
        '{"version": 1, "params": {"seed": [1, 2]}, "order": [["seed"]]}',
        '{"version": 1, "params": {"seed": [1]}, "coupled": [{"axis": "a", "members": ["seed"], "labels": []}]}',
        '{"version": 1, "coupled": [{"axis": "a", "members": ["nothing"], "labels": ["1"]}]}',
    ],
    ids=lambda text: str(text)[:50],
)
def test_what_cannot_be_read_is_none(text: str | None) -> None:
    assert read_ask(text) is None
