"""Making widgets that share their layouts and styles, and giving them up.

By itself each widget brings a layout and a style of its own, which are widgets too: more than half of what
opening a panel sends to the page, and most of the kernel's time for it.
"""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets

_lock = threading.Lock()
_shared: dict[tuple[Any, bool], Any] = {}
_users: dict[Any, set[Any]] = {}
"""The widgets that have each shared layout or style."""


def make(kind: Any, *args: object, classes: str = "", **traits: object) -> Any:
    """A widget of this kind, with CSS classes. Its layout and style are others' too: they are never changed."""
    with _lock:
        looks = {"layout": _part(ipywidgets.Layout)}
        if hasattr(kind, "style"):
            looks["style"] = _part(kind.class_traits()["style"].klass)
        made = kind(*args, _dom_classes=classes.split(), **looks, **traits)
        for part in looks.values():
            _users[part].add(made)
    return made


def show(widget: Any, wanted: bool) -> None:
    """Show a widget that `make` has made, or hide it; one that was given up stays as it is."""
    with _lock:
        before = widget.layout
        if widget in _users.get(before, ()) and wanted == (before.display == "none"):
            widget.layout = _part(ipywidgets.Layout, hidden=not wanted)
            _users[widget.layout].add(widget)
            _let_go(before, widget)


def give_up(widget: Any) -> None:
    """Close a widget, what is in it, and the layouts and styles that nobody else has.

    A widget that is closed by itself leaves those behind, in the kernel and on the page.
    """
    for child in getattr(widget, "children", ()):
        give_up(child)
    with _lock:
        for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
            if isinstance(part, ipywidgets.Widget):
                _let_go(part, widget)
        widget.close()


def _part(kind: Any, hidden: bool = False) -> Any:
    """The layout or the style that widgets share; a new one where the last was closed, by us or by somebody."""
    part = _shared.get((kind, hidden))
    if part is None or part.comm is None:
        part = _shared[kind, hidden] = kind(display="none") if hidden else kind()
        _users[part] = set()
    return part


def _let_go(part: Any, widget: Any) -> None:
    users = _users.get(part, set())
    users.discard(widget)
    if not users:
        _users.pop(part, None)
        part.close()
