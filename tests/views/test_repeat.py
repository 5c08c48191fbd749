"""From records back to the cell that asked."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.references import Reference
from rivya_nb.planning.line import parse_line
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.values import parse_values
from rivya_nb.planning.words import Text
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.headline import headline
from rivya_nb.views.repeat import cell_text, job_cell, requests_json
from views.making import BOTTLE, DONE_STATES, bottles, make_job, make_run, make_view


def lights(
    template: str, options: tuple[str, ...], axis: str = "light"
) -> tuple[RunRecord, dict[str, JobRecord]]:
    jobs = [
        make_job(f"j{index}", prompt=template.replace("@", option)) for index, option in enumerate(options)
    ]
    return make_run({axis: options}, jobs)


def test_params_and_their_axes_stand_on_the_line() -> None:
    assert cell_text(*bottles(DONE_STATES)) == (
        f"%%rivya seed=1..4 aspect_ratio=1:1,16:9,3:4 resolution=1K\n{BOTTLE}"
    )


@pytest.mark.parametrize(
    ("axis", "written"),
    [("light", "A bottle at {light=dawn|dusk}, {{raw}}"), ("prompt", "A bottle at {dawn|dusk}, {{raw}}")],
)
def test_the_prompts_axis_returns_into_the_prompt(axis: str, written: str) -> None:
    run, jobs = lights("A bottle at @, {raw}", ("dawn", "dusk"), axis)
    assert cell_text(run, jobs) == f"%%rivya\n{written}"


def test_an_option_that_also_occurs_elsewhere_is_put_where_it_belongs() -> None:
    run, jobs = lights("a cat at @", ("a", "an a"))
    assert cell_text(run, jobs) == "%%rivya\na cat at {light=a|an a}"


def test_another_model_and_repeats_are_flags() -> None:
    jobs = [make_job(name, model="z-image") for name in "ab"]
    assert cell_text(*make_run({"repeat": "12"}, jobs)) == f"%%rivya --model z-image --repeat 2\n{BOTTLE}"


@pytest.mark.parametrize(
    ("axes", "jobs"),
    [
        ({}, [make_job("a", params={"negative_prompt": "two words"})]),
        ({"x": "12"}, [make_job("a", prompt="one"), make_job("b", prompt="two")]),
        ({"seed": "12"}, [make_job("a", params={"seed": 1}), make_job("b", params={"seed": 3})]),
        ({"x": ("a|b", "c")}, [make_job("a", prompt="so a|b"), make_job("b", prompt="so c")]),
        ({}, [make_job("a", prompt="seems \u202eesrever")]),
        ({}, [make_job("a", references=(Reference("00", "image", "image/png", "cat.png", 9),))]),
    ],
    ids=["spaces", "lost template", "labels that lie", "braces", "turned around", "references"],
)
def test_a_cell_that_might_ask_for_something_else_is_not_offered(
    axes: dict[str, tuple[str, ...]], jobs: list[JobRecord]
) -> None:
    assert cell_text(*make_run(axes, jobs)) is None


CAT = Reference("00", "image", "image/png", "cat.png", 9)
LINK = Reference("01", "image", "", "dog.png", 0, url="https://example.com/dog.png")


def in_store(reference: Reference) -> Path:
    return Path("/my store") / f"{reference.sha256}.png"


def test_one_job_has_a_cell_with_its_references_as_files_of_the_store() -> None:
    job = make_job(
        "a",
        prompt="A {braced} bottle\n\nat dawn",
        model="z-image",
        params={"seed": 7, "negative_prompt": 'two "words"', "aspect_ratio": "16:9", "style": "none"},
        references=(CAT, LINK),
    )
    assert job_cell(job, in_store) == (
        '%%rivya seed=7 negative_prompt="two ""words""" aspect_ratio=16:9 style="none" --model z-image '
        '--ref "/my store/00.png" --ref https://example.com/dog.png\n'
        "A {{braced}} bottle\n\nat dawn"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {"negative_prompt": "two\nlines"}},
        {"prompt": "seems \u202eesrever {a|b}"},
        {"prompt": "a snake\n>>> import this"},
        {"params": {"negative_prompt": "seems \u202eesrever"}, "references": (CAT,)},
    ],
    ids=["lines", "prompt", "shell", "param"],
)
def test_what_no_cell_can_say_becomes_python_that_asks_for_the_same(changes: dict[str, Any]) -> None:
    job = make_job("a", **changes)
    text = job_cell(job, in_store)
    assert "\u202e" not in text
    call = ast.parse(text).body[-1].value.func.value  # type: ignore[attr-defined]
    given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    prompt = parse_prompt(ast.literal_eval(call.args[0]), variables=False)
    assert (prompt.axes, prompt.render({})) == ((), job.prompt)
    assert given["params"] == job.params
    assert given.get("references", []) == [str(in_store(ref)) for ref in job.references]


@settings(max_examples=150)
@given(st.text("ab {}|=\n\"'\\%?é", min_size=1, max_size=40), st.text("ab {}|=,.\"'\\%“-", max_size=20))
def test_any_prompt_and_param_come_back_from_the_cell(prompt: str, value: str) -> None:
    job = make_job("a", prompt=prompt.strip(), params={"negative_prompt": value})
    first, _, body = job_cell(job, in_store).partition("\n")
    assume(first.startswith("%%rivya"))
    line = parse_line(first.removeprefix("%%rivya"))
    assert parse_prompt(body, variables=True).render({}) == job.prompt
    ((_, read),) = line.params
    assert isinstance(read, Text)
    param = Param("negative_prompt", "text", required=False, default=None)
    assert parse_values(read.text, param, quoted=read.quoted) == (value,)


def test_the_requests_as_json_name_everything_that_is_sent() -> None:
    cat = Reference("00ff", "image", "image/png", "cat.png", 9)
    run, jobs = make_run({}, [make_job("a", prompt="แสงเช้า", params={"seed": 1}, references=(cat,))])
    assert json.loads(requests_json(run, jobs)) == [
        {
            "model": "wan-2-7-image-pro",
            "prompt": "แสงเช้า",
            "params": {"seed": 1},
            "references": [{"name": "cat.png", "sha256": "00ff"}],
        }
    ]


def test_characters_that_turn_text_around_are_shown_by_number() -> None:
    text = requests_json(*make_run({}, [make_job("a", prompt="seems \u202eesrever")]))
    assert "\\u202e" in text
    assert json.loads(text)[0]["prompt"] == "seems \u202eesrever"


def test_the_headline_shows_the_prompt_with_its_options() -> None:
    run, jobs = lights("A bottle at @", ("dawn", "dusk"))
    head = headline(make_view(replace(run, name="glass"), jobs))
    assert head.prompt == "A bottle at {dawn|dusk}"
    assert head.facts == "wan-2-7-image-pro · run 41, glass"


def test_an_axis_of_long_prompts_is_counted() -> None:
    prompts = [f"A glass bottle on a soft studio background, {light} light" * 2 for light in ("dawn", "dusk")]
    jobs = [make_job(name, prompt=prompt) for name, prompt in zip("ab", prompts, strict=True)]
    run, made = make_run({"prompt": prompts}, jobs)
    assert headline(make_view(run, made)).prompt == f"{prompts[0]} (and 1 more prompt)"


def test_prompts_without_a_template_are_counted() -> None:
    run, jobs = make_run({"x": "12"}, [make_job("a", prompt="one"), make_job("b", prompt="two")])
    assert headline(make_view(run, jobs)).prompt == "one (and 1 more prompt)"


def test_pictures_of_several_runs_have_no_run_to_name() -> None:
    run, jobs = make_run({"": ("#1", "#2")}, [make_job("a"), make_job("b")], id=0, name="history")
    assert headline(make_view(run, jobs)).facts == "wan-2-7-image-pro · history"
