"""What the walks through files have in common."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap
from typing import Literal

from rivya_nb.contract.media import Medium

Bytes = bytes | mmap

MOST_STEPS = 330_000
"""The most parts of one file that are looked at, which takes a second or two: a sound of two hours has 310,000."""

ENTRIES = 3
"""So many entries of a table take as long as a part."""


class TooManyPartsError(Exception):
    """A file has more parts than anyone would read; it is not known whether it is whole."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What the parts of a file tell.

    `whole` is False if something is missing at its end, None if that cannot be told. `duration` is in seconds,
    `width` and `height` in pixels as they are shown, 0 where there is no picture. `medium` is what the tracks make
    it, None if the format has only one medium, or the tracks cannot be read. `rate` is how many frames a video has
    in a second, on average; 0 where that is not known.
    """

    whole: bool | None
    duration: float | None = None
    width: int = 0
    height: int = 0
    medium: Medium | None = None
    rate: float = 0.0


class Steps:
    """Counts what is looked at, so that a hostile file takes seconds and not hours."""

    def __init__(self) -> None:
        self._left = MOST_STEPS * ENTRIES

    def take(self, parts: int = 1) -> None:
        """Raise TooManyPartsError if these are too many."""
        self.take_entries(parts * ENTRIES)

    def take_entries(self, count: int) -> None:
        """The same for the entries of a table."""
        self._left -= count
        if self._left < 0:
            raise TooManyPartsError


def number(data: Bytes, at: int, size: int, order: Literal["big", "little"] = "big") -> int:
    """The number in these bytes; bytes past the file's end are left out."""
    return int.from_bytes(data[at : at + size], order)


def seconds(ticks: float, rate: float) -> float | None:
    """A time in seconds; None if there is none, or it is absurd."""
    found = ticks / rate if rate > 0 else 0.0
    return found if 0 < found < LONGEST else None


def shown_size(width: int, height: int, across: int, down: int) -> tuple[int, int]:
    """The size in pixels of frames whose own pixels are so many parts wide and high, with as many rows; zeros if
    it is absurd."""
    wide = round(width * across / down) if across and down else width
    return (wide, height) if min(wide, height) > 0 and max(wide, height) < WIDEST else (0, 0)


WIDEST = 1 << 20
"""Pixels that no video has beside or above each other."""

LONGEST = 1e9
"""Seconds that no file lasts: a header that says so is wrong."""
