"""What a call waits for, shown where the user looks: in the executing cell, or in the terminal."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

from rivya_nb.session.showing.live import NOTHING, in_console, in_notebook, publish, tell
from rivya_nb.session.showing.terminal import write_over, writes_over

if TYPE_CHECKING:
    from rivya_nb.store.persisting import Wait


class WaitLine:
    """A line that is there for as long as a call waits."""

    def __init__(self) -> None:
        self._words = ""
        self._display_id = ""

    def show(self, waiting: Wait | None) -> None:
        """Show this wait; None if it is over. What cannot be shown is waited for all the same."""
        before, self._words = self._words, "" if waiting is None else str(waiting)
        if self._words == before:
            return
        if in_notebook() and not in_console():
            self._publish(is_new=not before)
        elif writes_over(sys.stderr):
            write_over(self._words, sys.stderr)
        elif not before:
            tell(self._words)

    def _publish(self, *, is_new: bool) -> None:
        if is_new:
            self._display_id = f"rivya-{uuid.uuid4().hex}"
        look = NOTHING
        if self._words:
            from rivya_nb.views.run_html import environment

            html = environment().get_template("progress.html").render(words=self._words, percent=None)
            look = {"text/html": html, "text/plain": self._words}
        publish(look, self._display_id, update=not is_new)
