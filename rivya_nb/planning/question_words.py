"""The filters of a history by their names, and each as it is told: in words, and on a line."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_nb.contract.text import listing, printable
from rivya_nb.planning.words import as_word, quoted
from rivya_nb.store.prompt_words import Sought, read_sought
from rivya_nb.store.questions import ORDERS
from rivya_nb.store.records import HIGHEST_RATING

FILTERS = (
    "prompt",
    "model",
    "seed",
    "rating",
    "favourite",
    "tag",
    "run",
    "by",
    "since",
    "until",
    "picture_width",
    "picture_height",
    "hidden",
    "excluded",
    "facts",
    "sort",
)
"""What is asked beside the params, in the order of the messages; then the order."""

SORTS = ("newest", "oldest", *ORDERS)
"""What a history can be sorted by."""

_SHOWN_LENGTH = 60


def filter_words(name: str, value: object) -> str:
    """A filter in words: `rating 4 or more`."""
    if name == "rating" and isinstance(value, int):
        return f"rating {value}" if value == HIGHEST_RATING else f"rating {value} or more"
    if isinstance(value, Mapping):
        return listing(f"{key} {printable(told(each), _SHOWN_LENGTH)}" for key, each in value.items())
    if name == "hidden":
        return "hidden ones too"
    if name == "excluded":
        return "excluded" if value else "not excluded"
    if name == "sort":
        return f"{value} first" if value in SORTS and value not in ORDERS else f"sorted by {value}"
    if value is True and name in FILTERS:
        return name
    return f"{name} {printable(told(value), _SHOWN_LENGTH)}"


def told(value: object) -> str:
    """A value in words: `1 to 8`, `a and b`, `1:1 or 16:9`."""
    if isinstance(value, range):
        step = "" if abs(value.step) == 1 else f" by {abs(value.step)}"
        return f"{value[0]} to {value[-1]}{step}" if len(value) > 1 else str(value[0])
    return listing(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def filter_on_the_line(name: str, value: object) -> str:
    """A filter as a line of `%rivya history` has it: `--rating 4`."""
    if name == "prompt":
        sought = read_sought(str(value))
        return " ".join("|".join(_sought_word(each) for each in any_of) for any_of in sought)
    if isinstance(value, Mapping):
        return " ".join(f"--fact {_fact_word(key, each)}" for key, each in value.items())
    if name == "excluded":
        return f"--excluded {'yes' if value else 'no'}"
    if value is True and name in FILTERS:
        return f"--{name}"
    if name in FILTERS and name not in ("seed", "model", "picture_width", "picture_height"):
        values = value if isinstance(value, list) else [value]
        return " ".join(f"--{name} {_word(str(each))}" for each in values)
    flag = f"--{name.replace('_', '-')} " if name in FILTERS and name != "seed" else f"{name}="
    return flag + (_several(value) if isinstance(value, (range, list)) else _word(str(value)))


def _several(value: object) -> str:
    """Several values as a line has them, and one as it is."""
    if isinstance(value, range):
        step = "" if abs(value.step) == 1 else f":{abs(value.step)}"
        return f"{value[0]}..{value[-1]}{step}"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _fact_word(column: str, value: object) -> str:
    said = _several(value) if isinstance(value, (range, list)) else _word(str(value))
    return f"{column}={said}" if as_word(column) == column else as_word(f"{column}={_several(value)}")


def _sought_word(sought: Sought) -> str:
    word = sought.written
    return word if word.startswith("-") or '"' in word else as_word(word)


def _word(text: str) -> str:
    # Without quotes, these make several values.
    return quoted(text) if "," in text or ".." in text else as_word(text)
