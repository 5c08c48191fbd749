"""Numbers as a strip of columns, and as colours around their median; both themes show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rivya_nb.views.layout import Label

BINS = 40
BIN_WIDTH = 5
HEIGHT = 26
HIGHEST = 20
"""CSS pixels: the width of a bin, the height of a histogram, and its highest column, above which the median's
mark is still visible."""

_ORANGE, _BLUE, _GREY = "230,130,20", "50,130,230", "128,128,128"
_DARKEST = 0.55
"""The opacity of a full shade: black and white letters are legible on it."""


@dataclass(frozen=True)
class Bar:
    """A column of a histogram, or a gap, in CSS pixels. `middle` is True if it contains the median, and `noise` if
    it lies within the noise floor."""

    width: int
    height: int
    middle: bool
    noise: bool

    @property
    def background(self) -> str:
        if self.middle:
            return f"rgba({_ORANGE},0.5)"
        return f"rgba({_GREY},0.25)" if self.noise else "transparent"

    @property
    def colour(self) -> str:
        if self.middle:
            return f"rgb({_ORANGE})"
        return f"rgba({_GREY},0.9)" if self.noise else f"rgba({_BLUE},0.85)"


@dataclass(frozen=True)
class Shade:
    """A place with its number on a colour; `words` is empty if there is none."""

    label: Label
    words: str
    colour: str
    title: str


def bars(
    values: Sequence[float], median: float, low: float, high: float, floor: float = 0.0
) -> tuple[Bar, ...]:
    """The histogram of some numbers on a scale from `low` to `high`, on which all of them are; up to `floor` above
    `low`, it is noise."""

    def place(value: float) -> int:
        return min(BINS - 1, int((value - low) / (high - low) * BINS)) if high > low else BINS // 2

    found, middle = Counter(map(place, values)), place(median)
    # Any floor at all is visible.
    noisy = max(1, round(floor / (high - low) * BINS)) if floor else 0
    most = max(found.values())
    made: list[Bar] = []
    for (empty, noise), bins in groupby(
        range(BINS), lambda number: (not found[number] and number != middle, number < noisy)
    ):
        if empty:
            made.append(Bar(BIN_WIDTH * len(list(bins)), 0, False, noise))
            continue
        # A column has at least 2 pixels, so that a single one among hundreds is visible.
        heights = ((number, max(2, round(HIGHEST * found[number] / most))) for number in bins)
        made += [
            Bar(BIN_WIDTH, height if found[number] else 0, number == middle, noise)
            for number, height in heights
        ]
    return tuple(made)


def shade_colour(away: float) -> str:
    """A colour behind a number that is `away` from the median: full orange at 1, full blue at −1 and beyond."""
    opacity = round(_DARKEST * min(1.0, abs(away)), 2)
    return f"rgba({_ORANGE if away > 0 else _BLUE},{opacity})"
