"""Finds in a prompt what the sandbox can draw: a thing, its colour and count, the light, the setting.

A word counts as it stands in its phrase: in "an orange cat on a blue wall" orange is the cat's colour and blue
the wall's. Words that are not known change nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rivya_nb.sandbox.colour import Colour, lit
from rivya_nb.sandbox.words import (
    COLOURS,
    COUNTS,
    LIGHTS,
    MOODS,
    OTHER_WORDS,
    SETTINGS,
    SHADES,
    SUBJECTS,
    WEATHERS,
    listed,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found; None or 1 where the prompt does not say it. `body`, `accent` and `backdrop` are colours."""

    subject: str | None = None
    count: int = 1
    body: Colour | None = None
    accent: Colour | None = None
    backdrop: Colour | None = None
    light: str | None = None
    setting: str | None = None
    weather: str | None = None
    mood: str | None = None


def _by_word(meanings: Mapping[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, words in meanings.items() for word in listed(words)}


_SUBJECT, _LIGHT, _SETTING, _WEATHER, _MOOD, _COUNT, _SHADE = map(
    _by_word, (SUBJECTS, LIGHTS, SETTINGS, WEATHERS, MOODS, COUNTS, SHADES)
)
_COLOUR = {word: colour for colour, words in COLOURS.values() for word in listed(words)}
_KNOWN = {*_SUBJECT, *_COLOUR, *_LIGHT, *_SETTING, *_WEATHER, *_MOOD, *_COUNT, *_SHADE}

_MATERIALS = frozenset({"glass", "marble", "coffee", "tea", "perfume", "wood", "pine", "oak"})
"""Nouns that say, before another noun, what that one is made of or for."""
_MANY = {"fruit": 3, "bouquet": 5, "plural": 3}
"""How many things a word means that has no number with it."""
_MOST = 9
_SHADINGS = {"lighter": 0.12, "darker": -0.14}

_ARTICLES = frozenset({"a", "an", "the", "this", "these", "my"})
_WITHOUT = frozenset({"without", "no", "not", "except"})
_PART = frozenset({"with", "of", "and", "has", "holding", "wearing"})
"""What follows belongs to the thing."""
_IS = frozenset({"is", "are", ","})
_BREAKS = frozenset(
    listed(
        "in, on, at, by, from, to, under, over, beside, near, behind, before, after, into, onto, above, below, "
        "between, against, for, as, while, during, through, among, around, or, inside"
    )
)
"""What follows is about what is around the thing."""


def _pattern() -> re.Pattern[str]:
    """Known words that are not one word of letters from a to z, the longest first; any such word; and stops."""
    whole = [word for word in {*_KNOWN, *listed(OTHER_WORDS)} if not re.fullmatch("[a-z]+", word)]
    ordered = sorted(whole, key=lambda word: (-len(word), word))
    entries = (rf"\b{word}\b".replace(" ", r"[\s-]+") if word.isascii() else word for word in ordered)
    return re.compile(
        "|".join([*entries, r"[^\W_\u0e00-\u0e7f\u3040-\u9fff]+", r"[.,;:!?()、。，；：！？\n]"])
    )


_WORDS = _pattern()


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in its singular, as the tables have it."""

    text: str
    plural: bool = False


@dataclass(slots=True)
class _Phrase:
    """The words between two prepositions or stops, and the word that opens it."""

    opener: str
    words: list[_Word] = field(default_factory=list)


def read(prompt: str) -> Reading:
    """What of the prompt can be drawn: its first thing, light, setting, weather and mood, and their colours."""
    phrases = [phrase for phrase in _phrases(prompt) if phrase.opener not in _WITHOUT]
    body, accent, backdrop = None, None, None
    subject: str | None = None
    count, thing = 1, None
    for phrase in phrases:
        head = _head(phrase.words)
        if head is not None:
            thing, subject = phrase, _SUBJECT[phrase.words[head].text]
            count = _count(phrase.words, head)
            body = _colour(_of_the_thing(phrase.words, head))
            break
    for phrase in phrases:
        colour = None if phrase is thing else _colour(phrase.words)
        if phrase.opener in _BREAKS:
            backdrop = backdrop or colour
        elif phrase.opener in _PART and thing is not None:
            accent = accent or colour
        else:
            body = body or colour
    words = [word.text for phrase in phrases for word in _unshaded(phrase.words)]
    first = {name: _first(table, words) for name, table in _TABLES.items()}
    return Reading(subject, count, body, accent, backdrop, **first)


_TABLES = {"light": _LIGHT, "setting": _SETTING, "weather": _WEATHER, "mood": _MOOD}


def _phrases(prompt: str) -> Iterator[_Phrase]:
    phrase = _Phrase("")
    for match in _WORDS.finditer(unicodedata.normalize("NFC", prompt).casefold()):
        text = re.sub(r"[\s-]+", " ", match[0])
        if text in _ARTICLES or (text == "of" and phrase.words and phrase.words[-1].text in _COUNT):
            continue
        if text in _WITHOUT or text in _PART or text in _BREAKS or text in _IS:
            yield phrase
            phrase = _Phrase(text)
        elif not text[0].isalnum():
            yield phrase
            phrase = _Phrase(",")
        else:
            phrase.words.append(_singular(text))
    yield phrase


def _singular(text: str) -> _Word:
    if text in _KNOWN:
        return _Word(text)
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if text.endswith(ending) and (one := text.removesuffix(ending) + instead) in _KNOWN:
            return _Word(one, plural=True)
    return _Word(text)


def _head(words: list[_Word]) -> int | None:
    """The place of a phrase's thing: in "a coffee cup" the cup, in "an orange, fluffy cat" the cat."""
    places = [place for place, word in enumerate(words) if word.text in _SUBJECT]
    if not places:
        return None
    head = places[0]
    for place in places[1:]:
        text = words[head].text
        compound = place == head + 1 and not words[head].plural and not _is_thai(text)
        if not (compound or text in _COLOUR or text in _MATERIALS):
            break
        head = place
    return head


def _of_the_thing(words: list[_Word], head: int) -> list[_Word]:
    """The words that can say a colour of it: those before it, in Thai and Chinese those behind it too."""
    return words[: head + 1] + [word for word in words[head + 1 :] if not word.text.isascii()]


def _count(words: list[_Word], head: int) -> int:
    thing = words[head]
    for word in reversed(_of_the_thing(words, head)):
        number = int(word.text) if word.text.isdecimal() and len(word.text) <= 2 else 0
        if number := number or int(_COUNT.get(word.text, 0)):
            return min(_MOST, number)
    return _MANY["plural"] if thing.plural else _MANY.get(_ENGLISH.get(thing.text, thing.text), 1)


_ENGLISH = {"ผลไม้": "fruit", "水果": "fruit"}


def _colour(words: list[_Word]) -> Colour | None:
    for place, word in enumerate(words):
        if word.text in _COLOUR:
            shade = _SHADE.get(words[place - 1].text) if place else None
            colour = _COLOUR[word.text]
            return colour if shade is None else lit(colour, _SHADINGS[shade])
    return None


def _unshaded(words: list[_Word]) -> list[_Word]:
    """The words without those that only say how light a colour is."""
    return [
        word
        for place, word in enumerate(words)
        if word.text not in _SHADE or not _colour(words[place + 1 : place + 2])
    ]


def _first(table: Mapping[str, str], words: list[str]) -> str | None:
    return next((table[word] for word in words if word in table), None)


def _is_thai(text: str) -> bool:
    return "\u0e00" <= text[0] <= "\u0e7f"
