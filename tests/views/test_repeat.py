"""What was asked, as the cell that asks for it again."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Param
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.line import parse_line
from rivya_nb.planning.prompt import parse_prompt
from rivya_nb.planning.values import parse_values
from rivya_nb.planning.words import Text
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.headline import headline
from rivya_nb.views.repeat import cell_text, job_cell, requests_json
from views.making import BOTTLE, DONE_STATES, asked, bottles, make_job, make_run, make_view

CAT = Reference("00", "image", "image/png", "cat.png", 9)
LINK = Reference("01", "image", "", "dog.png", 0, url="https://example.com/dog.png")


def cell(prompt: str = BOTTLE, **parts: Any) -> str | None:
    return cell_text(*make_run({}, [make_job("a")], **asked(prompt, **parts)))


def lights(
    prompt: str, options: tuple[str, ...], axis: str = "light"
) -> tuple[RunRecord, dict[str, JobRecord]]:
    """A run of this prompt, which has one axis."""
    template = parse_prompt(prompt, variables=False)
    jobs = [make_job(option, prompt=template.render({axis: at})) for at, option in enumerate(options)]
    return make_run({axis: options}, jobs, **asked(prompt))


def test_params_and_their_axes_stand_on_the_line() -> None:
    assert cell_text(*bottles(DONE_STATES)) == (
        f"%%rivya seed=1..4 aspect_ratio=1:1,16:9,3:4 resolution=1K\n{BOTTLE}"
    )


@pytest.mark.parametrize(
    "written",
    [
        "A bottle at {light=dawn|dusk}, {{raw}}",
        "A bottle at {dawn|dusk}, {{raw}}",
        "a cat at {light=a|an a}",
        "{x=one|two} and {x}, {a|b} or {c|d}",
        "{prompt=a|b} or {prompt}",
        "{a|{{b}}}",
    ],
)
def test_the_prompts_axes_return_into_the_prompt(written: str) -> None:
    text = cell(written)
    assert text is not None
    line, _, body = text.partition("\n")
    assert line == "%%rivya"
    back, first = (parse_prompt(each, variables=True) for each in (body, written))
    assert back.parts == first.parts
    if "|{{" not in written and "or" not in written:
        assert body == written


def test_what_a_variable_held_is_text_in_the_cell() -> None:
    held = {"subject": "a {braced} cat", "light": ["dawn|dusk", "noon"], "one": ["only"]}
    template = parse_prompt("{subject} at {one}", variables=True).bind(held)
    made = make_run({}, [make_job("a")], ask=Ask(template, (DEFAULT_MODEL,)).to_json())
    assert cell_text(*made) == "%%rivya\na {{braced}} cat at only"
    template = parse_prompt("{light}", variables=True).bind(held)
    made = make_run({}, [make_job("a")], ask=Ask(template, (DEFAULT_MODEL,)).to_json())
    assert cell_text(*made) is None, "no option can hold a bar"


def test_the_words_stand_in_the_order_of_the_ask() -> None:
    words = {"models": ("z-image", DEFAULT_MODEL), "repeat": 2, "aspect_ratio": ["1:1", "16:9"]}
    written = cell(**words, order=("repeat", "model", "aspect_ratio"))  # type: ignore[arg-type]
    assert written == f"%%rivya --repeat 2 --model z-image,{DEFAULT_MODEL} aspect_ratio=1:1,16:9\n{BOTTLE}"


@pytest.mark.parametrize(
    ("params", "written"),
    [
        ({"seed": [3, 4, 5]}, "seed=3..5"),
        ({"seed": [3, 5]}, "seed=3,5"),
        ({"seed": [3, 4, 2_147_483_647]}, "seed=3,4,2147483647"),
        ({"seed": None}, "seed=none"),
        ({"resolution": None}, ""),
        ({"aspect_ratio": [None, "16:9"]}, "aspect_ratio=none,16:9"),
        ({"guidance": [1.0, 2.5]}, "guidance=1,2.5"),
        ({"negative_prompt": 'two "words"'}, 'negative_prompt="two ""words"""'),
        ({"negative_prompt": "none"}, 'negative_prompt="none"'),
        (
            {"models": ("google-imagen4",), "negative_prompt": 7.0},
            "negative_prompt=7.0 --model google-imagen4",
        ),
    ],
)
def test_values_are_written_as_the_line_reads_them(params: dict[str, Any], written: str) -> None:
    assert cell(**params) == f"%%rivya {written}".rstrip() + f"\n{BOTTLE}"


def test_a_reference_that_is_an_address_is_named() -> None:
    assert cell(references={"": (LINK,)}) == f"%%rivya --ref https://example.com/dog.png\n{BOTTLE}"


@pytest.mark.parametrize(
    "parts",
    [
        {"models": ("ideogram-v3",), "negative_prompt": ["one", "two"]},
        {"prompt": "seems \u202eesrever"},
        {"references": {"": (Reference("00", "image", "image/png", "cat.png", 9),)}},
        {"references": {"a": (), "b": ()}},
        {"models": (DEFAULT_MODEL, "nano-banana"), "drawn": (1, 2), "repeat": 2},
        {"pair_seeds": False, "drawn_by_prompt": {"a": (1,)}},
        {"models": (DEFAULT_MODEL, "nano-banana"), "seed": 1, "left_out": {"nano-banana": ("seed",)}},
        {"models": (), "requests": (Request(DEFAULT_MODEL, "a"), Request(DEFAULT_MODEL, "b"))},
    ],
    ids=[
        "free texts",
        "turned around",
        "references",
        "sets",
        "seeds by repeat",
        "seeds by prompt",
        "left out",
        "requests",
    ],
)
def test_a_cell_that_might_ask_for_something_else_is_not_offered(parts: dict[str, Any]) -> None:
    assert cell(**parts) is None


def test_of_pictures_that_no_run_asked_for_a_single_one_has_a_cell() -> None:
    jobs = [make_job(name, params={"seed": seed}) for seed, name in enumerate("ab")]
    assert cell_text(*make_run({"": ("a",)}, jobs[:1], id=0)) == f"%%rivya seed=0\n{BOTTLE}"
    assert cell_text(*make_run({"": ("a", "b")}, jobs, id=0)) is None


def test_a_sample_and_replicates_return_to_the_line() -> None:
    written = cell(seed=[1, 2], replicates=3, sample=1, sample_seed=4)
    assert written == f"%%rivya seed=1,2 --replicates 3 --sample 1 --sample-seed 4\n{BOTTLE}"
    line = parse_line(written.partition("\n")[0].removeprefix("%%rivya "))
    assert (line.replicates, line.sample, line.sample_seed) == (3, 1, 4)


def test_a_replicate_has_a_cell_with_those_before_it() -> None:
    job = make_job("a", params={"seed": 7}, replicate=2)
    assert job_cell(job, in_store) == f"%%rivya seed=7 --replicates 2\n{BOTTLE}"
    assert cell_text(*make_run({"": ("a",)}, [job], id=0)) == f"%%rivya seed=7 --replicates 2\n{BOTTLE}"
    several = job_cell(make_job("a", params={"negative_prompt": "two\nlines"}, replicate=2), in_store)
    assert "    replicates=2" in several
    assert json.loads(requests_json(*make_run({"": ("a",)}, [job])))[0]["replicate"] == 2


def test_a_picture_of_a_canary_has_a_cell_without_its_number() -> None:
    job = make_job("a", params={"seed": 7}, replicate=1_795_894_299)
    assert job_cell(job, in_store) == f"%%rivya seed=7\n{BOTTLE}"
    assert cell_text(*make_run({"": ("a",)}, [job], id=0)) == f"%%rivya seed=7\n{BOTTLE}"
    several = job_cell(
        make_job("a", params={"negative_prompt": "two\nlines"}, replicate=1_795_894_299), in_store
    )
    assert "replicates" not in several


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
    run, jobs = lights("A bottle at {light=dawn|dusk}", ("dawn", "dusk"))
    head = headline(make_view(replace(run, name="glass"), jobs))
    assert head.prompt == "A bottle at {dawn|dusk}"
    assert head.facts == "wan-2-7-image-pro · run 41, glass"


def test_an_axis_of_long_prompts_is_counted() -> None:
    prompts = [f"A glass bottle on a soft studio background, {light} light" * 2 for light in ("dawn", "dusk")]
    jobs = [make_job(name, prompt=prompt) for name, prompt in zip("ab", prompts, strict=True)]
    run, made = make_run({"prompt": prompts}, jobs, **asked(f"{{{'|'.join(prompts)}}}"))
    assert headline(make_view(run, made)).prompt == f"{prompts[0]} (and 1 more prompt)"


def test_prompts_without_a_template_are_counted() -> None:
    run, jobs = make_run({"x": "12"}, [make_job("a", prompt="one"), make_job("b", prompt="two")])
    assert headline(make_view(run, jobs)).prompt == "one (and 1 more prompt)"


def test_pictures_of_several_runs_have_no_run_to_name() -> None:
    run, jobs = make_run({"": ("#1", "#2")}, [make_job("a"), make_job("b")], id=0, name="history")
    assert headline(make_view(run, jobs)).facts == "wan-2-7-image-pro · history"
