"""The line that says so when the kernel does not answer a click; it carries the panel's style sheet too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from rivya_nb.widgets.late import LateWidget
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.jobs.work_loop import WorkLoop

_FOLDER = Path(__file__).parent


class AnswerWatch(LateWidget):
    """Answers each click twice: when it has arrived, on whatever thread, and when the session's loop has
    turned. `form` is the id of the widget whose changes go ahead of a click on Generate."""

    module = joined(_FOLDER / "answer_watch.js")
    sheet = (_FOLDER / "panel.css").read_text(encoding="utf-8")
    form = traitlets.Unicode().tag(sync=True)

    def __init__(self, work_loop: WorkLoop, **traits: Any) -> None:
        super().__init__(**traits)
        self._work_loop = work_loop
        self.on_msg(self._answer)

    def _answer(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        click = content.get("click")
        if isinstance(click, int):
            view = content.get("view")
            self.send({"received": click, "view": view})
            self._work_loop.loop.call_soon_threadsafe(self.send, {"worked": click, "view": view})
