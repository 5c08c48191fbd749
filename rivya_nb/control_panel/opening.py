"""`rv.panel()`: a control panel of the current session."""

from __future__ import annotations

from weakref import WeakValueDictionary

from rivya_nb.control_panel.panel import DEFAULT_NAME, Panel
from rivya_nb.current import current_session
from rivya_nb.store.places import StorePlace

_opened: WeakValueDictionary[tuple[StorePlace, str], Panel] = WeakValueDictionary()
"""The last panel of each name, by the place of its store."""


def panel(name: str = DEFAULT_NAME) -> Panel:
    """Open the control panel. What stands in it is kept in the store under `name`.

    There is one panel of a name: the one that was opened before, by this cell or by another, gives way to it.

    Raises:
        StoreError: its state cannot be read.
    """
    session = current_session()
    place = session.store.place, name
    if (before := _opened.get(place)) is not None:
        # It keeps its state first, which the new one reads.
        before.give_way()
    opened = _opened[place] = Panel(session, name)
    return opened
