"""The form's controls, found by their names: what is touched is planned, and what is said stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import ipywidgets
import pytest

import rivya_nb as rv
from rivya_nb.contract.catalogue import Param, bundled
from rivya_nb.contract.request import Request
from rivya_nb.control_panel.controls import ParamControl
from rivya_nb.control_panel.form import Form
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.model import PanelModel
from rivya_nb.errors import InvalidRequestError, Mistake

MODEL = "wan-2-7-image-pro"
FOX = "🦊"


@pytest.fixture
def planned() -> list[FormState]:
    """What stood in the form each time that it was to be planned."""
    return []


@pytest.fixture
def model(session: rv.Session, planned: list[FormState]) -> Iterator[PanelModel]:
    with closing(PanelModel(session, "main")) as made:
        made.observe(lambda change: planned.append(change["new"]), "form")
        yield made


@pytest.fixture
def form(model: PanelModel) -> Iterator[Form]:
    with closing(Form(model)) as made:
        model.put(FormState(prompt="a cat"))
        yield made


def shown(widget: Any) -> Iterator[Any]:
    """Every widget that is not hidden, in its order."""
    if widget.layout.display == "none":
        return
    yield widget
    for child in getattr(widget, "children", ()):
        yield from shown(child)


def named(widget: Any, name: str) -> Any:
    """The one control of that name that is shown."""
    (found,) = [each for each in shown(widget) if getattr(each, "description", "") == name]
    return found


def words(widget: Any) -> str:
    """All text that is shown beside controls, as HTML."""
    return "\n".join(each.value for each in shown(widget) if isinstance(each, ipywidgets.HTML))


def frame(form: Form, control: Any) -> Any:
    """The box around a control, and what is said of it."""
    (found,) = [each for each in shown(form.widget) if control in getattr(each, "children", ())]
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Prompt", "a dog"),
        ("Seed", "1..4"),
        ("Resolution", "1K"),
        ("Watermark", True),
        ("Repeat", 3),
        ("Name", "first cats"),
        ("Credit limit", "900"),
        ("Ask anew", True),
    ],
)
def test_whatever_is_touched_is_planned_anew(
    model: PanelModel, form: Form, planned: list[FormState], name: str, value: object
) -> None:
    before = model.form
    planned.clear()
    named(form.widget, name).value = value
    assert planned
    assert planned[-1] == model.form != before


def param_of(key: str, model: str = MODEL) -> Param:
    param = bundled()[model].param(key)
    assert param is not None
    return param


def test_an_axis_takes_its_values_where_the_one_value_stood() -> None:
    param = param_of("guidance_scale", "seedream-3-0")
    changes: list[bool] = []
    with closing(ParamControl(param)) as control:
        control.observe(lambda change: changes.append(change["new"][1]), "written")
        assert hasattr(named(control.widget, "Guidance scale"), "step")
        named(control.widget, "axis").value = True
        assert named(control.widget, "Guidance scale").value == str(param.default)
        named(control.widget, "axis").value = False
        assert hasattr(named(control.widget, "Guidance scale"), "step")
        assert (changes[0], changes[-1]) == (True, False)


@pytest.mark.parametrize("key", ["aspect_ratio", "watermark"])
def test_an_axis_of_a_param_with_options_is_chips_to_switch_on(key: str) -> None:
    param = param_of(key)
    first, second = (param.options or ())[:2]
    with closing(ParamControl(param)) as control:
        control.put(second)
        named(control.widget, "axis").value = True
        assert control.written == (second, True)
        assert [chip.value for chip in (named(control.widget, first), named(control.widget, second))] == [
            False,
            True,
        ]
        named(control.widget, first).value = True
        assert control.written == (f"{first},{second}", True)
        named(control.widget, second).value = False
        assert control.written == (first, True)


def test_what_no_chip_stands_for_is_kept_and_shown_until_one_is_pressed() -> None:
    with closing(ParamControl(param_of("aspect_ratio"))) as control:
        control.put("{ratios}", several=True)
        assert control.written == ("{ratios}", True)
        assert "and {ratios}" in words(control.widget)
        named(control.widget, "1:1").value = True
        assert control.written == ("1:1", True)
        assert "ratios" not in words(control.widget)
        control.put("16:9, 1:1", several=True)
        assert control.text == "16:9, 1:1"
        assert named(control.widget, "16:9").value


def test_a_control_tells_what_its_param_takes() -> None:
    for param in bundled()[MODEL].params:
        if param.options:
            with closing(ParamControl(param)) as control:
                help_text = named(control.widget, control.widget.children[0].description).tooltip
                assert help_text.startswith(param.key)
                assert all(option in help_text for option in param.options)


def test_a_slider_goes_in_the_steps_of_its_param() -> None:
    param = bundled()["seedream-3-0"].param("guidance_scale")
    assert param is not None
    with closing(ParamControl(param)) as control:
        slider = named(control.widget, "Guidance scale")
        assert (slider.min, slider.max, slider.step) == (param.minimum, param.maximum, param.step or 0.1)


def test_a_seed_that_is_typed_is_locked_and_several_are_counted(model: PanelModel, form: Form) -> None:
    seed = named(form.widget, "Seed")
    assert not named(form.widget, "lock").value
    seed.value = "1..3"
    assert named(form.widget, "lock").value
    model.outcome = rv.plan("a cat", seed=[1, 2, 3])
    assert "axis · 3" in words(form.widget)
    seed.value = ""
    assert not named(form.widget, "lock").value


def test_price_and_rules_are_those_of_the_model(model: PanelModel, form: Form) -> None:
    assert "12 credits each" in words(form.widget)
    assert form.references.strip.rules["taken"]
    model.balance = 1234
    form.model.put(["z-image"])
    assert "12 credits each" not in words(form.widget)
    assert "credit" in words(frame(form, form.model))
    assert "1,234 left" in words(frame(form, form.model))
    assert not form.references.strip.rules["taken"]


def test_a_mistake_of_the_model_stands_at_the_model(model: PanelModel, form: Form) -> None:
    model.outcome = InvalidRequestError([Mistake("model", "it sleeps")])
    assert "✕" in words(frame(form, form.model))
    assert words(form.widget).count("it sleeps") == 1


def test_a_form_that_is_still_empty_shows_no_mistake(model: PanelModel, form: Form) -> None:
    model.put(FormState())
    model.outcome = InvalidRequestError([Mistake("prompt", "there is none yet")])
    assert "✕" not in words(form.widget)


def test_a_prompt_is_counted_as_the_service_counts(model: PanelModel, form: Form) -> None:
    model.put(FormState(prompt=FOX))
    assert "2 / 5,000" in words(form.widget)


def test_settings_that_are_recalled_leave_what_is_not_a_pictures(model: PanelModel, form: Form) -> None:
    model.put(FormState(prompt="a cat", name="study", max_credits=900, rows="seed", cols="prompt"))
    model.recall(Request(MODEL, "a dog", {"seed": 7}, ()))
    now = model.form
    assert (now.prompt, now.params) == ("a dog", {"seed": "7"})
    assert (now.name, now.max_credits, now.rows, now.cols) == ("study", 900, "seed", "prompt")
