"""Plans a contact sheet: strips from top to bottom, each of which is painted on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rivya_nb.views.geometry import PAGE_WIDTH, ROW_HEIGHT, Geometry, measure
from rivya_nb.views.layout import Cell, Label, Layout
from rivya_nb.views.lettering import LINE, Colour, letter

INK: Colour = (33, 33, 33)
GREY: Colour = (110, 110, 110)

_PROMPT_LINES = 3
_SMALLEST_TEXT = 11
_LETTERS_ACROSS = 170
"""Letters have at least this part of the sheet's width, so that they are legible when the sheet fits the
screen."""


@dataclass(frozen=True)
class CellBox:
    """A cell and its box on a strip, in pixels."""

    cell: Cell
    column: int
    left: int
    top: int
    width: int


@dataclass(frozen=True)
class Note:
    """Text: centred on `x` (align 0.5), or ending there (1), or beginning there (0); at most `width` wide."""

    text: str
    x: float
    top: float
    align: float
    colour: Colour = GREY
    width: int | None = None
    lines: int = 1


@dataclass(frozen=True)
class Strip:
    """A part of the sheet over its whole width; tops are relative to it."""

    height: int
    notes: tuple[Note, ...] = ()
    places: tuple[CellBox, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """`pages` are those of the layout: each has its caption and column labels, then its rows."""

    width: int
    text_size: int
    geometry: Geometry
    caption: Strip
    pages: tuple[tuple[Strip, tuple[Strip, ...]], ...]
    margin: int

    @property
    def strips(self) -> tuple[Strip, ...]:
        body = [strip for head, rows in self.pages for strip in (head, *rows)]
        return tuple(strip for strip in (self.caption, *body, Strip(self.margin)) if strip.height)

    @property
    def height(self) -> int:
        return sum(strip.height for strip in self.strips)


def plan_sheet(layout: Layout, cell: int, caption: str, details: str) -> Sheet:
    """A sheet whose rows of pictures are `cell` pixels high."""
    geometry = measure(layout, height=cell)
    gap = max(4, cell // 40)
    across = PAGE_WIDTH * cell // ROW_HEIGHT if layout.wraps else sum(geometry.widths)
    size = max(_SMALLEST_TEXT, cell // 20, min(cell // 12, across // _LETTERS_ACROSS))
    left = 2 * gap
    if layout.row_labels:
        left += max(letter(label.text, size, GREY).width for label in layout.row_labels) + gap
    edges = _edges(geometry, gap)
    pages = []
    for page in layout.pages:
        if layout.wraps:
            lines = list(_lines(page.cells[0], geometry, gap))
            rows = [_ribbon(line, geometry, left, gap, size) for line in lines]
        else:
            labels: Sequence[Label | None] = layout.row_labels or [None] * len(page.cells)
            rows = [
                _row(cells, label, geometry, edges, left, gap, size)
                for cells, label in zip(page.cells, labels, strict=False)
            ]
        pages.append((_head(layout, page.caption, edges, left, gap, size), tuple(rows)))
    places = [place for _, rows in pages for row in rows for place in row.places]
    right = max((place.left + place.width for place in places), default=left)
    width = max(right + 2 * gap, 24 * size)
    return Sheet(
        width, size, geometry, _caption(caption, details, width, gap, size), tuple(pages), margin=gap
    )


def _caption(caption: str, details: str, width: int, gap: int, size: int) -> Strip:
    notes, top = [], 2 * gap
    for text, colour, lines in ((caption, INK, _PROMPT_LINES), (details, GREY, 1)):
        if text:
            room = width - 4 * gap
            notes.append(Note(text, 2 * gap, top, 0, colour, room, lines))
            drawn = letter(text, size, colour, width=room, lines=lines)
            top += max(round(size * LINE), drawn.height + gap)
    return Strip(top + gap, tuple(notes))


def _head(layout: Layout, caption: str, edges: Sequence[int], left: int, gap: int, size: int) -> Strip:
    line, top, notes = round(size * LINE), 0, []
    if caption:
        notes.append(Note(caption, 2 * gap, gap, 0, INK))
        top += line + 2 * gap
    if layout.wraps or not layout.column_labels:
        return Strip(top, tuple(notes))
    for label, (start, end) in zip(layout.column_labels, pairwise(edges), strict=False):
        notes.append(Note(label.text, left + (start + end - gap) / 2, top, 0.5, width=end - start))
    return Strip(top + line, tuple(notes))


def _row(
    cells: Sequence[Cell | None],
    label: Label | None,
    geometry: Geometry,
    edges: Sequence[int],
    left: int,
    gap: int,
    size: int,
) -> Strip:
    places = tuple(
        CellBox(it, column, left + edges[column], 0, geometry.widths[column])
        for column, it in enumerate(cells)
        if it is not None
    )
    middle = (geometry.height - round(size * LINE)) / 2
    notes = () if label is None else (Note(label.text, left - gap, middle, 1),)
    return Strip(geometry.height + gap, notes, places)


def _ribbon(
    line: Sequence[tuple[Cell, int, int]], geometry: Geometry, left: int, gap: int, size: int
) -> Strip:
    places, notes = [], []
    for it, column, x in line:
        width = geometry.widths[column]
        places.append(CellBox(it, column, left + x, 0, width))
        notes.append(
            Note(it.caption.text, left + x + width / 2, geometry.height + gap // 2, 0.5, width=width)
        )
    return Strip(geometry.height + gap + round(size * LINE), tuple(notes), tuple(places))


def _edges(geometry: Geometry, gap: int) -> list[int]:
    edges = [0]
    for width in geometry.widths:
        edges.append(edges[-1] + width + gap)
    return edges


def _lines(
    cells: Sequence[Cell | None], geometry: Geometry, gap: int
) -> Iterator[list[tuple[Cell, int, int]]]:
    """A wrapping layout's cells, line by line, each with its column and its left edge."""
    widest = PAGE_WIDTH * geometry.height // ROW_HEIGHT
    line: list[tuple[Cell, int, int]] = []
    x = 0
    for column, it in enumerate(cells):
        if it is None:
            continue
        if line and x + geometry.widths[column] > widest:
            yield line
            line, x = [], 0
        line.append((it, column, x))
        x += geometry.widths[column] + gap
    if line:
        yield line
