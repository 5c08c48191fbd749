"""The gallery of the panel: the history, paged and filtered, beside the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rivya_nb.control_panel import markup

if TYPE_CHECKING:
    from rivya_nb.control_panel.form_state import FormState
    from rivya_nb.session import Session


class Gallery:
    """The history, newest first. `recall` is called with the form of a picture that the user wants back."""

    def __init__(self, session: Session, recall: Callable[[FormState], None]) -> None:
        self._session = session
        self._recall = recall
        self.widget: Any = markup.empty()

    def refresh(self) -> None:
        """Look at the history again; called on the session's loop."""

    def close(self) -> None:
        """Give the widgets up."""
