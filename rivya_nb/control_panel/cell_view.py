"""The form as a cell: a button, and what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.errors import UsageError
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session

NAME = "As a cell"
WAITS = f"{NAME}, as soon as nothing is wrong in the form"
"""What the button is called while it can be pressed, and while it cannot."""


class CellsWidget(anywidget.AnyWidget):
    """Shows `cells`, each to be copied; where there is none, that the form has to be right first."""

    _esm = joined(Path(__file__).with_name("cell_view.js"))
    cells: traitlets.List[str] = traitlets.List().tag(sync=True)


class CellView:
    """A button that shows the cells which ask for what stands in the form, and hides them again.

    `state` reads the form. What is shown follows it; the widget for it is made when it is first wanted.
    """

    def __init__(self, session: Session, state: Callable[[], FormState]) -> None:
        self._session = session
        self._state = state
        self._plan: Plan | None = None
        self._closed = False
        self._cells: Any = None
        self.button = make(
            ipywidgets.ToggleButton, description=NAME, tooltip=WAITS, disabled=True, classes="rivya-small"
        )
        self.widget = make(ipywidgets.VBox, [self.button], classes="rivya-as-cell")
        # A message of the button may come on any thread.
        self.button.observe(lambda _: session.work_loop.loop.call_soon_threadsafe(self._draw), "value")

    def show(self, plan: Plan | None) -> None:
        """Follow the form, whose plan this is; None where there is none. Called on the session's loop."""
        self._plan = plan
        self._draw()

    def close(self) -> None:
        """Give the widgets up, that too which is hidden."""
        self._closed = True
        if self._cells is not None:
            give_up(self._cells)
        give_up(self.widget)

    def _draw(self) -> None:
        if self._closed:
            return
        is_open, can_open = bool(self.button.value), self._plan is not None
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
        axes = [] if self._plan is None else [axis.name for axis in self._plan.expansion.axes]
        try:
            self._cells.cells = [] if self._plan is None else form_cells(self._session, self._state(), axes)
        except UsageError:
            # Somebody types on, and the next plan will tell.
            return
