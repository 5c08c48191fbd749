"""What a call waits for, shown where the user looks: in the executing cell, or in the terminal."""

from __future__ import annotations

import shutil
import sys
import uuid

from rivya_nb.session.showing.live import NOTHING, in_notebook, publish, tell


class WaitLine:
    """A line that is there for as long as a call waits."""

    def __init__(self) -> None:
        self._words = ""
        self._display_id = ""

    def show(self, waiting: str | None) -> None:
        """Show this wait; None if it is over. What cannot be shown is waited for all the same."""
        before, self._words = self._words, waiting or ""
        if self._words == before:
            return
        if in_notebook():
            self._publish(is_new=not before)
        elif sys.stderr is not None and sys.stderr.isatty():
            words = self._words[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)
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
