"""Reading JSON of a shape that is not documented: a value where it makes sense, None where it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping

MISSING = object()
"""What a key gives that is not there; None is a value of its own in JSON."""

_LONGEST = 500
"""Characters of an id, a key or an option; what is longer is no name."""

_LARGEST = 2**53
"""Up to here a JSON number is exact."""


def any_of(record: Mapping[object, object], *keys: str) -> object:
    """The value of the first of these keys that is there, MISSING where none is."""
    return next((record[key] for key in keys if key in record), MISSING)


def text_of(value: object) -> str | None:
    """A text that can be a name: stripped, not empty, of whole and printable characters."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST and text.isprintable() else None


def number_of(value: object) -> int | float | None:
    """A finite number, also where it is written as text; whole ones as int."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not (-_LARGEST <= value <= _LARGEST):  # neither infinities nor NaN are within
        return None
    return int(value) if value == int(value) else value


def whole_of(value: object, *, least: int) -> int | None:
    """A whole number from `least` on; a fraction is rounded up, so that no price is told too low."""
    number = number_of(value)
    whole = None if number is None else math.ceil(number)
    return whole if whole is not None and whole >= least else None


def word_of(value: object) -> str | None:
    """A value that is sent as text: a text, a number, or a switch's `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        number = number_of(value)
        return None if number is None else str(number)
    return text_of(value)


def texts_of(value: object) -> tuple[str, ...]:
    """The names in a list, each once; a single one counts as a list of it."""
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for item in items if (text := text_of(item)) is not None))
