"""A text that shows itself as a paragraph to be read and copied, without quotes around it."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivya_nb.session.showing.looks import Bundle

_WIDTH = 88
"""Characters of a line in a terminal."""


class Paragraph(str):
    """A plain text in one line. As a cell's value it is a paragraph."""

    __slots__ = ()

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        style = "max-width:46em;margin:0;line-height:1.5;white-space:normal;overflow-wrap:break-word"
        html = f'<p style="{style}"><bdi>{escape(self)}</bdi></p>'
        return {"text/html": html, "text/plain": textwrap.fill(self, _WIDTH)}
