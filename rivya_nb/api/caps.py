"""How large a result may be, by its medium; the environment may say otherwise."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from rivya_nb.contract.media import WORDS, Medium
from rivya_nb.errors import PictureError

MEGABYTE = 1_000_000

_DEFAULTS: dict[tuple[Medium, str], float] = {
    # A large PNG of 2048 pixels has a tenth of it.
    ("image", "MB"): 64,
    # Models make videos of some seconds, of 1 to 50 MB, and sounds of some minutes.
    ("video", "MB"): 1000,
    ("video", "SECONDS"): 3600,
    ("audio", "MB"): 250,
    ("audio", "SECONDS"): 7200,
}


class Cap(NamedTuple):
    """The most bytes and seconds of one result."""

    medium: Medium
    max_bytes: float
    max_seconds: float = math.inf

    def check(self, size: int, duration: float | None = None) -> None:
        """Raise PictureError if a file of so many bytes, and so many seconds, is too large."""
        if size > self.max_bytes:
            self._refuse(f"has more than {self.max_bytes / MEGABYTE:,g} MB", "MB")
        if duration is not None and duration > self.max_seconds:
            self._refuse(f"is longer than {self.max_seconds:,g} s", "SECONDS")

    def _refuse(self, problem: str, unit: str) -> None:
        raise PictureError(f"The {WORDS[self.medium]} {problem}; {_name(self.medium, unit)} raises that.")


CapOf: TypeAlias = Callable[[Medium], Cap]


def cap_of(medium: Medium) -> Cap:
    """The cap on results of a medium, as the environment has it now: `RIVYA_MAX_VIDEO_MB=4000`.

    Raises:
        PictureError: what the environment has is no positive number.
    """
    seconds = _limit(medium, "SECONDS") if (medium, "SECONDS") in _DEFAULTS else math.inf
    return Cap(medium, _limit(medium, "MB") * MEGABYTE, seconds)


def _limit(medium: Medium, unit: str) -> float:
    given = os.environ.get(_name(medium, unit))
    if given is None:
        return _DEFAULTS[medium, unit]
    try:
        limit = float(given)
    except ValueError:
        limit = math.nan
    if 0 < limit < math.inf:
        return limit
    raise PictureError(
        f"{_name(medium, unit)} is {given!r}; it is a number such as {_DEFAULTS[medium, unit]:g}."
    )


def _name(medium: Medium, unit: str) -> str:
    return f"RIVYA_MAX_{medium.upper()}_{unit}"
