"""The sizes of a layout's pictures on a page, in CSS pixels.

Pictures keep their ratio and share one height, as on a contact sheet; if a row would become wider than a
notebook's page, the height shrinks, down to a minimum, below which the grid scrolls instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from rivya_nb.views.layout import Cell, Layout
from rivya_nb.views.words import aspect_ratio

ROW_HEIGHT = 150
LONE_HEIGHT = 320
MINIMUM_HEIGHT = 96
MINIMUM_WIDTH = 80
"""The width of the word `processing`."""
PAGE_WIDTH = 860
"""The largest width of a row: a notebook's output area on a laptop, less the row labels."""
GAP = 6
_WIDEST = 2.2
"""The largest ratio of a column; a panorama of 8:1 is fitted into it."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """`height` of every row and `widths` of the columns (of the cells, if the layout wraps)."""

    height: int
    widths: tuple[int, ...]

    def fit(self, cell: Cell, column: int) -> tuple[int, int]:
        """Width and height of a cell's picture, at its own ratio within its place."""
        ratio = aspect_ratio(cell.job, cell.picture)
        width, height = self.height * ratio, float(self.height)
        if width > self.widths[column]:
            width, height = float(self.widths[column]), self.widths[column] / ratio
        return max(1, round(width)), max(1, round(height))


def measure(layout: Layout, *, scale: float = 1.0, height: int | None = None) -> Geometry:
    """The sizes for a layout; `scale` enlarges all of them (a report has more room than a cell's output).

    With `height`, they are enlarged so that every row has exactly this height in pixels.
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
    return Geometry(
        height=round(tall),
        widths=tuple(ceil(max(MINIMUM_WIDTH * scale, tall * ratio)) for ratio in ratios),
    )


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
