"""Reads the numbers that a measure's function gave; anything that is none is refused in words."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice

from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import count, short_repr

WHOLE = ""
"""The name of the only part of a measure that gives one number."""


class NoNumberError(ValueError):
    """What a measure's function gave is no number; the message says what it is."""


_ITS_OWN = "a measure gives a number, or a dict of numbers"


def read_numbers(value: object) -> dict[str, float]:
    """The numbers by the names of their parts; `WHOLE` is the name of a single one.

    Raises:
        NoNumberError: it is neither a finite number nor a dict of such.
    """
    if not isinstance(value, Mapping):
        return {WHOLE: _number(value, "")}
    if not value:
        raise NoNumberError(f"it gave an empty dict; {_ITS_OWN}")
    found: dict[str, float] = {}
    for part, each in value.items():
        if not isinstance(part, str) or not part.strip() or not part.isprintable():
            raise NoNumberError(
                f"it gave a dict with the key {short_repr(part)}; the names of parts are texts on one line"
            )
        found[part] = _number(each, f" as {short_repr(part)}")
    return found


def read_several(value: object, wanted: int) -> Sequence[object]:
    """The results of a batch of `wanted` pictures, one for each.

    Raises:
        NoNumberError: it is no list of as many.
    """
    right = f"a batch of {count(wanted, 'picture')} needs a list of {count(wanted, 'result')}"
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable) or _dimensions(value) == 0:
        raise NoNumberError(f"it gave {_described(value)}; {right}")
    # One that never ends is no list.
    results = list(islice(value, wanted + 1))
    if len(results) != wanted:
        gave = "more" if len(results) > wanted else count(len(results), "result")
        raise NoNumberError(f"it gave {gave}; {right}")
    return results


def _number(value: object, where: str) -> float:
    plain = value
    if _dimensions(value) and getattr(value, "size", None) == 1:
        # An array of one number means that number.
        plain = value.item()  # type: ignore[attr-defined]
    plain = plain_value(plain)
    if not isinstance(plain, (numbers.Real, Decimal)):
        hint = "; does the function have a return?" if value is None else ""
        raise NoNumberError(f"it gave {_described(value)}{where}; {_ITS_OWN}{hint}")
    try:
        number = float(plain)
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise NoNumberError(
            f"it gave {'NaN' if math.isnan(number) else short_repr(value)}{where}, which is no number"
        )
    # Without the sign of a zero.
    return number + 0.0


def _dimensions(value: object) -> int | None:
    """The number of dimensions of an array or tensor; None for what is neither."""
    found = getattr(value, "ndim", None)
    return found if isinstance(found, int) and hasattr(value, "item") else None


def _described(value: object) -> str:
    if _dimensions(value):
        shape = " × ".join(map(str, getattr(value, "shape", ())))
        return f"an array of {shape} numbers"
    if isinstance(value, str):
        return f"the text {short_repr(value)}"
    if value is None:
        return "None"
    return f"{short_repr(value)} ({type(value).__name__})"
