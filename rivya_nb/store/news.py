"""Notifies listeners of changes in a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import MethodType
from typing import Any, cast
from weakref import ref


class News:
    """The listeners to one kind of change.

    `announce`, if it is set, tells other processes of the changes that this one makes, and `attend` hears that
    somebody wants to know of theirs. Without them, changes by other processes are not noticed.
    """

    def __init__(self) -> None:
        self.announce: Callable[[], None] | None = None
        self.attend: Callable[[], None] | None = None
        # Not WeakMethod: it calls back, and where its object dies with the interpreter, it prints an error.
        self._listeners: list[tuple[ref[Any], Callable[[Any], None]]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener`, a bound method, after each change, as long as its object exists; once, however often it
        has subscribed.

        It is called on the thread that made the change, or on any other if another process made it.
        """
        method = cast(MethodType, listener)
        for entry in tuple(self._listeners):
            if entry[0]() is None:
                with suppress(ValueError):
                    self._listeners.remove(entry)
        if (entry := (ref(method.__self__), method.__func__)) not in self._listeners:
            self._listeners.append(entry)
            if self.attend is not None:
                self.attend()

    @property
    def is_wanted(self) -> bool:
        """Whether there are listeners."""
        return any(listening() is not None for listening, _ in tuple(self._listeners))

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
        for listening, method in tuple(self._listeners):
            if (listener := listening()) is not None:
                method(listener)
