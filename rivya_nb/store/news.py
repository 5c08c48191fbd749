"""Notifies listeners in this process of changes in a store."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod


class News:
    """The listeners to one kind of change. Changes by other processes are not noticed."""

    def __init__(self) -> None:
        self._listeners: list[WeakMethod[Callable[[], None]]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener`, a bound method, after each change, as long as its object exists.

        It is called on the thread that made the change.
        """
        self._listeners.append(WeakMethod(listener, self._listeners.remove))

    def tell(self) -> None:
        for reference in tuple(self._listeners):
            listener = reference()
            if listener is not None:
                listener()
