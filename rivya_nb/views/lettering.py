"""Draws text in any script: Pango shapes it, and finds a font for each letter.

A letter that no font has is drawn as a box with its code point.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyvips
from PIL import Image, ImageFont

from rivya_nb.contract.text import cut, printable

Colour = tuple[int, int, int]

LINE = 1.6
"""The height of a line in relation to the size of its letters."""

_TALLEST = 1.8
"""The same for the scripts with the tallest letters."""


@dataclass(frozen=True)
class Lettering:
    """Drawn text; `left` and `top` are the pixels from the top left corner of its line to its ink."""

    image: Image.Image
    left: int
    top: int

    @property
    def width(self) -> int:
        return self.left + self.image.width

    @property
    def height(self) -> int:
        return self.top + self.image.height

    def paste(self, onto: Image.Image, at: tuple[float, float]) -> None:
        """Draw the text on a picture, with the top left corner of its line at `at`."""
        onto.paste(self.image, (round(at[0]) + self.left, round(at[1]) + self.top), self.image)


@lru_cache(maxsize=512)
def letter(
    text: str, size: int, colour: Colour, *, width: int | None = None, lines: int = 1, centred: bool = False
) -> Lettering:
    """The text in letters of `size` pixels on at most `lines` lines of `width` pixels.

    Text that does not fit is replaced by an ellipsis. Without a width, it is one line of any length.
    """
    words = printable(text)
    if width is None:
        return _draw(words, size, colour)
    room = max(width, size)

    def draw(some: str) -> Lettering:
        return _draw(some, size, colour, width=room if lines > 1 else None, centred=centred)

    def fits(drawn: Lettering) -> bool:
        return drawn.width <= room + 1 and drawn.height <= lines * size * _TALLEST

    whole = draw(words)
    return whole if fits(whole) else draw(_longest(words, lambda some: fits(draw(some))))


def _longest(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of a text that fits with an ellipsis."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(cut(text, middle)) else (low, middle - 1)
    return cut(text, low)


def _draw(
    text: str, size: int, colour: Colour, *, width: int | None = None, centred: bool = False
) -> Lettering:
    if not text.strip():
        return Lettering(Image.new("RGBA", (1, 1)), 0, 0)
    red, green, blue = colour
    shape: dict[str, Any] = {} if width is None else {"width": width, "wrap": "word-char"}
    drawn = pyvips.Image.text(
        # The text is markup for Pango.
        f'<span foreground="#{red:02x}{green:02x}{blue:02x}">{escape(text)}</span>',
        dpi=72,
        rgba=True,
        align="centre" if centred else "low",
        **shape,
        **_font(size),
    )
    image = Image.frombytes("RGBA", (drawn.width, drawn.height), drawn.write_to_memory())
    return Lettering(image, max(0, drawn.xoffset), max(0, drawn.yoffset))


@cache
def _has_fonts() -> bool:
    """True if there is any font: without one, every letter is the same empty box."""
    widths = {pyvips.Image.text(letters, font="sans 40", dpi=72).width for letters in ("iiii", "WWWW")}
    return len(widths) > 1


def _font(size: int) -> dict[str, Any]:
    """The system's font, or, if there is none, the one that is part of Pillow."""
    if _has_fonts():
        return {"font": f"sans {size}"}
    return {"font": f"Aileron {size}", "fontfile": str(_folder() / "font.ttf")}


@cache
def _folder() -> Path:
    folder, process = Path(tempfile.mkdtemp()), os.getpid()

    @atexit.register
    def remove() -> None:
        # Not a TemporaryDirectory, which a forked process would delete for its parent.
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)

    font = ImageFont.load_default(16)
    if isinstance(font, ImageFont.FreeTypeFont):
        (folder / "font.ttf").write_bytes(font.font_bytes)
    return folder
