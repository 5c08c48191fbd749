"""What stands in a form: as a plan, as a cell, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rivya_nb as rv
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.references import Reference
from rivya_nb.control_panel.form_state import FormState, form_cell, plan_form
from rivya_nb.magics.cell import plan_cell
from rivya_nb.magics.line import parse_line

PNG = "image/png"
REFERENCE = Reference("ab" * 32, "image", PNG, "cat.png", 12)

states = st.builds(
    FormState,
    model=st.sampled_from(["wan-2-7-image-pro", "ideogram-v3", "z-image"]),
    prompt=st.sampled_from(
        ["a cat", "a {dawn|dusk} sky", "{{braces}} {light=a|b}", 'ein „Haus“ "x"', "แมว 猫"]
    ),
    params=st.fixed_dictionaries({"seed": st.sampled_from(["", "7", "1..3", "1, 5", "none"])}),
    repeat=st.just(1),
    name=st.sampled_from(["", "two words", 'a "quote"']),
    max_credits=st.sampled_from([None, 40]),
)


def requests_of_the_cell(session: rv.Session, cell: str) -> tuple[rv.Request, ...]:
    line, _, body = cell.partition("\n")
    return plan_cell(session, parse_line(line.removeprefix("%%rivya")), body, {}).requests


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(states)
def test_a_form_asks_for_what_the_cell_asks_that_it_is_written_as(
    session: rv.Session, state: FormState
) -> None:
    seeded = bundled()[state.model].param("seed") is not None
    params = state.params if seeded and state.params["seed"] else {}
    several = frozenset({"seed"} if "," in params.get("seed", "") or ".." in params.get("seed", "") else ())
    state = FormState(state.model, state.prompt, params, several, (), 1, state.name, state.max_credits)
    asked = plan_form(session, state, {}).requests
    again = requests_of_the_cell(session, form_cell(state, bundled()[state.model], {}))
    drawn = "seed" not in params and seeded
    assert [request.prompt for request in asked] == [request.prompt for request in again]
    if not drawn:
        assert asked == again


def test_several_values_of_any_param_are_axes_in_the_order_of_the_form(session: rv.Session) -> None:
    state = FormState(
        prompt="a {dawn|dusk} sky",
        params={"seed": "1..2", "aspect_ratio": "1:1, 16:9", "resolution": "1K"},
        several=frozenset({"seed", "aspect_ratio"}),
    )
    plan = plan_form(session, state, {})
    assert [(axis.name, len(axis)) for axis in plan.expansion.axes] == [
        ("seed", 2), ("aspect_ratio", 2), ("prompt", 2)
    ]  # fmt: skip
    assert plan.credits == 8 * 12


def test_free_text_is_never_split_at_its_commas(session: rv.Session) -> None:
    state = FormState("ideogram-v3", "a cat", {"negative_prompt": "dogs, cars"})
    assert plan_form(session, state, {}).requests[0].params["negative_prompt"] == "dogs, cars"
    several = FormState(
        "ideogram-v3", "a cat", {"negative_prompt": "dogs, cars\nrain"}, frozenset({"negative_prompt"})
    )
    assert [request.params["negative_prompt"] for request in plan_form(session, several, {}).requests] == [
        "dogs, cars", "rain"
    ]  # fmt: skip


def test_the_notebooks_variables_go_into_the_prompt(session: rv.Session) -> None:
    plan = plan_form(
        session, FormState(prompt="a {subject}", params={"seed": "1"}), {"subject": ["cat", "dog"]}
    )
    assert [request.prompt for request in plan.requests] == ["a cat", "a dog"]


def test_all_mistakes_are_told_at_once_each_with_its_place(session: rv.Session) -> None:
    state = FormState(prompt="a {subjekt}", params={"seed": "-1", "resolution": "8K", "aspect_ratio": "1..2"})
    with pytest.raises(rv.InvalidRequestError) as caught:
        plan_form(session, state, {"subject": "cat"})
    places = [mistake.where for mistake in caught.value.mistakes]
    assert set(places) >= {"prompt", "seed", "resolution", "aspect_ratio"}
    assert any("subject" in mistake.message for mistake in caught.value.mistakes)


def test_an_empty_prompt_is_no_prompt(session: rv.Session) -> None:
    with pytest.raises(rv.InvalidRequestError) as caught:
        plan_form(session, FormState(), {})
    assert [mistake.where for mistake in caught.value.mistakes] == ["prompt"]


@given(states)
def test_a_state_survives_as_json(state: FormState) -> None:
    given = FormState(
        state.model, state.prompt, state.params, frozenset({"seed"}), (REFERENCE,), 3, state.name, 9
    )
    assert FormState.from_json(given.as_json()) == given


anything = (
    st.none()
    | st.integers()
    | st.text()
    | st.lists(st.integers())
    | st.dictionaries(st.text(), st.integers())
)


@given(st.dictionaries(st.sampled_from(list(FormState().as_json())), anything))
def test_whatever_was_kept_a_form_comes_of_it(record: Mapping[str, Any]) -> None:
    state = FormState.from_json(record)
    assert state.model
    assert state.repeat >= 1


def test_a_picture_asks_for_itself_again(session: rv.Session, tmp_path: Path) -> None:
    request = rv.plan("a {{brace}}", seed=7, resolution="1K").requests[0]
    assert request.prompt == "a {brace}"
    assert plan_form(session, FormState.of_request(request), {}).requests == (request,)
