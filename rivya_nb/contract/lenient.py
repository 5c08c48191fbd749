"""Reading JSON whose shape is not documented: each function gives a value that can be used, or None."""

from __future__ import annotations

import math
from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "name": "key",
    "choices": "options",
    "default_value": "default",
    "minimum": "min",
    "maximum": "max",
    "integer": "number",
    "float": "number",
    "string": "text",
    "enum": "select",
}
"""Other names of the documented columns and types of params. Names that are in neither place are ignored."""

_LONGEST = 500
"""The most characters of an id, a key or an option."""

_LARGEST = 2**53
"""The largest number up to which JSON numbers are exact."""


def fields(value: object) -> dict[object, object]:
    """The values of a JSON object by their documented names; empty if `value` is not an object."""
    if not isinstance(value, Mapping):
        return {}
    return {**{ALIASES[name]: each for name, each in value.items() if name in ALIASES}, **value}


def text_of(value: object) -> str | None:
    """A stripped text that can be a name: not empty, not too long, printable."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST and text.isprintable() else None


def number_of(value: object) -> int | float | None:
    """A finite number, also if it is written as text. A whole number is an int."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not (-_LARGEST <= value <= _LARGEST):  # also False for infinities and NaN
        return None
    return int(value) if value == int(value) else value


def whole_of(value: object, *, least: int) -> int | None:
    """A whole number of at least `least`. A fraction is rounded up, so that no price is shown too low."""
    number = number_of(value)
    whole = None if number is None else math.ceil(number)
    return whole if whole is not None and whole >= least else None


def word_of(value: object) -> str | None:
    """A value of a param that is sent as text: a text, a number, `true` or `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        number = number_of(value)
        return None if number is None else str(number)
    return text_of(value)


def texts_of(value: object) -> tuple[str, ...]:
    """The names in a list, each once. A single name counts as a list of one."""
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for item in items if (text := text_of(item)) is not None))
