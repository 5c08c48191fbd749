"""The form's widgets, driven as their messages would drive them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

import rivya_nb as rv
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import shared_name
from rivya_nb.control_panel.controls import ParamControl
from rivya_nb.control_panel.form import Form
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.control_panel.labels import title
from rivya_nb.control_panel.model import PanelModel
from rivya_nb.control_panel.seed import UNSET, SeedControl
from rivya_nb.errors import InvalidRequestError, Mistake

MODELS = [model.id for model in bundled().values() if model.can_run]


@pytest.fixture
def model(session: rv.Session) -> Iterator[PanelModel]:
    with closing(PanelModel(session, "main")) as made:
        yield made


@pytest.fixture
def form(model: PanelModel) -> Iterator[Form]:
    with closing(Form(model)) as made:
        model.put(FormState(prompt="a cat"))
        yield made


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_control_for_each_param_and_sends_none_by_default(
    session: rv.Session, model: PanelModel, form: Form, name: str
) -> None:
    form.model.put([name])
    record = bundled()[name]
    keys = [shared_name(key) for key in record.param_keys]
    labels = [title(key) for key in sorted(keys, key=lambda key: key != "seed")]
    assert [name for name in _names(form.widget) if name in labels] == labels
    assert model.form.params == {}
    sent = plan_form(session, model.form, {}).requests[0].params
    assert set(sent) <= {"seed", "seeds", *(param.key for param in record.params if param.required)}


def test_another_model_keeps_the_values_that_still_apply(model: PanelModel, form: Form) -> None:
    model.put(FormState(prompt="a cat", params={"seed": "7", "aspect_ratio": "21:9", "resolution": "1K"}))
    form.model.put(["gpt-image-2"])
    assert model.form.params == {}  # 1K is its default, it has no seed, and does not know that ratio
    form.model.put(["wan-2-7-image-pro"])
    assert model.form.params == {"seed": "7", "aspect_ratio": "21:9", "resolution": "1K"}


def test_settings_that_are_put_in_count_more_than_what_another_model_had(
    model: PanelModel, form: Form
) -> None:
    asked = FormState(prompt="a cat", params={"seed": "7", "aspect_ratio": "21:9"})
    model.put(asked)
    other = replace(asked, models=("z-image",), params={"aspect_ratio": "16:9"})
    model.put(other)
    assert model.form == other
    model.put(asked)
    assert model.form == asked


@pytest.mark.parametrize("name", MODELS)
def test_a_default_that_a_picture_was_asked_for_with_is_asked_for_again(
    session: rv.Session, model: PanelModel, form: Form, name: str
) -> None:
    params = {param.key: str(param.default) for param in bundled()[name].params if param.default is not None}
    asked = FormState(models=(name,), prompt="a cat", params=params)
    (request,) = plan_form(session, asked, {}).requests
    model.recall(request)
    (again,) = plan_form(session, model.form, {}).requests
    assert again.identity == request.identity  # or it would be bought a second time


def test_a_default_that_is_chosen_in_the_form_is_not_sent() -> None:
    param = bundled()["wan-2-7-image-pro"].param("aspect_ratio")
    assert param is not None
    control = ParamControl(param)
    control.put("1:1", False, True)
    assert control.text == "1:1"
    control._single.value = "16:9"
    control._single.value = ""
    assert control.text == ""


def test_several_models_share_the_params_that_all_of_them_take(
    session: rv.Session, model: PanelModel, form: Form
) -> None:
    model.put(FormState(prompt="a cat", params={"seed": "7", "aspect_ratio": "21:9", "resolution": "1K"}))
    form.model.put(["wan-2-7-image-pro", "gpt-image-2"])
    shown = [
        name for name in _names(form.widget) if name in ("Seed", "Aspect ratio", "Resolution", "Watermark")
    ]
    assert shown == ["Aspect ratio", "Resolution"]  # only one of them has a seed or a watermark
    assert model.form.params == {"resolution": "1K"}  # only one of them knows 21:9; 1K is the default of one
    asked = plan_form(session, model.form, {}).requests
    assert [request.model for request in asked] == ["wan-2-7-image-pro", "gpt-image-2"]
    assert any("3 to 12 credits each" in widget.value for widget in _htmls(form.widget))
    form.model.put(["wan-2-7-image-pro"])
    assert model.form.params == {"seed": "7", "aspect_ratio": "21:9", "resolution": "1K"}


def test_rows_and_columns_are_chosen_where_there_are_two_axes(
    session: rv.Session, model: PanelModel, form: Form
) -> None:
    def planned(state: FormState) -> list[str]:
        model.put(state)
        model.outcome = plan_form(session, model.form, {})
        return [name for name in _names(form.widget) if name in ("Rows", "Columns")]

    two = FormState(prompt="a {cat|dog}", params={"seed": "1..2"}, several=frozenset({"seed"}))
    assert planned(FormState(prompt="a {cat|dog}", params={"seed": "1"})) == []
    assert planned(two) == ["Rows", "Columns"]
    form.options.rows._choice.value = "prompt"
    assert model.form.rows == "prompt"
    assert planned(replace(model.form, prompt="a cat")) == []
    assert planned(replace(two, rows=model.form.rows)) == ["Rows", "Columns"]
    assert form.options.rows._choice.value == "prompt"


def test_a_value_that_was_taken_away_does_not_come_back_with_another_model(
    model: PanelModel, form: Form
) -> None:
    model.put(FormState(prompt="a cat", params={"seed": "7", "aspect_ratio": "21:9"}))
    for control in form.params.controls.values():
        control.put("", False)
    form.model.put(["gpt-image-2"])
    form.model.put(["wan-2-7-image-pro"])
    assert model.form.params == {}


@pytest.mark.parametrize(
    ("text", "wrong"), [("1,000", True), ("-5", True), ("9" * 5000, True), ("", False), ("40", False)]
)
def test_a_credit_limit_that_is_no_number_is_never_ignored(
    session: rv.Session, model: PanelModel, form: Form, text: str, wrong: bool
) -> None:
    form.options.limit.value = text
    if not wrong:
        plan_form(session, model.form, {})
        return
    with pytest.raises(rv.InvalidRequestError, match="whole number") as caught:
        plan_form(session, model.form, {})
    model.outcome = caught.value
    assert [widget.value for widget in _htmls(form.options.widget) if "✕" in widget.value]


def test_a_mistake_stands_at_its_control_and_nowhere_else(model: PanelModel, form: Form) -> None:
    wrong = [Mistake("aspect_ratio", "no <b>such</b> ratio"), Mistake("", "the account is empty")]
    model.outcome = InvalidRequestError(wrong)
    texts = [widget.value for widget in _htmls(form.widget) if "✕" in widget.value]
    assert len(texts) == 2
    assert "no &lt;b&gt;such&lt;/b&gt; ratio" in texts[0]
    assert "the account is empty" in texts[1]


def test_a_balance_that_cannot_be_asked_for_is_told_as_not_known(model: PanelModel, form: Form) -> None:
    assert not any("not known" in widget.value for widget in _htmls(form.widget))
    model.balance_asked = True
    assert any("balance not known" in widget.value for widget in _htmls(form.widget))


def test_the_prompt_is_counted_against_the_models_limit(model: PanelModel, form: Form) -> None:
    model.put(FormState(prompt="1234567"))
    assert any("7 / 5,000" in widget.value for widget in _htmls(form.widget))


def test_a_param_becomes_an_axis_in_place() -> None:
    param = bundled()["wan-2-7-image-pro"].param("aspect_ratio")
    assert param is not None
    control = ParamControl(param)
    control.put("16:9", False)
    control._axis.value = True
    assert (control.text, control.several) == ("16:9", True)
    control.show((), 3)
    assert control._axis.description == "axis · 3"


def test_a_param_that_is_an_axis_for_a_while_keeps_its_value_and_its_list() -> None:
    param = bundled()["wan-2-7-image-pro"].param("aspect_ratio")
    assert param is not None
    control = ParamControl(param)
    control.put("16:9", False)
    control._axis.value = True
    control._list.value = "16:9, 1:1"
    control._axis.value = False
    assert (control.text, control.several) == ("16:9", False)
    control._axis.value = True
    assert (control.text, control.several) == ("16:9, 1:1", True)


@pytest.mark.parametrize(("text", "kept"), [("2.5", ""), ("9", "9"), ("abc", ""), ("", "")])
def test_a_slider_shows_what_it_can_and_sends_nothing_where_that_is_the_default(text: str, kept: str) -> None:
    param = bundled()["seedream-3-0"].param("guidance_scale")
    assert param is not None
    control = ParamControl(param)
    control.put(text, False)
    assert control.text == kept


def test_the_die_rolls_a_seed_within_the_models_bounds_and_locks_it() -> None:
    control = _seed_control()
    control._die.click()
    assert 0 <= int(control.text) <= 2147483647
    control.used([5])
    assert control.text


def test_an_unlocked_seed_is_drawn_anew_for_each_run_and_the_last_is_told() -> None:
    control = _seed_control()
    control.put("7", False)
    control._lock.value = False
    control.used([7])
    assert control.text == ""
    assert "last 7" in control._field.placeholder
    control.used([])  # by a run whose seed was written
    assert control._field.placeholder == UNSET


@pytest.mark.parametrize(
    ("seed", "around"),
    [
        ("7", "5..9"),
        ("1", "0..3"),
        ("2147483647", "2147483645..2147483647"),
        ("9999999999", "2147483645..2147483647"),
        ("5..9", "5..9"),
    ],
)
def test_seeds_vary_around_one(seed: str, around: str) -> None:
    control = _seed_control()
    control.put(seed, False)
    control._around.click()
    assert control.text == around
    assert control.several


@pytest.mark.parametrize("text", ["{seeds}", "none", "abc"])
def test_what_is_no_seed_is_left_as_it_is_where_seeds_vary(text: str) -> None:
    control = _seed_control()
    control.put(text, False)
    control._around.click()
    assert control.text == text


def test_a_params_key_reads_as_a_label() -> None:
    assert [title(key) for key in ("aspect_ratio", "aspectRatio", "seed")] == [
        "Aspect ratio",
        "Aspect ratio",
        "Seed",
    ]


def _seed_control() -> SeedControl:
    param = bundled()["wan-2-7-image-pro"].param("seed")
    assert param is not None
    return SeedControl(param)


def _htmls(widget: Any) -> list[Any]:
    found = [widget] if hasattr(widget, "value") and type(widget).__name__ == "HTML" else []
    return found + [each for child in getattr(widget, "children", ()) for each in _htmls(child)]


def _names(widget: Any) -> list[str]:
    """The names of the controls that are shown, in their order."""
    if getattr(widget.layout, "display", None) == "none":
        return []
    own = [widget.description] if getattr(widget, "description", "") else []
    return own + [each for child in getattr(widget, "children", ()) for each in _names(child)]
