"""A line over the form, once something was recalled: what that has replaced, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import make, show

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel


class RecallLine:
    """Shows the last recall of a panel's model, and a button that puts back what it has replaced."""

    def __init__(self, model: PanelModel) -> None:
        self._model = model
        self._text = markup.empty("rivya-told")
        self.button = make(ipywidgets.Button, classes="rivya-small")
        self.button.on_click(lambda _: model.on_loop(model.exchange_recalled))
        self.widget = make(ipywidgets.HBox, [self._text, self.button], classes="rivya-recalled")
        model.observe(self._show, "recalled")
        self._show()

    @property
    def text(self) -> str:
        """What was replaced, as HTML; empty where nothing was recalled."""
        return str(self._text.value)

    def _show(self, _: object = None) -> None:
        recalled = self._model.recalled
        self._text.value = markup.quiet_html(recalled.text if recalled else "")
        self.button.description = self.button.tooltip = recalled.button if recalled else ""
        show(self.widget, recalled is not None)
