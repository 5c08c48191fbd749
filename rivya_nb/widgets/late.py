"""Widgets whose front end comes by message: what is saved with a notebook then has nothing of it.

A widget's state is saved with the notebook where the user wants that, and where a tool executes it: with the whole
JavaScript in the state, that was more than a hundred kilobytes for each panel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import anywidget

from rivya_nb.jobs.work_loop import WorkLoop

_KIND = "rivya-front-end"


class LateWidget(anywidget.AnyWidget):
    """Its front end is the ES module `module`, with the style sheet `sheet`. A kernel sends it when the widget is
    made, and again where a page asks that was loaded later. Without a kernel the widget shows nothing."""

    _esm = Path(__file__).with_name("late.js")
    module: ClassVar[str]
    sheet: ClassVar[str] = ""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        if WorkLoop.find().in_kernel:
            # Before anybody asks: a busy kernel would answer late.
            self._hand_over()

    def _hand_over(self) -> None:
        self.send({"kind": _KIND, "name": type(self).__name__, "module": self.module, "sheet": self.sheet})

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Take a message of the front end; it may come on any thread."""
        if isinstance(content, dict) and content.get("kind") == _KIND:
            self._hand_over()
        else:
            super()._handle_custom_msg(content, buffers)
