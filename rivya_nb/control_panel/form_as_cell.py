"""The form as a cell: a button, and the cells that it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.errors import UsageError
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel

NAME = "As a cell"
WAITS = f"{NAME}, as soon as nothing is wrong in the form"
"""The button's name while it can be pressed, and while it cannot."""


class CellsWidget(anywidget.AnyWidget):
    """Shows `cells`, each to be copied; where there is none, that the form has to be right first."""

    _esm = joined(Path(__file__).with_name("form_as_cell.js"))
    cells: traitlets.List[str] = traitlets.List().tag(sync=True)


class FormAsCell:
    """A button that shows the cells which ask for what the form does, and hides them again.

    They follow each plan. Their widget is made when it is first wanted.
    """

    def __init__(self, model: PanelModel) -> None:
        self._model = model
        self._cells: Any = None
        self.button = make(
            ipywidgets.ToggleButton, description=NAME, tooltip=WAITS, disabled=True, classes="rivya-small"
        )
        self.widget = make(ipywidgets.VBox, [self.button], classes="rivya-as-cell")
        # A message of the button may come on any thread.
        self.button.observe(lambda _: model.on_loop(self._draw), "value")
        model.observe(self._draw, "outcome")

    def close(self) -> None:
        """Give the widgets up, also the one that is hidden."""
        if self._cells is not None:
            give_up(self._cells)
        give_up(self.widget)

    def _draw(self, _: object = None) -> None:
        is_open, can_open = bool(self.button.value), self._model.plan is not None
        # What is open can be closed at any time.
        self.button.disabled = not (is_open or can_open)
        self.button.tooltip = NAME if is_open or can_open else WAITS
        if is_open:
            self._write()
        shown = [self.button, *([self._cells] if is_open else [])]
        if self.widget.children != tuple(shown):
            self.widget.children = shown

    def _write(self) -> None:
        if self._cells is None:
            self._cells = make(CellsWidget)
        plan = self._model.plan
        axes = [] if plan is None else [axis.name for axis in plan.expansion.axes]
        try:
            self._cells.cells = (
                []
                if plan is None
                else form_cells(self._model.session, self._model.form, axes, self._model.origins)
            )
        except UsageError:
            # The user types on, and the next plan will tell.
            return
