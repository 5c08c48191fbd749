"""Word of what has changed in a store, for those who show it."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod


class News:
    """Those who want to hear of one kind of change. What other processes change is not heard of."""

    def __init__(self) -> None:
        self._listeners: list[WeakMethod[Callable[[], None]]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener`, a bound method, after each change, for as long as its object lives.

        It is called on the thread that made the change.
        """
        self._listeners.append(WeakMethod(listener, self._listeners.remove))

    def tell(self) -> None:
        """Call everybody who listens."""
        for reference in tuple(self._listeners):
            listener = reference()
            if listener is not None:
                listener()
