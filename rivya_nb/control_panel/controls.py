"""A control for one param of a model, made from its record alone, with a switch that makes it an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.params import range_words
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.labels import title
from rivya_nb.control_panel.making import give_up, make, show
from rivya_nb.control_panel.option_chips import OptionChips
from rivya_nb.planning.values import is_free_text

_SWITCH = {"true", "false"}
_MOST_STEPS = 1000
"""Values of a param that a slider still tells apart."""


class ParamControl(traitlets.HasTraits):
    """One param: its value as text, or several. Without text nothing is sent, and the service's default holds.

    `widget` is what is shown. `written` is the text, and whether the param is an axis; who observes it is told on
    whatever thread a widget's message comes.
    """

    written: tuple[str, bool] = traitlets.Tuple(("", False))  # type: ignore[assignment]

    def __init__(self, param: Param) -> None:
        super().__init__()
        self.param = param
        self._exact = ""
        self._single = _single_control(param)
        self._list = _list_control(param)
        self._axis = make(
            ipywidgets.ToggleButton,
            description="axis",
            tooltip=f"Several values of {title(param.key)}",
            classes="rivya-axis",
        )
        self._mistakes = markup.empty()
        self._shown_list = self._list.widget if isinstance(self._list, OptionChips) else self._list
        self.widget = framed(self._single, self._shown_list, self._axis, self._mistakes)
        self._show_one()
        for control in (self._single, self._list):
            control.observe(self._note, "value")
            if not isinstance(control, OptionChips):
                control.tooltip = _help(param)
        self._axis.observe(self._switch, "value")

    @property
    def several(self) -> bool:
        return bool(self._axis.value)

    @property
    def text(self) -> str:
        """The text, as on the magic's line; empty where the default holds."""
        if self.several:
            return str(self._list.value)
        written = _as_text(self._single.value)
        return self._exact if written in ("", _as_text(self.param.default)) else written

    def put(self, text: str, several: bool = False, exact: bool = False) -> None:
        """Show this value; what the control cannot show is left out.

        A default is not sent, unless it is `exact` and the user changes nothing: it was sent before, and without
        it this would be another request.
        """
        if several:
            self._list.value = text
        else:
            _put(self._single, self.param, text)
        self._axis.value = several
        self._exact = text if exact and not several and text == _as_text(self.param.default) else ""
        self._show_one()
        self.written = (self.text, self.several)

    def show(self, mistakes: Sequence[str], count: int) -> None:
        """Show what is wrong with it, and how many values it has as an axis."""
        self._mistakes.value = markup.mistakes_html(mistakes)
        self._axis.description = f"axis · {count}" if self.several and count > 1 else "axis"

    def close(self) -> None:
        give_up(self.widget)

    def _note(self, _: object) -> None:
        self._exact = ""
        self.written = (self.text, self.several)

    def _switch(self, _: object) -> None:
        if self.several and not self._list.value:
            self._list.value = _as_text(self._single.value) or _as_text(self.param.default)
        self._show_one()
        self.written = (self.text, self.several)

    def _show_one(self) -> None:
        show(self._single, not self.several)
        show(self._shown_list, self.several)


def framed(*widgets: Any, classes: str = "") -> Any:
    """A box around a control and what is said of it."""
    return make(ipywidgets.VBox, widgets, classes=f"rivya-control {classes}")


def _single_control(param: Param) -> Any:
    name = title(param.key)
    if param.options is not None:
        if set(param.options) == _SWITCH and param.default is not None:
            return make(ipywidgets.Checkbox, description=name, value=param.default == "true", indent=False)
        unset = "not sent" if param.default is None else f"{param.default} (default)"
        options = [(option, option) for option in param.options if option != param.default]
        return make(ipywidgets.Dropdown, description=name, options=[(unset, ""), *options], value="")
    if _has_slider(param):
        whole = param.step == 1 or (param.step is None and isinstance(param.default, int))
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        return make(
            kind,
            description=name,
            value=param.default,
            min=param.minimum,
            max=param.maximum,
            step=param.step or (1 if whole else 0.1),
        )
    if param.type == "number" or param.key == SEED_KEY:
        return make(ipywidgets.Text, description=name, placeholder=_hint(param))
    return make(ipywidgets.Textarea, description=name, rows=2, placeholder=_hint(param))


def _list_control(param: Param) -> Any:
    name = title(param.key)
    if param.options is not None:
        return OptionChips(name, param.options)
    if is_free_text(param):
        return make(ipywidgets.Textarea, description=name, rows=3, placeholder="one on each line")
    return make(ipywidgets.Text, description=name, placeholder="1..4")


def _has_slider(param: Param) -> bool:
    if param.type != "number" or param.minimum is None or param.maximum is None or param.key == SEED_KEY:
        return False
    steps = (param.maximum - param.minimum) / (param.step or 1)
    return isinstance(param.default, (int, float)) and steps <= _MOST_STEPS


def _help(param: Param) -> str:
    """What the service calls it, what it takes, and what holds where nothing is sent."""
    words = [param.key]
    if param.options is not None:
        words.append(", ".join(param.options))
    elif param.type == "number":
        words.append(range_words(param))
    if param.default is not None:
        words.append(f"{param.default} where nothing is sent")
    return " · ".join(words)


def _hint(param: Param) -> str:
    if param.default is not None:
        return f"{param.default} (default)"
    return range_words(param) if param.type == "number" else "not sent"


def _put(control: Any, param: Param, text: str) -> None:
    """Set a control to a text; what it cannot hold becomes the default."""
    wanted = "" if text == _as_text(param.default) else text
    if isinstance(control, ipywidgets.Checkbox):
        control.value = (wanted or str(param.default)) == "true"
    elif isinstance(control, ipywidgets.Dropdown):
        control.value = wanted if wanted in (param.options or ()) else ""
    elif isinstance(control, (ipywidgets.IntSlider, ipywidgets.FloatSlider)):
        try:
            number = float(wanted or str(param.default))
        except ValueError:
            number = float(param.default or 0)
        control.value = type(control.value)(number)
    else:
        control.value = wanted


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
