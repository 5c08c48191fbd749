"""Giving widgets up, with all that ipywidgets made for them."""

from __future__ import annotations

from typing import Any

import ipywidgets


def give_up(widget: Any) -> None:
    """Close a widget, what is in it, and the layouts and styles of all of these.

    A widget that is closed by itself leaves those behind, in the kernel and on the page.
    """
    for child in getattr(widget, "children", ()):
        give_up(child)
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None), widget):
        if isinstance(part, ipywidgets.Widget):
            part.close()
