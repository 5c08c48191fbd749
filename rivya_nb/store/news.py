"""Notifies listeners of changes in a store."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod


class News:
    """The listeners to one kind of change.

    `announce`, if it is set, tells other processes of the changes that this one makes, and `attend` hears that
    somebody wants to know of theirs. Without them, changes by other processes are not noticed.
    """

    def __init__(self) -> None:
        self.announce: Callable[[], None] | None = None
        self.attend: Callable[[], None] | None = None
        self._listeners: list[WeakMethod[Callable[[], None]]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener`, a bound method, after each change, as long as its object exists; once, however often it
        has subscribed.

        It is called on the thread that made the change, or on any other if another process made it.
        """
        reference = WeakMethod(listener, self._listeners.remove)
        if reference not in self._listeners:
            self._listeners.append(reference)
            if self.attend is not None:
                self.attend()

    @property
    def is_wanted(self) -> bool:
        """Whether there are listeners."""
        return bool(self._listeners)

    def tell(self) -> None:
        """Tell of a change that this process has made."""
        self.tell_others()
        self.pass_on()

    def tell_others(self) -> None:
        """Tell only other processes: this one knows already what it has changed."""
        if self.announce is not None:
            self.announce()

    def pass_on(self) -> None:
        """Tell the listeners of a change that another process has made."""
        for reference in tuple(self._listeners):
            listener = reference()
            if listener is not None:
                listener()
