"""What completion offers, and which of it continues what is typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rivya_nb.planning.words import as_word

QUOTES = "\"'"


@dataclass(frozen=True)
class Offer:
    """`text` as the line has it, with a short `note` about it; `plain` is the text without quotes."""

    text: str
    note: str = ""
    plain: str = ""


@dataclass(frozen=True)
class Offers:
    """What fits at the cursor, best first. Each stands in the place of `typed`, the text before the cursor."""

    typed: str
    offers: tuple[Offer, ...] = ()


def value_offer(value: str, typed: str, note: str = "") -> Offer:
    """The offer of a value, in the quotes in which it is begun, else in quotes where it needs them."""
    quote = typed[:1]
    if quote and quote in QUOTES:
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
    return Offers(typed, tuple({offer.text: offer for offer in found if offer.text}.values()))
