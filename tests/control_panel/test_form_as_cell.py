"""The button that shows the form as a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from control_panel.conftest import ASKED, until

from rivya_nb.contract.catalogue import bundled
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.panel import Panel

CELL = "%%rivya seed=1..2 resolution=1K\na glass bottle"


def shown(panel: Panel) -> list[str] | None:
    """The cells that are shown, None while they are hidden."""
    _, *views = panel.form.cell.widget.children
    return views[0].cells if views else None


def pressed(panel: Panel) -> Any:
    button = panel.form.cell.button
    until(lambda: not button.disabled)
    button.value = not button.value
    return button


def test_it_waits_for_what_generate_waits_for(opened: Callable[..., Panel]) -> None:
    panel = opened()
    button = panel.form.cell.button
    until(lambda: "prompt" in panel.reason)
    assert button.disabled
    assert button.tooltip == "As a cell, as soon as nothing is wrong in the form"
    panel.model.put(ASKED)
    until(lambda: not button.disabled)
    assert button.tooltip == button.description == "As a cell"


def test_it_shows_what_stands_in_the_form_until_it_is_pressed_again(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(ASKED)
    assert shown(panel) is None
    button = pressed(panel)
    until(lambda: shown(panel) == [CELL])
    panel.model.put(replace(ASKED, repeat=1, name="bottles", cols="model"))
    until(lambda: shown(panel) == [CELL.replace("1K", "1K --name bottles")])
    panel.model.put(replace(ASKED, prompt="a {green|blue} bottle", cols="seed"))
    until(lambda: shown(panel) == ["%%rivya seed=1..2 resolution=1K --cols seed\na {green|blue} bottle"])
    button.value = False
    until(lambda: shown(panel) is None)


def test_a_mistake_takes_the_cell_away_and_not_the_way_back(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(ASKED)
    button = pressed(panel)
    until(lambda: shown(panel) == [CELL])
    panel.model.put(replace(ASKED, prompt="a {glass"))
    until(lambda: shown(panel) == ["%%rivya seed=1..2 resolution=1K\na {glass"])
    panel.model.put(replace(ASKED, prompt="a {subject}"))
    until(lambda: shown(panel) == [])
    assert not button.disabled
    button.value = False
    until(lambda: shown(panel) is None and button.disabled)


def test_a_plan_that_is_too_dear_still_has_its_cell(opened: Callable[..., Panel]) -> None:
    panel = opened()
    panel.model.put(replace(ASKED, max_credits=1))
    until(lambda: "credit limit" in panel.reason)
    pressed(panel)
    until(lambda: shown(panel) == [CELL.replace("1K", "1K --max-credits 1")])


def test_several_cells_are_shown_apart(opened: Callable[..., Panel]) -> None:
    panel = opened()
    assert bundled()["ideogram-v3"].param("negative_prompt")
    panel.model.put(
        FormState(("ideogram-v3",), "a cat", {"negative_prompt": "rain\nfog"}, frozenset({"negative_prompt"}))
    )
    pressed(panel)
    until(lambda: [cell.split()[0] for cell in shown(panel) or []] == ["rivya_negative_prompt", "%%rivya"])
