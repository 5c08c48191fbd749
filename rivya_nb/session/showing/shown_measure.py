"""One number on each picture of a grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.contract.text import listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.views.measures import figure_hint, figures
from rivya_nb.views.run_view import Hint

if TYPE_CHECKING:
    from rivya_nb.session.showing.measures import Ground, Measurements
    from rivya_nb.views.run_view import RunView


class ShownMeasure:
    """One number of each picture of a grid, which has pictures that come later, too."""

    def __init__(self, first: Measurements) -> None:
        self._last = first
        names = list(first.by_cell)
        if len(names) != 1:
            raise UsageError([Mistake("measure", f"a grid shows one number; choose one of {listing(names)}")])
        (self.name,) = names

    def on(self, view: RunView, ground: Ground) -> RunView:
        """The view with a figure on each picture. What is not measured yet is measured, which takes long."""
        if ground.pictured != self._last.ground.pictured:
            self._last = self._last.on(ground)
        values = self._last.by_cell[self.name]
        hint = Hint("", f"{self.name}: {figure_hint(values)}")
        troubles = [Hint("", text) for text in self._last.troubles]
        return replace(view, figures=figures(self.name, values), hints=(*view.hints, hint, *troubles))
