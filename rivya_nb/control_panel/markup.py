"""Bits of HTML that the panel shows; whatever is put in is text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import ipywidgets

from rivya_nb.control_panel.making import make


def empty(classes: str = "") -> Any:
    """A widget that shows nothing yet."""
    return make(ipywidgets.HTML, classes=classes)


def mistakes_html(messages: Iterable[str]) -> str:
    """What is wrong, a line for each, with a sign and not by colour alone; read out when it changes."""
    lines = "".join(f"<div>✕ <bdi>{escape(message)}</bdi></div>" for message in messages)
    return f'<div class="rivya-mistakes" role="alert">{lines}</div>' if lines else ""


def quiet_html(text: str) -> str:
    """A remark beside something."""
    return f'<span class="rivya-quiet"><bdi>{escape(text)}</bdi></span>' if text else ""


def strong_html(text: str) -> str:
    """The one thing to read first."""
    return f"<b><bdi>{escape(text)}</bdi></b>" if text else ""
