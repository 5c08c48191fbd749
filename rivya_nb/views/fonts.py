"""Fonts for what this package writes into pictures: some installed font for each script, else a visible mark.

Pillow cannot say whether a font has a character, but it draws one: what looks like the font's own sign for a
missing character is missing.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

from rivya_nb.views.words import cut

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

MISSING = "?"
"""What stands for a character that no font here can show."""

_FIRST = ("NotoSans-Regular", "DejaVuSans", "LiberationSans-Regular", "Arial", "Helvetica", "segoeui")
_BROAD = ("Arial Unicode", "ArialUnicode", "Unifont", "unifont", "Symbola")
_BY_SCRIPT = {
    "CJK": (
        "NotoSansCJK",
        "SourceHanSans",
        "PingFang",
        "Hiragino",
        "msyh",
        "YuGoth",
        "wqy",
        "DroidSansFallback",
    ),
    "THAI": ("NotoSansThai-", "Garuda", "Loma", "leelawui", "Thonburi"),
    "ARABIC": ("NotoSansArabic", "NotoNaskhArabic", "GeezaPro", "segoeui"),
    "DEVANAGARI": ("NotoSansDevanagari", "Lohit-Devanagari", "Nirmala", "Kohinoor"),
}
"""Where a script's name and its fonts' names differ, or where systems without Noto have others."""
_LIKE_CJK = ("HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH")

_NEEDS_SHAPING = (
    "ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA",
    "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN", "MONGOLIAN",
)  # fmt: skip
"""Scripts that are unreadable when letter is put after letter from the left."""


def draw_text(
    canvas: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: Colour
) -> None:
    """Write one line with its top left corner at `at`, each part in a font that has it."""
    x, y = at
    for part, font in _parts(text, size):
        # One baseline for all fonts, whatever their ascent.
        canvas.text((x, y + size), part, font=font, fill=colour, anchor=_anchor(font))
        x += font.getlength(part)


def text_width(text: str, size: int) -> float:
    """The width of a line in pixels."""
    return sum(font.getlength(part) for part, font in _parts(text, size))


def fit_text(text: str, size: int, width: float) -> str:
    """The text, shortened with an ellipsis where it is wider than `width` pixels."""
    return text if text_width(text, size) <= width else cut(text, _fitting(text, size, width, "…"))


def wrap_text(text: str, size: int, width: float, lines: int) -> list[str]:
    """The text on at most `lines` lines of `width` pixels, broken at spaces where there are any."""
    wrapped: list[str] = []
    rest = text.strip()
    while rest and len(wrapped) < lines - 1 and text_width(rest, size) > width:
        head = rest[: max(1, _fitting(rest, size, width, ""))]
        if not rest[len(head) :].startswith(" "):
            head = head.rpartition(" ")[0] or head
        wrapped.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*wrapped, fit_text(rest, size, width)] if rest else wrapped


def _fitting(text: str, size: int, width: float, tail: str) -> int:
    """How many characters fit into `width` pixels together with a tail."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = text_width(text[:middle] + tail, size) <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def legible(text: str) -> str:
    """The text as it can be drawn here, with MISSING in place of each character that cannot."""
    return "".join(part for part, _ in _parts(text, 16))


def _anchor(font: Font) -> str | None:
    return "ls" if isinstance(font, ImageFont.FreeTypeFont) else None


def _parts(text: str, size: int) -> Iterator[tuple[str, Font]]:
    """The text in stretches of one font each; a mark stays with the letter that it sits on."""
    chosen: list[tuple[str, str | None]] = []
    for char in text:
        kind = unicodedata.category(char)
        if chosen and kind in ("Mn", "Me", "Cf") and _has(chosen[-1][1], char):
            chosen.append((char, chosen[-1][1]))
        elif kind != "Cf":
            chosen.append(_choose(char, chosen[-1][1] if chosen else None))
    for path, group in groupby(chosen, key=lambda item: item[1]):
        yield "".join(char for char, _ in group), _font(path, size)


def _choose(char: str, current: str | None) -> tuple[str, str | None]:
    """The character and the font to draw it with, or MISSING and the first font."""
    script = _script(char)
    shaped = script not in _NEEDS_SHAPING or features.check_feature("raqm")
    if shaped:
        # A space or a comma in the midst of a script stays in its font, and so in its stretch.
        neutral = (current,) if current is not None and not char.isalnum() else ()
        for path in (*neutral, *_candidates(script)):
            if _has(path, char):
                return char, path
    return MISSING, _candidates("LATIN")[0]


def _script(char: str) -> str:
    """The first word of a character's Unicode name, which is its script for all letters."""
    word = unicodedata.name(char, "LATIN").replace("-", " ").split()[0]
    return "CJK" if word in _LIKE_CJK else word


@cache
def _candidates(script: str) -> tuple[str | None, ...]:
    """Files of fonts to try for a script, best first; None is the font that Pillow brings along."""
    installed = _installed()
    names = (*_FIRST, *_BY_SCRIPT.get(script, (f"NotoSans{script.capitalize()}-Regular",)), *_BROAD)
    paths = [path for name in names for stem, path in installed.items() if stem.startswith(name)]
    return (*dict.fromkeys(paths), None)


@cache
def _installed() -> dict[str, str]:
    """Upright fonts of normal weight on this machine: name of the file without its suffix, and path."""
    found: dict[str, str] = {}
    for folder in _folders():
        for root, _, names in os.walk(folder):
            for name in sorted(names):
                stem, suffix = Path(name).stem, Path(name).suffix.lower()
                if suffix in (".ttf", ".otf", ".ttc") and not _is_special(stem):
                    found.setdefault(stem, str(Path(root) / name))
    return found


def _is_special(stem: str) -> bool:
    return any(word in stem for word in ("Bold", "Italic", "Oblique", "Light", "Thin", "Black", "Condensed"))


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts"]


@cache
def _font(path: str | None, size: int) -> Font:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


@cache
def _has(path: str | None, char: str) -> bool:
    if char.isspace():
        return True
    try:
        font = _font(path, 16)
        drawn, absent = font.getmask(char), font.getmask("\U0010ffff")
    except (OSError, ValueError):
        # Bitmap fonts of one size, and characters that a font breaks on.
        return False
    return drawn.size != absent.size or bytes(drawn) != bytes(absent)
