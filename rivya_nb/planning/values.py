"""Values of a param: as written on a magic's line, and as given from Python.

```
1..4            a range, both ends included          4..1          the same, downwards
0..100:10       a range with a step                  0..1:0.1      in exact decimals
1:1,16:9        a comma separates values             1..4,8,none   mixed; none means "not sent"
```

Text params are not split, since commas belong to prose; a `seed` is, also where a model keeps it as text.
A text that is not a number stays a text: the check against the model's record then says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.ideas import is_seed
from rivya_nb.contract.params import ParamValue, listed, plain_value
from rivya_nb.contract.text import mark, short_repr
from rivya_nb.errors import Mistake, UsageError, shortened
from rivya_nb.planning.names import notebook_object

MAX_VALUES = 10_000
"""The most values of one axis: far more than a plan may cost, and few enough for the memory."""

FIRST_VALUES = 20
"""How many of several values tell of what kind they are."""

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PLAIN = re.compile(rf"{_NUMBER}|[+-]?\.\d+|[+-]?\d+\.")
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")
_DASHED = re.compile(r"(\d+)[-–—:](\d+)")
_BRACKETED = re.compile(r"[\[(](.*)[\])]|range\((\d+, *)?(\d{1,9})\)")
_MAX_DIGITS = 30


class _ItemError(ValueError):
    """An item that cannot be read; the text of the error is the message."""


def parse_values(
    text: str, param: Param | None, *, quoted: bool = False, coupled: bool = False
) -> tuple[ParamValue | None, ...]:
    """The values that `text` gives for `param`; None among them means *not sent*. Where they are `coupled` to
    others, a value may stand there again.

    A quoted text is one value, as it stands. A param that the model does not have (None) keeps its
    text: the check against the record then names the typo.

    Raises:
        UsageError: a range that is none, an empty place between commas, a value given twice, or more than
            `MAX_VALUES` values.
    """
    if param is None:
        return (text,)
    numeric = param.type == "number"
    if quoted or (param.options is not None and text in param.options):
        return (read_number(text) if numeric else text,)
    if is_free_text(param):
        return (None if _is_none(text) else text,)
    if bracketed := _BRACKETED.fullmatch(text):
        listed, start, end = bracketed.groups()
        written = f"{(start or '0').rstrip(', ')}..{int(end) - 1}" if end else listed
        message = f"{short_repr(text)} is Python; write {param.key}={shortened(written)}"
        raise UsageError([Mistake(param.key, message)])
    values: list[ParamValue | None] = []
    mistakes: list[Mistake] = []
    for item in text.split(","):
        try:
            values += _item(item.strip(), param)
            if len(values) > MAX_VALUES:
                raise _ItemError(_too_many(len(values)))
        except _ItemError as error:
            mistakes.append(Mistake(param.key, str(error)))
    if not mistakes and not coupled:
        mistakes = [Mistake(param.key, f"{value} is given twice") for value in _repeated(values)]
    if mistakes:
        raise UsageError(mistakes)
    return tuple(values)


def is_range(text: str) -> bool:
    """True if a text is written as a range: `1..4`."""
    return _RANGE.fullmatch(text) is not None


def read_range(text: str, where: str) -> tuple[ParamValue, ...]:
    """The values of a range.

    Raises:
        UsageError: it is none, or has more than `MAX_VALUES` values; `where` names what it is for.
    """
    try:
        return tuple(_range(text))
    except _ItemError as error:
        raise UsageError([Mistake(where, str(error))]) from None


def as_axis(value: object, where: str = "", *, coupled: bool = False) -> tuple[object, ...] | None:
    """The values of a Python argument that holds several, or None where it holds one.

    Lists, tuples, ranges and one-dimensional arrays and Series of any package are axes. What occurs again is
    kept once: a computed list is data, and the same request is never asked twice. Where the axis is `coupled` to
    others, all its values are kept.

    Raises:
        UsageError: the axis is empty, has more than one dimension or more than `MAX_VALUES` values;
            `where` names the argument.
    """
    try:
        items = listed(value)
    except ValueError as error:
        raise UsageError([Mistake(where, str(error))]) from None
    if items is None:
        return None
    if not items:
        raise UsageError([Mistake(where, f"an empty {type(value).__name__} leaves nothing to ask for")])
    if items[MAX_VALUES:]:  # not len(), which a range may be too long for
        raise UsageError([Mistake(where, f"more than {MAX_VALUES:,} values are too many for an axis")])
    plain = [plain_value(item) for item in items]
    return tuple(plain if coupled else _once(plain))


def first_values(value: Any) -> Any:
    """A value that holds several, with the first ones only: enough to see of what kind they are."""
    if isinstance(value, (list, tuple, range)) or len(getattr(value, "shape", ())) == 1:
        return value[:FIRST_VALUES]
    return value


def variable_values(
    name: str, namespace: Mapping[str, object], where: str, *, coupled: bool = False
) -> tuple[object, ...]:
    """The values of a variable of the notebook: several, if it holds an axis.

    Raises:
        UsageError: there is no such variable, or no values in it; `where` names what they are for.
    """
    found = notebook_object(name, namespace, where)
    return as_axis(found, where, coupled=coupled) or (found,)


def is_free_text(param: Param) -> bool:
    """True if a comma in the param's text is only a comma."""
    return param.type != "number" and param.options is None and not is_seed(param.key)


def _is_none(text: str) -> bool:
    return text.casefold() == "none"


def _item(item: str, param: Param) -> Sequence[ParamValue | None]:
    if not item:
        raise _ItemError("nothing stands beside a comma; none means “not sent”")
    if _is_none(item):
        return (None,)
    if param.options is not None:
        return (item,)
    numbers: Sequence[ParamValue] = _range(item) if ".." in item else (read_number(item),)
    if isinstance(numbers[0], str) and (dashed := _DASHED.fullmatch(item)):
        raise _ItemError(f"{short_repr(item)} is no range; write {dashed[1]}..{dashed[2]}")
    return numbers if param.type == "number" else [str(number) for number in numbers]


def read_number(text: str) -> ParamValue:
    """The number that `text` writes, or `text` itself where it is not a number."""
    if len(text) > _MAX_DIGITS or not _PLAIN.fullmatch(text):
        return text
    number = float(text) if "." in text else int(text)
    return int(number) if number == int(number) else number


def _range(item: str) -> list[ParamValue]:
    match = _RANGE.fullmatch(item)
    if match is None or any(len(part or "") > _MAX_DIGITS for part in match.groups()):
        raise _ItemError(f"{short_repr(item)} is no range; write 1..4, or 0..100:10 with a step")
    parts = [part for part in match.groups() if part is not None]
    # All in whole numbers of the smallest written decimal place, so that no step ever drifts.
    places = max(len(part.partition(".")[2]) for part in parts)
    start, end = (_scaled(part, places) for part in parts[:2])
    step = _scaled(match[3] or "1", places)
    if step <= 0:
        raise _ItemError(f"the step of {short_repr(item)} must be above 0; the ends give the direction")
    count = abs(end - start) // step + 1
    if count > MAX_VALUES:
        raise _ItemError(_too_many(count))
    signed = step if end >= start else -step
    return [_unscaled(start + index * signed, places) for index in range(count)]


def _scaled(number: str, places: int) -> int:
    whole, _, decimals = number.partition(".")
    return int(whole + decimals.ljust(places, "0"))


def _unscaled(number: int, places: int) -> ParamValue:
    unit: int = 10**places
    return number // unit if number % unit == 0 else number / unit


def _too_many(count: int) -> str:
    return f"{count:,} values are too many; an axis takes {MAX_VALUES:,} at most"


def _repeated(values: Sequence[ParamValue | None]) -> list[ParamValue | str]:
    seen: set[ParamValue | None] = set()
    again: dict[ParamValue | str, None] = {}
    for value in values:
        if value in seen:
            again["none" if value is None else value] = None
        seen.add(value)
    return list(again)


def _once(items: Sequence[object]) -> list[object]:
    kept: list[object] = []
    seen: set[tuple[bool, object]] = set()
    for item in items:
        # True and 1 are equal to Python, but not to a service that takes "true" for a switch.
        key = (isinstance(item, bool), mark(item) if isinstance(item, str) else item)
        if item is None or isinstance(item, (str, int, float)):
            if key in seen:
                continue
            seen.add(key)
        kept.append(item)
    return kept
