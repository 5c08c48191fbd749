"""The current session. What a session needs is imported when one is wanted: reading the table of commands, which
completion does, stays light."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivya_nb.session.session import Session


def current_session() -> Session:
    """The current session; if there is none yet, this connects by the environment."""
    from rivya_nb import current

    return current.current_session()


def open_session() -> Session | None:
    """The current session, if there is one yet. Nothing is imported or opened."""
    if "rivya_nb.current" not in sys.modules:
        return None
    from rivya_nb import current

    return current.open_session()
