"""Moments as a user names them: so long ago, a day, or a date with a time."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta

from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import short_repr

_AGO = re.compile(r"(\d{1,6}) ?([mhdw])", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.IGNORECASE)

Moment = str | date | float
"""What may name a moment; a datetime is a date too."""

FORMS = "30m, 12h, 7d or 2w ago, a day such as 2026-11-23, or a time such as 2026-11-23T14:30"
"""How a moment is written, in words."""


def moment(value: object, *, end: bool = False, now: float) -> float:
    """The moment that `value` names, in seconds since the epoch.

    Texts are `"30m"`, `"12h"`, `"7d"`, `"2w"` before `now`, and ISO days and times; a date is one too, and a
    number is seconds since the epoch. Without a zone, local time is meant. A day is its first moment, or its
    last one where `end`.

    Raises:
        ValueError: it is none of these; its text is the message.
    """
    value = plain_value(value)
    try:
        seconds = _seconds(value, end, now)
    except (ValueError, OverflowError, OSError):
        seconds = None
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{short_repr(value)} is no moment that is understood; give {FORMS}")
    return seconds


def _seconds(value: object, end: bool, now: float) -> float | None:
    if isinstance(value, str):
        return _read(value.strip(), end, now)
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        # Where clocks change at midnight, the fold tells the last of two 23:59 and the only one of none.
        return datetime.combine(value, time.max.replace(fold=1) if end else time.min).timestamp()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None


def _read(text: str, end: bool, now: float) -> float | None:
    if match := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2].lower()]: int(match[1])}).total_seconds()
    if _DAY.fullmatch(text):
        return _seconds(date.fromisoformat(text), end, now)
    if _TIME.fullmatch(text):
        # Python 3.10 does not read the Z of UTC.
        return datetime.fromisoformat(text.upper().replace("Z", "+00:00")).timestamp()
    return None
