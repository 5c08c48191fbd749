"""What a recall has replaced in the form, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.controls import title
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import make, show
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS

if TYPE_CHECKING:
    from rivya_nb.jobs.work_loop import WorkLoop


class Recalled:
    """A line over the form, once something was recalled. Its `button` exchanges what stands there for what stood
    there before, and back again: nothing that was written is lost. `read` and `put` are the form's.
    """

    def __init__(
        self, work_loop: WorkLoop, read: Callable[[], FormState], put: Callable[[FormState], None]
    ) -> None:
        self._read = read
        self._put = put
        self._other: FormState | None = None
        self._text = markup.empty("rivya-told")
        self.button = make(ipywidgets.Button, classes="rivya-small")
        self.button.on_click(lambda _: work_loop.loop.call_soon_threadsafe(self._exchange))
        self.widget = make(ipywidgets.HBox, [self._text, self.button], classes="rivya-recalled")
        self.forget()

    @property
    def text(self) -> str:
        """What was replaced, as HTML; empty where nothing is to be said."""
        return str(self._text.value)

    def tell(self, before: FormState) -> None:
        """Something was recalled, and this stood in the form before."""
        self._other = before
        replaced = _replaced(before, self._read())
        self._say(f"Settings recalled{replaced and f', in place of {replaced}'}", "Undo recall")

    def forget(self) -> None:
        """Say nothing any more: what stands in the form was used."""
        self._other = None
        self._say("", "")

    def _exchange(self) -> None:
        if self._other is None:
            return
        self._other, shown = self._read(), self._other
        self._put(shown)
        undone = self.button.description == "Undo recall"
        self._say(
            "What stood in the form before is there again" if undone else "Settings recalled once more",
            "Recall again" if undone else "Undo recall",
        )

    def _say(self, text: str, button: str) -> None:
        self._text.value = markup.quiet_html(text)
        self.button.description = self.button.tooltip = button
        show(self.widget, bool(text))


def _replaced(before: FormState, now: FormState) -> str:
    """The controls in which something stood that does not any more; empty where there are none."""
    places = [
        *([MODEL_AXIS] if before.models != now.models else []),
        *(["prompt"] if before.prompt.strip() and before.prompt != now.prompt else []),
        *(key for key in before.written if before.params[key] != now.params.get(key)),
        *([REFERENCES_AXIS] if before.references and before.references != now.references else []),
    ]
    *others, last = (f"the {title(place).lower()}" for place in places) if places else ("",)
    return f"{', '.join(others)}{' and ' if others else ''}{last}"
