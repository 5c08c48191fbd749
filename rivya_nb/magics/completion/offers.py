"""What completion offers, and which of it continues what is typed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from rivya_nb.planning.words import as_word

QUOTES = ('"', "'")


class Offer(NamedTuple):
    """`text` as the line has it, with a short `note` about it; `plain` is the text without quotes."""

    text: str
    note: str = ""
    plain: str = ""


class Offers(NamedTuple):
    """What fits at the cursor, best first. Each stands in the place of `typed`, the text before the cursor."""

    typed: str
    offers: tuple[Offer, ...] = ()


def value_offer(value: str, typed: str, note: str = "") -> Offer:
    """The offer of a value, in the quotes in which it is begun, else in quotes where it needs them."""
    quote = typed[:1]
    if quote in QUOTES:
        return Offer(quote + value.replace(quote, quote * 2) + quote, note, value)
    return Offer(as_word(value), note, value)


def fitting(typed: str, rest: str, offers: Iterable[Offer]) -> Offers:
    """The offers that begin with what is `typed`; where none does, those that contain it.

    `rest` is the part of the word that follows the cursor. It stays, because a front end replaces only what is
    before the cursor: what is offered ends with it, and is given without it.
    """
    start = (typed[1:] if typed[:1] in QUOTES else typed).casefold()
    plain = [((offer.plain or offer.text).casefold(), offer) for offer in offers]
    found = [offer for text, offer in plain if text.startswith(start)]
    found = found or [offer for text, offer in plain if start in text]
    if rest:
        found = [
            Offer(offer.text[: -len(rest)], offer.note)
            for offer in found
            if offer.text.endswith(rest) and offer.text[: -len(rest)] != typed
        ]
    return Offers(typed, tuple({offer.text: offer for offer in found if _is_safe(offer.text)}.values()))


def _is_safe(text: str) -> bool:
    """False for a foreign name with control characters or line ends: it would break the line."""
    return bool(text) and not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text)
