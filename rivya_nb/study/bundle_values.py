"""Reads the values of a bundle: each is checked, and a mistake is told with its place."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from rivya_nb.contract.text import is_whole, printable, short_repr
from rivya_nb.errors import Mistake, UsageError

T = TypeVar("T")
K = TypeVar("K")

_MOST = 1_000_000
_TIMES = (0.0, 1e11)


def read_each(where: str, given: object, read: Callable[[str, object], T]) -> list[T]:
    if not isinstance(given, list) or len(given) > _MOST:
        raise wrong(where, f"it is no list of at most {_MOST:,}")
    return [read(f"{where} {number}", each) for number, each in enumerate(given, 1)]


def by_key(where: str, found: Sequence[T], key: Callable[[T], K]) -> dict[K, T]:
    once: dict[K, T] = {}
    for number, each in enumerate(found, 1):
        if once.setdefault(key(each), each) is not each:
            raise wrong(f"{where} {number}", "the bundle has it twice")
    return once


def read_table(where: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise wrong(where, f"{short_repr(given)} is not what belongs here")
    return given


def read_text(where: str, given: object, most: int) -> str:
    if not isinstance(given, str) or len(given) > most or not is_whole(given):
        raise wrong(where, f"{short_repr(given)} is no text of at most {most:,} characters")
    return given


def read_matching(where: str, given: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(given, str) or not pattern.fullmatch(given) or not given.isprintable():
        raise wrong(where, f"{short_repr(given)} is not what belongs here")
    return given


def read_one_of(where: str, given: object, known: Collection[str]) -> str:
    if not isinstance(given, str) or given not in known:
        raise wrong(where, f"{short_repr(given)} is not known")
    return given


def read_known(where: str, given: object, known: Collection[str]) -> str:
    if not isinstance(given, str) or given not in known:
        raise wrong(where, f"the bundle does not have {short_repr(given)}")
    return given


def read_number(where: str, given: object, least: float = -math.inf, most: float = math.inf) -> int | float:
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not is_number or not abs(given) <= sys.float_info.max or not least <= given <= most:  # type: ignore[arg-type, operator]
        raise wrong(where, f"{short_repr(given)} is not a number that belongs here")
    return given  # type: ignore[return-value]


def read_whole(where: str, given: object, least: int, most: int = 2**31 - 1) -> int:
    number = read_number(where, given, least, most)
    if not isinstance(number, int):
        raise wrong(where, f"{short_repr(given)} is not a whole number")
    return number


def read_time(where: str, given: object) -> float:
    return float(read_number(where, given, *_TIMES))


def wrong(where: str, message: str) -> UsageError:
    return UsageError([Mistake(printable(where, 120), message)])
