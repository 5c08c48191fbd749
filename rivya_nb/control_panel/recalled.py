"""What a recall has replaced in the form."""

from __future__ import annotations

from dataclasses import dataclass

from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.labels import listed, title
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS


@dataclass(frozen=True)
class Recalled:
    """What to say of a recall; `other` is what a press of the button named `button` puts into the form."""

    text: str
    button: str
    other: FormState

    @classmethod
    def first(cls, before: FormState, now: FormState) -> Recalled:
        """Settings were recalled into a form in which `before` stood."""
        replaced = _replaced(before, now)
        return cls(f"Settings recalled{replaced and f', in place of {replaced}'}", "Undo recall", before)

    def exchanged(self, now: FormState) -> Recalled:
        """The button was pressed, and `now` stood in the form: the next press puts that back."""
        if self.button == "Undo recall":
            return Recalled("What stood in the form before is there again", "Recall again", now)
        return Recalled("Settings recalled once more", "Undo recall", now)


def _replaced(before: FormState, now: FormState) -> str:
    """The controls whose values are gone; empty where there are none."""
    places = [
        *([MODEL_AXIS] if before.models != now.models else []),
        *(["prompt"] if before.prompt.strip() and before.prompt != now.prompt else []),
        *(key for key in before.written if before.params[key] != now.params.get(key)),
        *([REFERENCES_AXIS] if before.references and before.references != now.references else []),
    ]
    return listed(f"the {title(place).lower()}" for place in places)
