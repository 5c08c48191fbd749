"""What stands in a form: as a plan and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rivya_nb as rv
from rivya_nb.contract.references import Reference
from rivya_nb.control_panel.form_state import FormState, labelled, plan_form

PNG = "image/png"
REFERENCE = Reference("ab" * 32, "image", PNG, "cat.png", 12)

states = st.builds(
    FormState,
    models=st.sampled_from([("wan-2-7-image-pro",), ("wan-2-7-image-pro", "seedream-3-0")]),
    prompt=st.text(),
    params=st.dictionaries(st.text(), st.text()),
    name=st.text(),
    max_credits=st.none() | st.integers(),
    fresh=st.booleans(),
)


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
    state = FormState(("ideogram-v3",), "a cat", {"negative_prompt": "dogs, cars"})
    assert plan_form(session, state, {}).requests[0].params["negative_prompt"] == "dogs, cars"
    several = FormState(
        ("ideogram-v3",), "a cat", {"negative_prompt": "dogs, cars\nrain"}, frozenset({"negative_prompt"})
    )
    assert [request.params["negative_prompt"] for request in plan_form(session, several, {}).requests] == [
        "dogs, cars", "rain"
    ]  # fmt: skip


def test_free_text_that_looks_like_a_variable_is_text(session: rv.Session) -> None:
    state = FormState(("ideogram-v3",), "a cat", {"negative_prompt": "{dogs}"})
    asked = plan_form(session, state, {}).requests
    assert asked[0].params["negative_prompt"] == "{dogs}"


def test_the_notebooks_variables_go_into_the_prompt(session: rv.Session) -> None:
    plan = plan_form(
        session, FormState(prompt="a {subject}", params={"seed": "1"}), {"subject": ["cat", "dog"]}
    )
    assert [request.prompt for request in plan.requests] == ["a cat", "a dog"]


def test_the_notebooks_variables_are_values_of_a_param(session: rv.Session) -> None:
    state = FormState(prompt="a cat", params={"seed": "{ seeds }", "resolution": "{size}"})
    plan = plan_form(session, state, {"seeds": range(3), "size": "1K"})
    assert [dict(request.params) for request in plan.requests] == [
        {"seed": seed, "resolution": "1K"} for seed in range(3)
    ]
    with pytest.raises(rv.InvalidRequestError, match="no variable of this notebook; did you mean"):
        plan_form(session, state, {"seeds_": 1, "size": "1K"})


def test_several_models_and_sets_of_references_are_axes(session: rv.Session) -> None:
    kept = [session.store.files.put(data, PNG) for data in (b"red", b"blue")]
    red, blue = (Reference(sha256, "image", PNG, "cat.png", 12) for sha256 in kept)
    state = FormState(
        models=("wan-2-7-image-pro", "gpt-image-2"),
        prompt="a cat",
        references=((red,), (blue,), (red, blue), ()),
    )
    plan = plan_form(session, state, {})
    assert [(axis.name, axis.labels) for axis in plan.expansion.axes] == [
        ("model", ("wan-2-7-image-pro", "gpt-image-2")),
        ("references", ("cat.png", "cat.png (2)", "cat.png + cat.png", "without")),
    ]
    assert plan.requests[6].references == (red, blue)
    assert plan.requests[7].references == ()


def test_one_set_of_references_is_no_axis_and_an_empty_one_is_none() -> None:
    assert labelled(((REFERENCE,),)) == {"": (REFERENCE,)}
    assert labelled(()) == labelled(((),)) == {}


def test_what_the_history_has_is_asked_anew_where_that_is_wanted(session: rv.Session) -> None:
    state = FormState(prompt="a cat", params={"seed": "7", "resolution": "1K"})
    plan_form(session, state, {}).run().wait(60)
    assert plan_form(session, state, {}).credits == 0
    assert plan_form(session, replace(state, fresh=True), {}).credits == 12


@pytest.mark.parametrize(
    ("rows", "cols", "wanted"),
    [
        ("prompt", "", ("prompt", "seed")),
        ("", "seed", ("resolution", "seed")),
        ("prompt", "prompt", ("prompt", "seed")),
        ("no such", "resolution", ("seed", "resolution")),
    ],
)
def test_axes_are_rows_and_columns_as_chosen_as_far_as_there_are(
    session: rv.Session, rows: str, cols: str, wanted: tuple[str, str]
) -> None:
    state = FormState(
        prompt="a {cat|dog}",
        params={"seed": "1..2", "resolution": "1K,2K"},
        several=frozenset({"resolution"}),
        rows=rows,
        cols=cols,
    )
    layout = plan_form(session, state, {}).layout()
    assert (layout.row_axis, layout.column_axis) == wanted


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
    sets = ((REFERENCE,), (), (REFERENCE, REFERENCE))
    given = replace(
        state,
        several=frozenset({"seed"}),
        references=sets,
        repeat=3,
        replicates=2,
        max_credits=9,
        rows="seed",
        cols="model",
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
    assert all(state.models)
    assert state.models
    assert min(state.repeat, state.replicates) >= 1


def test_a_picture_asks_for_itself_again(session: rv.Session, tmp_path: Path) -> None:
    request = rv.plan("a {{brace}}", seed=7, resolution="1K").requests[0]
    assert request.prompt == "a {brace}"
    assert plan_form(session, FormState.of_request(request), {}).requests == (request,)


def test_a_picture_of_a_canary_asks_for_one_picture() -> None:
    request = rv.Request("wan-2-7-image-pro", "A bottle", {"seed": 7}, replicate=1_795_894_299)
    assert FormState.of_request(request).replicates == 1
    assert FormState.of_request(rv.Request("wan-2-7-image-pro", "A bottle", replicate=3)).replicates == 3
