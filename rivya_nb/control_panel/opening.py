"""`rv.panel()`: a control panel of the current session."""

from __future__ import annotations

from rivya_nb.calls import current_session
from rivya_nb.control_panel.panel import Panel


def panel(name: str = "main") -> Panel:
    """Open the control panel. What stands in it is kept in the store under `name`.

    Raises:
        StoreError: its state cannot be read.
    """
    return Panel(current_session(), name)
