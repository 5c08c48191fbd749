"""Widgets that answer their front end: it sends a message with an `id`, and gets an answer with the same `id`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rivya_nb.errors import RivyaError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.widgets.late import LateWidget

Answer = tuple[dict[str, Any], list[bytes]]
"""What an answer says, and the bytes that go with it."""


class AnsweringWidget(LateWidget):
    """Answers messages on the loop's thread, which a kernel's socket needs. The answer has `trouble`, the error in
    words, if it failed.

    `keep` shows in the executing cell what stays there of the widget when the kernel is gone.
    """

    def __init__(self, **traits: Any) -> None:
        self.keep: Callable[[], None] | None = None
        self._work_loop = WorkLoop.find()
        super().__init__(**traits)
        self.on_msg(self._take)

    @property
    def _answers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]]:
        """Who answers a message, by its kind."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        if self.keep is not None:
            self.keep()
        # IPython shows the widget itself then.
        raise NotImplementedError

    def _take(self, _widget: object, content: object, _buffers: object) -> None:
        """Handle a message of the front end; it may arrive on any thread."""
        if isinstance(content, dict):
            self._work_loop.start(self._answer(content))

    async def _answer(self, content: Mapping[str, Any]) -> None:
        answer = self._answers.get(str(content.get("kind")))
        if answer is None:
            return
        reply: dict[str, Any] = {"id": content.get("id")}
        buffers: list[bytes] = []
        try:
            more, buffers = await answer(content)
            reply.update(more)
        except RivyaError as error:
            reply["trouble"] = str(error)
        self.send(reply, buffers)
