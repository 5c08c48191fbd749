"""The ceiling of jobs between their upload and their picture, as a user gives it."""

from __future__ import annotations

import os

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError

VARIABLE = "RIVYA_MAX_PARALLEL"

_RIGHT = "is not a whole number from 1 on"


def checked_ceiling(value: object) -> int | None:
    """The ceiling that was given as an argument; None if none was.

    Raises:
        UsageError: it is not a whole number from 1 on.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise UsageError([Mistake("max_parallel", f"{short_repr(value)} {_RIGHT}")])


def ceiling_of_environment() -> int | None:
    """The ceiling that the environment names; None if it names none.

    Raises:
        UsageError: it is not a whole number from 1 on.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{VARIABLE} in the environment is {short_repr(text)}, which {_RIGHT}.")
    return int(text)
