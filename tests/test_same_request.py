"""Prompts that look the same are bought once, whichever way they come in; against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.plan import Plan

TIMEOUT = 60
IMAGEN = "google-imagen4"
PLAIN = "A bottle,\n  blue caf\u00e9 in dawn\n\nand a cup"
SAME = "\ufeff A bottle, \u00a0\r\n  blue cafe\u0301 in dawn\r\t\r\nand a cup\u2028\n"
PARAMS = {"seed": "1", "resolution": "1K"}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[rv.Session]:
    with (
        running_sandbox() as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as session,
    ):
        yield session


def by_cell(session: rv.Session, body: str, **namespace: object) -> Plan:
    return plan_cell(session, parse_line("seed=1 resolution=1K"), body, namespace)


WAYS: dict[str, Callable[[rv.Session], Plan]] = {
    "python": lambda session: rv.plan(SAME, seed=1, resolution="1K"),
    "a cell's body": lambda session: by_cell(session, SAME),
    "a variable": lambda session: by_cell(session, "A bottle,\r\n{what}", what=SAME.split("\r\n", 1)[1]),
    "the panel": lambda session: plan_form(session, FormState(prompt=SAME, params=PARAMS), {}),
    "a request": lambda session: rv.plan(
        rv.Request("wan-2-7-image-pro", SAME, {"seed": 1, "resolution": "1K"})
    ),
    "a list": lambda session: session.run(1)[0].vary([SAME, PLAIN]),
    "options": lambda session: by_cell(session, SAME.replace("dawn", "{light=dawn}")),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_looks_the_same_is_not_bought_again(session: rv.Session, way: str) -> None:
    first = rv.generate(PLAIN, seed=1, resolution="1K").wait(TIMEOUT)
    plan = WAYS[way](session)
    assert plan.credits == 0
    assert [job.id for job in plan.run().wait(TIMEOUT)] == [first[0].id]


def test_what_is_sent_shows_its_text_as_it_was_given(session: rv.Session) -> None:
    run = rv.generate(SAME, seed=1, resolution="1K").wait(TIMEOUT)
    sent = "A bottle,\n  blue cafe\u0301 in dawn\n\nand a cup"
    assert json.loads(run[0].record.body or "")["prompt"] == run[0].prompt == sent
    (path,) = run.save(session.store.folder / "copies")
    assert rv.recall(path).prompt == sent
    assert (rv.plan(PLAIN, seed=1, resolution="1K").credits, rv.plan(rv.recall(path)).credits) == (0, 0)


def test_texts_of_params_are_compared_in_the_same_way(session: rv.Session) -> None:
    first = rv.generate(PLAIN, model=IMAGEN, seed=1, negative_prompt="dogs\ncaf\u00e9").wait(TIMEOUT)
    assert first.credits > 0
    again = rv.plan(
        SAME, model=IMAGEN, seed=" 1", negative_prompt=["\ufeffdogs \r\ncafe\u0301", "dogs\ncaf\u00e9"]
    )
    assert (len(again), again.credits) == (1, 0)


def test_two_options_that_look_the_same_are_one(session: rv.Session) -> None:
    looks = ["red\r\nand caf\u00e9", "red\nand cafe\u0301", "blue"]
    plan = by_cell(session, "A {look} bottle", look=looks)
    assert [axis.labels for axis in plan.expansion.axes] == [("red\nand caf\u00e9", "blue")]
    assert plan.credits == 24
    with pytest.raises(rv.InvalidRequestError, match=r"has the option .* twice"):
        by_cell(session, "A {look=red\r\ncup|red\ncup} bottle")


def test_an_axis_of_prompts_is_known_by_how_they_look(session: rv.Session) -> None:
    run = rv.generate("A {look=red \r\ncup|blue\r\ncup} in dawn", seed=1, resolution="1K").wait(TIMEOUT)
    assert rv.plan("A {look=red\ncup|blue\ncup} in dawn", seed=1, resolution="1K").credits == 0
    more = run.extend(look=["blue\r\ncup\ufeff", "green\rcup"])
    assert more.credits == 12
    assert [job.prompt for job in more.run().wait(TIMEOUT)][-1] == "A green\ncup in dawn"


def test_a_run_with_a_picture_of_another_spelling_is_one_of_one_prompt(session: rv.Session) -> None:
    first = rv.generate("A caf\u00e9", seed=1, resolution="1K").wait(TIMEOUT)
    run = rv.generate("A cafe\u0301", seed=[1, 2], resolution="1K").wait(TIMEOUT)
    assert [job.prompt for job in run] == ["A caf\u00e9", "A cafe\u0301"]
    assert run[0].id == first[0].id
    assert run.extend(seed=3).credits == 12
    assert "more prompt" not in run.text()
    grid = rv.history().grid(rows="prompt", cols="seed")
    assert [axis.labels for axis in grid._run.axes] == [("A caf\u00e9",), ("1", "2")]
