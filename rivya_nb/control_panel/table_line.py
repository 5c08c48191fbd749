"""A line below the prompt's field while its wordings come from a table: its name, and the way to take it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from rivya_nb.contract.text import printable
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.making import give_up, make

_NAME_LENGTH = 60


class TableLine:
    """Shows the table at the path `value` as the last child of a box, and nothing where it is empty.

    `changed` is called once the user has taken it out.
    """

    def __init__(self, box: Any, changed: Callable[[], None]) -> None:
        self.value = ""
        self.button: Any = None
        self._box = box
        self._changed = changed

    @property
    def text(self) -> str:
        """What is shown, as HTML; empty where there is no table."""
        return str(self._box.children[-1].children[0].value) if self.value else ""

    def put(self, path: str) -> None:
        """Show this table, or none."""
        if path == self.value:
            return
        shown, self.value = self.value, ""
        if shown:
            *rest, line = self._box.children
            self._box.children = tuple(rest)
            give_up(line)
        if path:
            self._box.children = (*self._box.children, self._line(path))
            # Other threads read the text: it is there before the value is.
            self.value = path

    def _line(self, path: str) -> Any:
        name = printable(Path(path).name, _NAME_LENGTH)
        text = markup.empty("rivya-told")
        text.value = markup.quiet_html(f"Prompts of {name}; {{prompt}} stands for the wording of a row")
        self.button = make(ipywidgets.Button, description="Remove the table", classes="rivya-small")
        self.button.on_click(self._remove)
        return make(ipywidgets.HBox, [text, self.button], classes="rivya-recalled")

    def _remove(self, _: object) -> None:
        self.put("")
        self._changed()
