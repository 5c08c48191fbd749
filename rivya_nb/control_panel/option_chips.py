"""The values of a param with options as an axis: a chip for each option, to be switched on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import give_up, make


class OptionChips(traitlets.HasTraits):
    """`value` is the text of all options that are switched on, separated by commas, in the order of the options.

    A text that names something else, such as a variable, stays as it is until a chip is pressed. `widget` is what
    is shown.
    """

    value = traitlets.Unicode()

    def __init__(self, name: str, options: Sequence[str]) -> None:
        super().__init__()
        self._name = name
        self._options = tuple(options)
        self._is_putting = False
        self._label = markup.empty("rivya-options-name")
        self._label.value = markup.quiet_html(name)
        self._other = markup.empty()
        self._box = make(ipywidgets.Box, classes="rivya-options")
        self.widget = make(ipywidgets.VBox, [self._label, self._box, self._other])
        self.observe(self._show, "value")

    @property
    def chips(self) -> Sequence[Any]:
        """The chips, which are made when they are first wanted."""
        if not self._box.children:
            self._box.children = [self._chip(option) for option in self._options]
        return tuple(self._box.children)

    def close(self) -> None:
        give_up(self.widget)

    def _chip(self, option: str) -> Any:
        chip = make(
            ipywidgets.ToggleButton,
            description=option,
            tooltip=f"{self._name} {option}",
            classes="rivya-small rivya-option",
        )
        chip.observe(self._pressed, "value")
        return chip

    def _pressed(self, _: object) -> None:
        if not self._is_putting:
            chosen = [option for option, chip in zip(self._options, self.chips, strict=True) if chip.value]
            self.value = ",".join(chosen)

    def _show(self, _: object) -> None:
        named = [part.strip() for part in self.value.split(",") if part.strip()]
        others = [part for part in named if part not in self._options]
        self._is_putting = True
        try:
            for option, chip in zip(self._options, self.chips, strict=True):
                chip.value = option in named
        finally:
            self._is_putting = False
        self._other.value = markup.quiet_html(f"and {', '.join(others)}" if others else "")
