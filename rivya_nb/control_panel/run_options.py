"""What the form says of the run as a whole: how often, anew or not, its name, its limit, and its grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import traitlets

from rivya_nb.contract.text import printable
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.controls import framed
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.labels import title
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.errors import Mistake
from rivya_nb.planning.ask import REPEAT_AXIS

REPLICATES = "replicates"
NAME = "name"
LIMIT = "credit limit"
"""Where a mistake is, if it is in one of these controls."""

MOST_DIGITS = 12
"""Digits of a limit."""


class RunOptions(traitlets.HasTraits):
    """The controls below the params. `written` holds their fields of the form's state."""

    written: traitlets.Dict[str, Any] = traitlets.Dict()

    def __init__(self) -> None:
        super().__init__()
        self.repeat = make(
            ipywidgets.BoundedIntText, description="Repeat", value=1, min=1, max=100, continuous_update=True
        )
        self.replicates = make(
            ipywidgets.BoundedIntText,
            description="Replicates",
            value=1,
            min=1,
            max=100,
            continuous_update=True,
        )
        self.replicates.tooltip = "Ask the very same so many times, its seed included, as --replicates does"
        self.name = make(ipywidgets.Text, description="Name", placeholder="optional")
        self.limit = make(ipywidgets.Text, description="Credit limit", placeholder="500")
        self.fresh = make(ipywidgets.Checkbox, description="Ask anew", indent=False)
        self.fresh.tooltip = "Ask anew also for what the history has, as --fresh does"
        self.rows = AxisChoice("Rows")
        self.cols = AxisChoice("Columns")
        self._beside = {place: markup.empty() for place in (REPEAT_AXIS, REPLICATES, NAME, LIMIT)}
        named = (
            (REPEAT_AXIS, self.repeat),
            (REPLICATES, self.replicates),
            (NAME, self.name),
            (LIMIT, self.limit),
        )
        self._always = (
            *(framed(widget, self._beside[place]) for place, widget in named),
            framed(self.fresh),
        )
        self.widget = make(ipywidgets.Box, self._always, classes="rivya-params")
        for widget in (self.repeat, self.replicates, self.name, self.limit, self.fresh):
            widget.observe(self._note, "value")
        for choice in (self.rows, self.cols):
            choice.observe(self._note, "value")
        self._note()

    def put(self, state: FormState) -> None:
        self.repeat.value = state.repeat
        self.replicates.value = state.replicates
        self.name.value = state.name
        self.limit.value = "" if state.max_credits is None else str(state.max_credits)
        self.fresh.value = state.fresh
        self.rows.put(state.rows)
        self.cols.put(state.cols)

    def _note(self, _: object = None) -> None:
        limit = str(self.limit.value).strip()
        # A number that is far too long cannot be read either.
        most = int(limit) if limit.isdecimal() and len(limit) <= MOST_DIGITS else None
        wrong = f"{printable(limit, 20)!r} is not a whole number from 0 on"
        self.written = {
            "repeat": int(self.repeat.value),
            "replicates": int(self.replicates.value),
            "name": str(self.name.value),
            "max_credits": most,
            "fresh": bool(self.fresh.value),
            "rows": self.rows.value,
            "cols": self.cols.value,
            "unread": (Mistake(LIMIT, wrong),) if limit and most is None else (),
        }

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the controls that a mistake may be in."""
        return tuple(self._beside)

    def show(self, messages: Mapping[str, Sequence[str]]) -> None:
        """Mark what is wrong; `messages` holds what there is to say of each of the `places`."""
        for place, shown in self._beside.items():
            shown.value = markup.mistakes_html(messages[place])

    def offer(self, axes: Sequence[str]) -> None:
        """Offer these axes as rows and columns, where there is something to choose."""
        choices = [choice.offering(axes) for choice in (self.rows, self.cols)] if len(axes) > 1 else []
        if self.widget.children != (*self._always, *choices):
            self.widget.children = (*self._always, *choices)

    def close(self) -> None:
        """Give the widgets up, those too that are not shown now."""
        self.rows.close()
        self.cols.close()
        give_up(self.widget)


class AxisChoice(traitlets.HasTraits):
    """Which axis is the grid's rows, or its columns; `value` is its name, empty where that is left open.

    What was chosen is kept while there is no such axis.
    """

    value = traitlets.Unicode()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._choice: Any = None
        self._widget: Any = None
        self._axes: tuple[str, ...] = ()
        self._offering = False

    def put(self, axis: str) -> None:
        """Choose this axis, as soon as there is one of that name."""
        self.value = axis
        self._show()

    def offering(self, axes: Sequence[str]) -> Any:
        """The widget that offers these axes; it is made when it is first asked for."""
        if self._choice is None:
            self._choice = make(ipywidgets.Dropdown, description=self._name)
            self._choice.observe(self._chosen, "value")
            self._widget = framed(self._choice)
        if self._axes != tuple(axes):
            self._axes = tuple(axes)
            self._show()
        return self._widget

    def close(self) -> None:
        if self._widget is not None:
            give_up(self._widget)

    def _show(self) -> None:
        if self._choice is None:
            return
        self._offering = True
        try:
            self._choice.options = [("as written", ""), *((title(axis), axis) for axis in self._axes)]
            self._choice.value = self.value if self.value in self._axes else ""
        finally:
            self._offering = False

    def _chosen(self, _: object) -> None:
        if not self._offering:
            self.value = str(self._choice.value)
