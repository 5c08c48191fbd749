"""The sizes of a layout's pictures.

Pictures keep their ratio and share one height, as on a contact sheet. In HTML the sizes follow the page's width,
between a legible height and a large one; a sheet, and a page without styles, has them in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from rivya_nb.views.layout import LABEL_LENGTH, Cell, Layout
from rivya_nb.views.words import aspect_ratio

ROW_HEIGHT = 150
LONE_HEIGHT = 320
MINIMUM_HEIGHT = 72
MINIMUM_WIDTH = 72
"""The width of the word `processing`."""
PAGE_WIDTH = 860
"""The largest width of a row: a notebook's output area on a laptop, less the row labels."""
GAP = 6
_WIDEST = 2.2
"""The largest ratio of a column; a panorama of 8:1 is fitted into it."""

_LARGEST_HEIGHT = 400
_LARGEST_LONE_HEIGHT = 480
_LARGEST_OF_MANY = 200
"""CSS pixels that a row grows to."""
_WHOLE_HEIGHT = 1400
"""CSS pixels of all rows together, as long as they are few. Notebook 7 puts an output that is much higher into a
box that scrolls."""

_LINE, _LINE_OF_MANY = 6, 9
"""Squares that stand side by side in a row that wraps, as long as they are legible."""
_MANY = 24
_LEGIBLE = 120
"""CSS pixels of a line's height, below which it has fewer pictures."""
FILLED = 97
"""Percent of its place that a picture of such a row has; the rest is the gap to its neighbours."""

_LETTER_WIDTH = 7.4
_LABEL_LETTERS = LABEL_LENGTH // 2
"""A longer label of a row takes two lines."""


@dataclass(frozen=True, slots=True)
class Span:
    """A width that follows the page's: `share` of it in percent, between `least` and `most` CSS pixels."""

    share: float
    least: int
    most: int

    @property
    def style(self) -> str:
        return f"width:{self.share:g}%;min-width:{self.least}px;max-width:{self.most}px"


@dataclass(frozen=True, slots=True)
class Geometry:
    """`height` of every row and `widths` of the columns (of the cells, if the layout wraps), in pixels.

    Where the sizes follow a page's width, a row is from `least` to `most` pixels high, and a column `ratios` times
    as wide.
    """

    height: int
    widths: tuple[int, ...]
    ratios: tuple[float, ...] = ()
    least: int = MINIMUM_HEIGHT
    most: int = _LARGEST_HEIGHT

    def fit(self, cell: Cell, column: int) -> tuple[int, int]:
        """Width and height of a cell's picture, at its own ratio within its place."""
        return self._fit(cell, self.height, self.widths[column])

    def fit_largest(self, cell: Cell, column: int) -> tuple[int, int]:
        """The same where the page has as much room as the picture takes."""
        return self._fit(cell, self.most, self.most * self.ratios[column])

    def kept_small(self) -> Geometry:
        """The same of a grid that is no larger on a wide page."""
        return replace(self, most=max(self.least, self.height))

    def _fit(self, cell: Cell, height: float, room: float) -> tuple[int, int]:
        ratio = aspect_ratio(cell.job, cell.picture)
        width = min(room, height * ratio)
        return max(1, round(width)), max(1, round(width / ratio))

    def part(self, cell: Cell, column: int) -> float:
        """The part of its place's width that a cell's picture has."""
        return min(1.0, aspect_ratio(cell.job, cell.picture) / self.ratios[column])


def measure(
    layout: Layout,
    *,
    scale: float = 1.0,
    height: int | None = None,
    legible: int = _LEGIBLE,
    narrowest: int = MINIMUM_WIDTH,
) -> Geometry:
    """The sizes for a layout; `scale` enlarges all of them (a report has more room than a cell's output).

    With `height`, they are enlarged so that every row has exactly this height in pixels. On a page, a line of a
    row that wraps is at least `legible` CSS pixels high, and no place is less than `narrowest` wide.
    """
    ratios = _column_ratios(layout)
    plain = float(LONE_HEIGHT if len(layout.cells) <= 1 else ROW_HEIGHT)
    if ratios and not layout.wraps:
        fitting = (PAGE_WIDTH - GAP * len(ratios)) / sum(ratios)
        plain = max(MINIMUM_HEIGHT, min(plain, fitting))
    if height is None:
        tall = plain * scale
    else:
        tall, scale = float(height), height / plain
    least = float(legible)
    if not layout.wraps:
        least = max(MINIMUM_HEIGHT, min(ROW_HEIGHT, narrowest / min(ratios, default=1.0)))
    return Geometry(
        height=round(tall),
        widths=tuple(ceil(max(MINIMUM_WIDTH * scale, tall * ratio)) for ratio in ratios),
        ratios=tuple(max(narrowest / least, ratio) for ratio in ratios),
        least=ceil(least),
        most=round(_most(layout, ratios) * scale),
    )


def _most(layout: Layout, ratios: Sequence[float]) -> float:
    """The height to which a row grows, in CSS pixels."""
    if len(layout.cells) <= 1:
        return _LARGEST_LONE_HEIGHT
    rows = sum(len(_lines(ratios)) if layout.wraps else len(page.cells) for page in layout.pages)
    return max(_LARGEST_OF_MANY, min(_LARGEST_HEIGHT, _WHOLE_HEIGHT / rows))


def label_width(layout: Layout) -> int:
    """CSS pixels of the labels beside the rows; 0 if there are none."""
    letters = max((len(label.text) for label in layout.row_labels), default=0)
    return ceil(min(letters, _LABEL_LETTERS) * _LETTER_WIDTH) + GAP if letters else 0


class Columns(NamedTuple):
    """A grid's width as a whole, and of it the labels' in CSS pixels and each column's in percent of the rest."""

    whole: Span
    label: int
    shares: tuple[float, ...]


def columns(layout: Layout, geometry: Geometry) -> Columns:
    """How the columns of a layout share the width of a page."""
    label, total = label_width(layout), sum(geometry.ratios) or 1.0
    fixed = label + GAP * (len(geometry.ratios) + 1 + bool(label))
    whole = Span(100, ceil(fixed + geometry.least * total), ceil(fixed + geometry.most * total))
    return Columns(whole, label, tuple(round(100 * ratio / total, 3) for ratio in geometry.ratios))


def spans(geometry: Geometry) -> tuple[Span, ...]:
    """The widths of the places in a row that wraps, so that all of a line are equally high, and lines are full."""
    longest = max(map(sum, _lines(geometry.ratios)), default=1.0)
    return tuple(
        # Rounded down, so that the last one of a line stays in it.
        Span(int(10_000 * ratio / longest) / 100, int(geometry.least * ratio), ceil(geometry.most * ratio))
        for ratio in geometry.ratios
    )


def plain_lines(widths: Sequence[int]) -> list[slice]:
    """Which places of a row that wraps stand in one line of a page without styles, by their widths in pixels."""
    lines, start, room = [], 0, PAGE_WIDTH
    for index, width in enumerate(widths):
        if width > room and index > start:
            lines.append(slice(start, index))
            start, room = index, PAGE_WIDTH
        room -= width
    return [*lines, slice(start, len(widths))]


def _lines(ratios: Sequence[float]) -> list[Sequence[float]]:
    """The ratios, line by line, with equally many in each."""
    line = _LINE if len(ratios) <= _MANY else _LINE_OF_MANY
    across = ceil(len(ratios) / ceil(sum(ratios) / line)) if ratios else 1
    return [ratios[start : start + across] for start in range(0, len(ratios), across)]


def _column_ratios(layout: Layout) -> list[float]:
    columns = max((len(row) for page in layout.pages for row in page.cells), default=0)
    ratios = [0.0] * columns
    for page in layout.pages:
        for row in page.cells:
            for index, cell in enumerate(row):
                if cell is not None:
                    ratios[index] = max(ratios[index], min(_WIDEST, aspect_ratio(cell.job, cell.picture)))
    # A column without cells still needs a place.
    return [ratio or 1.0 for ratio in ratios]
