"""Finds a subject, colours, an hour and a mood in a prompt, for the sandbox's drawings.

In English and Thai, the languages of the project's examples. Unknown words count, too: the drawing depends on
a hash of the whole prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rivya_nb.sandbox.colour import Colour

_COLOURS: dict[Colour, str] = {
    (0.58, 0.21, 27): "red crimson scarlet ruby แดง",
    (0.74, 0.16, 62): "orange tangerine amber copper ส้ม",
    (0.87, 0.16, 98): "yellow gold golden lemon honey เหลือง ทอง",
    (0.66, 0.16, 145): "green emerald jade mint moss เขียว",
    (0.74, 0.11, 195): "teal turquoise cyan aqua",
    (0.58, 0.16, 255): "blue azure navy cobalt sapphire indigo ฟ้า น้ำเงิน",
    (0.56, 0.18, 300): "purple violet lavender lilac plum ม่วง",
    (0.76, 0.15, 355): "pink rose magenta peach coral ชมพู",
    (0.48, 0.08, 55): "brown wooden wood chocolate coffee น้ำตาล",
    (0.95, 0.01, 90): "white ivory snow ขาว",
    (0.30, 0.02, 270): "black ebony charcoal ดำ",
    (0.68, 0.01, 250): "grey gray silver steel เทา เงิน",
}

_HOURS = {
    "dawn": "dawn morning sunrise daybreak เช้า รุ่งอรุณ",
    "day": "noon midday daylight sunny bright กลางวัน เที่ยง",
    "dusk": "dusk sunset evening twilight เย็น พลบค่ำ",
    "night": "night midnight moonlight moonlit dark กลางคืน",
}

_SUBJECTS = {
    "vase": "vase flower flowers tulip rose bouquet plant แจกัน ดอกไม้",
    "cup": "cup coffee tea mug espresso แก้วกาแฟ กาแฟ ถ้วย",
    "fruit": "fruit apple pear orange lemon peach plum ผลไม้ แอปเปิ้ล",
    "candle": "candle candles flame lamp เทียน",
    "cat": "cat kitten แมว",
    "landscape": "landscape mountain mountains hill hills valley forest sea ocean desert ภูเขา ทะเล",
    "sphere": "ball sphere marble planet orb moon bubble ลูกบอล",
    "bottle": "bottle glass perfume product flask jar ขวด ผลิตภัณฑ์",
}

_MOODS = {
    "soft": "soft pastel minimal studio clean gentle pale นุ่ม",
    "vivid": "vivid neon vibrant saturated bold colorful colourful สดใส",
    "grey": "monochrome black-and-white noir greyscale grayscale ขาวดำ",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found; None or empty if the prompt does not name it."""

    subject: str | None
    colours: tuple[Colour, ...]
    hour: str | None
    mood: str | None


def read(prompt: str) -> Reading:
    """The first subject, hour and mood in the prompt, and all its colours in their order."""
    text = prompt.casefold()
    colours = sorted(
        (place, colour) for colour, words in _COLOURS.items() if (place := _place(words, text)) >= 0
    )
    return Reading(
        subject=_first(_SUBJECTS, text),
        colours=tuple(colour for _, colour in colours),
        hour=_first(_HOURS, text),
        mood=_first(_MOODS, text),
    )


def _first(meanings: dict[str, str], text: str) -> str | None:
    places = {meaning: _place(words, text) for meaning, words in meanings.items()}
    named = [meaning for meaning, place in places.items() if place >= 0]
    return min(named, key=lambda meaning: places[meaning]) if named else None


def _place(words: str, text: str) -> int:
    """The first place of one of the words; Thai is written without spaces, so there any substring counts."""
    places = []
    for word in words.split():
        pattern = rf"\b{re.escape(word)}s?\b" if word.isascii() else re.escape(word)
        match = re.search(pattern, text)
        if match:
            places.append(match.start())
    return min(places, default=-1)
