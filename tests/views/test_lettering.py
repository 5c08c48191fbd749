"""Text drawn into pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from rivya_nb.views.lettering import letter

BLACK = (0, 0, 0)


def ink(image: Image.Image) -> bytes:
    return image.getchannel("A").tobytes()


def test_letters_share_a_line_whatever_stands_above_and_below_it() -> None:
    low, high, sign = (letter(text, 40, BLACK) for text in ("a", "A", "-"))
    assert low.height == high.height
    assert high.top < low.top < sign.top


def test_a_colour_is_that_of_its_letters() -> None:
    drawn = letter("MMM", 40, (190, 40, 35)).image
    assert max(drawn.getcolors() or [], key=lambda each: each[0] * (each[1][3] > 250))[1] == (
        190,
        40,
        35,
        255,
    )  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ["<b>bold</b> & <", "a\x00b\x1b[31m", "\ud800", "\u202eevil", "\U000e0041\ufffe"]
)
def test_foreign_text_is_neither_markup_nor_a_crash(text: str) -> None:
    assert letter(text, 20, BLACK).width >= 1


def test_markup_is_drawn_as_it_is_written() -> None:
    assert letter("<b>x</b>", 20, BLACK).width > 3 * letter("x", 20, BLACK).width


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_drawn_of_nothing(text: str) -> None:
    assert not any(ink(letter(text, 20, BLACK, width=100, lines=2).image))


def test_arabic_runs_from_the_right_and_joins_its_letters() -> None:
    word = "\u0628\u0628\u0628"
    joined, apart = letter(word, 40, BLACK), letter("\u200c".join(word), 40, BLACK)
    assert ink(joined.image) != ink(apart.image)
    # What comes first in Arabic stands on the right, as what comes last does in English.
    latin, mixed = letter("iii", 40, BLACK).image, letter("\u0628 iii", 40, BLACK).image
    assert ink(mixed.crop((0, 0, *latin.size))) == ink(latin)


def test_two_letters_that_no_font_has_look_different() -> None:
    # A box says which letter is missing; empty ones would all be alike.
    assert ink(letter("\ue123", 40, BLACK).image) != ink(letter("\ue456", 40, BLACK).image)


def test_what_is_too_long_wraps_and_ends_with_an_ellipsis() -> None:
    text = "eight words that fill a little more than two lines of text " * 4
    drawn = letter(text, 16, BLACK, width=200, lines=2)
    assert drawn.width <= 201
    assert 16 * 1.8 < drawn.height <= 2 * 16 * 1.8
    assert letter(text, 16, BLACK, width=200).height <= 16 * 1.8
    assert letter("short", 16, BLACK, width=200).width < 100


def test_a_script_without_spaces_wraps_too() -> None:
    drawn = letter("\u0e41\u0e2a\u0e07\u0e40\u0e0a\u0e49\u0e32" * 12, 16, BLACK, width=200, lines=3)
    assert drawn.width <= 201
    assert drawn.height > 2 * 16


def test_without_any_font_letters_are_still_told_apart(tmp_path: Path) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path}</cachedir></fontconfig>")
    look = (
        "from rivya_nb.views.lettering import letter; "
        "print(len({letter(t, 40, (0, 0, 0)).image.tobytes() for t in ('i', 'M', '\\u0e41', '\\u65e5')}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look],
        env={**os.environ, "FONTCONFIG_FILE": str(config)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "4"
