"""Reference pictures of the panel: dropped, chosen or pasted, as thumbnails that can be ordered and removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rivya_nb.control_panel import markup

if TYPE_CHECKING:
    from rivya_nb.contract.catalogue import Model
    from rivya_nb.contract.references import Reference
    from rivya_nb.session import Session


class References:
    """The references of the next request, in their order. `changed` is called when the user changed them."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self.value: tuple[Reference, ...] = ()
        self.widget: Any = markup.empty()

    def put(self, references: Sequence[Reference]) -> None:
        """Show these references."""
        self.value = tuple(references)

    def set_model(self, model: Model | None) -> None:
        """The model whose rules hold from now on."""

    def show(self, mistakes: Sequence[str]) -> None:
        """Show what a plan says is wrong with them."""

    def close(self) -> None:
        """Give the widgets up."""
