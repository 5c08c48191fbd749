"""A layout as one picture file: labelled rows and columns, and a caption that says what was asked.

One original is open at a time, and decoded no larger than needed, so that memory holds the sheet and not the
run. The caption's full text also goes into a PNG's metadata, where it can be read whatever fonts were there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from rivya_nb.contract.text import did_you_mean, listing
from rivya_nb.errors import Mistake, PictureError, UsageError
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.thumbnails import decode as load
from rivya_nb.views.fonts import Colour, draw_text, text_width, wrap_text
from rivya_nb.views.geometry import PAGE_WIDTH, Geometry, measure
from rivya_nb.views.layout import Cell, Label, Layout
from rivya_nb.views.words import count, explanation, shorten, state_word

MOST_PIXELS = 40_000_000
"""A sheet's pixels, which are 120 MB of memory; a larger grid gets smaller cells."""

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_LONGEST_SIDE = {"PNG": 100_000, "JPEG": 65_535, "WEBP": 16_383}

_PAPER: Colour = (255, 255, 255)
_INK: Colour = (33, 33, 33)
_GREY: Colour = (110, 110, 110)
_EMPTY: Colour = (244, 244, 244)
_EDGE: Colour = (205, 205, 205)
_RED: Colour = (190, 40, 35)
_PROMPT_LINES = 3


@dataclass(frozen=True)
class _Place:
    """A cell and its box on the sheet, in pixels."""

    cell: Cell
    column: int
    left: int
    top: int
    width: int


@dataclass(frozen=True)
class _Note:
    """A line of text: centred on `x`, or ending there, or beginning there."""

    text: str
    x: float
    top: float
    align: float
    colour: Colour = _GREY


@dataclass(frozen=True)
class _Plan:
    """Where everything goes on a sheet of this size."""

    width: int
    height: int
    text_size: int
    geometry: Geometry
    places: tuple[_Place, ...]
    notes: tuple[_Note, ...]


def save_grid(
    layout: Layout,
    path_of: Callable[[PictureRecord], Path],
    out: Path,
    *,
    cell: int = 512,
    caption: str = "",
    details: str = "",
) -> Path:
    """Write the layout as a contact sheet; the suffix of `out` chooses PNG, JPEG or WebP.

    `cell` is the height of a row in pixels, less where the sheet would become too large. `caption` is the
    prompt, `details` a line below it. The file appears at once and whole, or not at all. Returns `out`.

    Raises:
        UsageError: the suffix is none of these.
    """
    form = _FORMATS.get(out.suffix.lower())
    if form is None:
        hint = did_you_mean(out.suffix, _FORMATS)
        raise UsageError(
            [Mistake(out.name, f"a grid is saved as {listing(_FORMATS)}, not {out.suffix!r}{hint}")]
        )
    plan = _plan(layout, cell, caption, details)
    excess = max(
        sqrt(plan.width * plan.height / MOST_PIXELS), max(plan.width, plan.height) / _LONGEST_SIDE[form]
    )
    if excess > 1:
        plan = _plan(layout, int(cell / excess / 1.02), caption, details)
    sheet = _paint(plan, path_of)
    _write(sheet, out, form, caption, details)
    return out


def _plan(layout: Layout, cell: int, caption: str, details: str) -> _Plan:
    geometry = measure(layout, scale=cell / measure(layout).height)
    size = max(11, cell // 20)
    gap, line = max(4, cell // 40), round(size * 1.6)
    left = 2 * gap
    if layout.row_labels:
        left += round(max(text_width(label.text, size) for label in layout.row_labels)) + gap
    rows = list(_rows(layout, geometry, gap))
    right = max((left + x + geometry.widths[column] for row in rows for _, column, x in row[2]), default=left)
    width = max(right + 2 * gap, 24 * size)
    notes, places = [], []
    top = 2 * gap
    texts = [(text, _INK) for text in wrap_text(shorten(caption, 600), size, width - 4 * gap, _PROMPT_LINES)]
    texts += [(text, _GREY) for text in wrap_text(shorten(details, 300), size, width - 4 * gap, 1)]
    for text, colour in texts:
        notes.append(_Note(text, 2 * gap, top, 0, colour))
        top += line
    top += gap
    for heading, label, cells in rows:
        if heading is not None:
            if heading:
                notes.append(_Note(heading, 2 * gap, top + gap, 0, _INK))
                top += line + gap
            notes += _column_notes(layout, geometry, left, top, gap)
            top += line if layout.column_labels and not layout.wraps else gap
        if label is not None:
            notes.append(_Note(label.text, left - gap, top + (geometry.height - size) / 2, 1))
        for it, column, x in cells:
            places.append(_Place(it, column, left + x, top, geometry.widths[column]))
            if layout.wraps:
                middle = left + x + geometry.widths[column] / 2
                notes.append(_Note(it.caption.text, middle, top + geometry.height + gap // 2, 0.5))
        top += geometry.height + gap + (line if layout.wraps else 0)
    return _Plan(width, top + gap, size, geometry, tuple(places), tuple(notes))


_Row = tuple[str | None, Label | None, list[tuple[Cell, int, int]]]
"""A page's caption on its first row, the row's label, and each cell with its column and its left edge."""


def _rows(layout: Layout, geometry: Geometry, gap: int) -> Iterator[_Row]:
    for page in layout.pages:
        if layout.wraps:
            for index, cells in enumerate(_lines(page.cells[0], geometry, gap)):
                yield (page.caption if index == 0 else None), None, cells
            continue
        edges = _edges(geometry, gap)
        for index, row in enumerate(page.cells):
            placed = [(it, column, edges[column]) for column, it in enumerate(row) if it is not None]
            yield (
                page.caption if index == 0 else None,
                layout.row_labels[index] if layout.row_labels else None,
                placed,
            )


def _edges(geometry: Geometry, gap: int) -> list[int]:
    edges = [0]
    for width in geometry.widths:
        edges.append(edges[-1] + width + gap)
    return edges


def _lines(
    cells: Sequence[Cell | None], geometry: Geometry, gap: int
) -> Iterator[list[tuple[Cell, int, int]]]:
    """A wrapping layout's cells, line by line."""
    widest = PAGE_WIDTH * geometry.height // 150
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


def _column_notes(layout: Layout, geometry: Geometry, left: int, top: int, gap: int) -> list[_Note]:
    if layout.wraps:
        return []
    edges = _edges(geometry, gap)
    middles = [(start + end - gap) / 2 for start, end in pairwise(edges)]
    return [
        _Note(label.text, left + middle, top, 0.5)
        for label, middle in zip(layout.column_labels, middles, strict=False)
    ]


def _paint(plan: _Plan, path_of: Callable[[PictureRecord], Path]) -> Image.Image:
    sheet = Image.new("RGB", (plan.width, plan.height), _PAPER)
    canvas = ImageDraw.Draw(sheet)
    for note in plan.notes:
        left = note.x - note.align * text_width(note.text, plan.text_size)
        draw_text(canvas, (left, note.top), note.text, plan.text_size, note.colour)
    for place in plan.places:
        box = plan.geometry.fit(place.cell, place.column)
        try:
            _paste(sheet, place, box, plan, path_of)
        except PictureError as error:
            _explain(canvas, place, plan, ["unreadable", str(error)], _RED)
    return sheet


def _paste(
    sheet: Image.Image,
    place: _Place,
    box: tuple[int, int],
    plan: _Plan,
    path_of: Callable[[PictureRecord], Path],
) -> None:
    canvas = ImageDraw.Draw(sheet)
    picture = place.cell.picture
    if picture is None:
        failed = place.cell.job.status == "failed"
        _explain(canvas, place, plan, _why(place.cell.job), _RED if failed else _GREY)
        return
    image = load(path_of(picture), box)
    left = place.left + (place.width - image.width) // 2
    top = place.top + (plan.geometry.height - image.height) // 2
    sheet.paste(image, (left, top), image if image.mode == "RGBA" else None)
    if place.cell.more:
        text = f"+{place.cell.more}"
        pad = plan.text_size // 3
        corner = (left + image.width, top + image.height)
        start = (
            corner[0] - text_width(text, plan.text_size) - 3 * pad,
            corner[1] - plan.text_size - 3 * pad,
        )
        canvas.rectangle((*start, corner[0] - 1, corner[1] - 1), fill=(40, 40, 40))
        draw_text(canvas, (start[0] + 1.5 * pad, start[1] + pad), text, plan.text_size, _PAPER)


def _why(job: JobRecord) -> list[str]:
    price = count(job.credits, "credit") if job.status == "failed" else ""
    return [line for line in (state_word(job), explanation(job), price) if line]


def _explain(
    canvas: ImageDraw.ImageDraw, place: _Place, plan: _Plan, lines: list[str], colour: Colour
) -> None:
    """A box of the picture's shape, or wider where words need it, with the words in its middle."""
    height, size = plan.geometry.height, plan.text_size
    shape = plan.geometry.fit(place.cell, place.column)
    width = min(place.width, max(shape[0], 9 * size))
    left, tall = place.left + (place.width - width) // 2, max(shape[1], min(height, 5 * size))
    low = place.top + (height - tall) // 2
    edge = _RED if colour == _RED else _EDGE
    canvas.rectangle((left, low, left + width - 1, low + tall - 1), fill=_EMPTY, outline=edge)
    room = width - size
    wrapped = [piece for line in lines for piece in wrap_text(shorten(line, 200), size, room, 3)]
    step = round(size * 1.5)
    top = place.top + max(0, (height - step * len(wrapped)) // 2)
    for index, line in enumerate(wrapped):
        start = place.left + (place.width - text_width(line, size)) / 2
        draw_text(canvas, (start, top + index * step), line, size, colour)


def _write(sheet: Image.Image, out: Path, form: str, caption: str, details: str) -> None:
    options: dict[str, object] = {"quality": 90} if form != "PNG" else {}
    if form == "PNG":
        info = PngInfo()
        info.add_itxt("Title", caption)
        info.add_itxt("Description", details)
        options["pnginfo"] = info
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=out.parent, suffix=out.suffix, delete=False) as file:
        temporary = Path(file.name)
    try:
        sheet.save(temporary, form, **options)
        temporary.chmod(0o644)
        temporary.replace(out)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
