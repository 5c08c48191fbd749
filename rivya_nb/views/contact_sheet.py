"""Saves a layout as one picture or PDF: labelled rows and columns, with a caption.

The sheet is painted strip by strip and streamed into its file, so that memory holds one row of small pictures
at a time. The full caption also goes into the file's metadata.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

from rivya_nb.contract.text import count, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, PictureError, UsageError
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.thumbnails import decode
from rivya_nb.views.layout import Layout
from rivya_nb.views.lettering import LINE, Colour, letter
from rivya_nb.views.sheet_plan import GREY, CellBox, Sheet, Strip, plan_sheet
from rivya_nb.views.streaming import QUALITY, write_strips
from rivya_nb.views.thumbnails import WORKERS, Load
from rivya_nb.views.words import EXCLUDED, explanation, state_word, unseen_kind, unseen_words

_LONGEST_SIDE = {".png": 100_000, ".jpg": 65_535, ".jpeg": 65_535, ".webp": 16_383}
"""The most pixels a side: for PNG what programs still open, for the others what the format supports."""
_SUFFIXES = (*_LONGEST_SIDE, ".pdf")

_SMALLEST_CELL = 16

_NOTHING: Mapping[str, str] = {}

_PAPER: Colour = (255, 255, 255)
_EMPTY: Colour = (244, 244, 244)
_EDGE: Colour = (205, 205, 205)
_RED: Colour = (190, 40, 35)

_PDF_WIDTH = 3300
"""The most pixels across a page of a PDF: 280 dots an inch on A4."""
_PDF_RATIO = 1.42
"""The largest ratio of height to width of a PDF page: that of A4."""
_A4 = (8.27, 11.69)
"""Inches."""


def save_grid(
    layout: Layout,
    path_of: Callable[[PictureRecord], Path],
    out: Path,
    *,
    load: Load = decode,
    excluded: Mapping[str, str] = _NOTHING,
    cell: int = 512,
    caption: str = "",
    details: str = "",
) -> Path:
    """Write the layout as a contact sheet; the suffix of `out` decides between PNG, JPEG, WebP and PDF.

    `cell` is the height of a row in pixels; a PDF, with a page or more for each page of the layout, reduces
    it if a page would become too large. In the place of an `excluded` picture stands the reason, which is given
    by the id of its job. `caption` is the prompt, `details` a line below it. The file appears
    as a whole, or not at all. Returns `out`.

    Raises:
        UsageError: the suffix is another one, or the format does not support a sheet of that size.
        OSError: the file cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in _SUFFIXES:
        hint = did_you_mean(out.suffix, _SUFFIXES)
        raise UsageError(
            [
                Mistake(
                    out.name, f"a grid is saved as {listing(_SUFFIXES)}, not {short_repr(out.suffix)}{hint}"
                )
            ]
        )
    if isinstance(cell, bool) or not isinstance(cell, int) or cell < _SMALLEST_CELL:
        message = (
            f"{short_repr(cell)} is not a height; give a whole number of pixels from {_SMALLEST_CELL} on"
        )
        raise UsageError([Mistake("cell", message)])
    sheet = plan_sheet(layout, cell, caption, details)
    if suffix == ".pdf" and sheet.width > _PDF_WIDTH:
        sheet = plan_sheet(layout, max(1, cell * _PDF_WIDTH // sheet.width), caption, details)
    elif suffix != ".pdf":
        _check_size(sheet, suffix, cell)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{uuid.uuid4().hex}.part")
    painter = _Painter(sheet, path_of, load, excluded)
    try:
        if suffix == ".pdf":
            _write_pages(painter, part, caption, details)
        else:
            strips, size = painter.paint(sheet.strips), (sheet.width, sheet.height)
            with part.open("wb") as file:
                write_strips(strips, size, file, suffix, title=caption, description=details)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def _check_size(sheet: Sheet, suffix: str, cell: int) -> None:
    most, longest = _LONGEST_SIDE[suffix], max(sheet.width, sheet.height)
    if longest <= most:
        return
    fitting = int(cell * most / longest * 0.98)
    others = [other for other, side in _LONGEST_SIDE.items() if side >= longest and other != ".jpeg"]
    message = (
        f"a {suffix} has at most {most:,} pixels a side, and with cell={cell} this sheet has "
        f"{sheet.width:,} × {sheet.height:,}; cell={fitting} fits, or use {' or '.join([*others, '.pdf'])}"
    )
    raise UsageError([Mistake("cell", message)])


class _Painter:
    """Paints the strips of one sheet, and decodes the pictures of each in threads."""

    def __init__(
        self,
        sheet: Sheet,
        path_of: Callable[[PictureRecord], Path],
        load: Load,
        excluded: Mapping[str, str],
    ) -> None:
        self.sheet = sheet
        self._excluded = excluded
        self._path_of = path_of
        self._load = load

    def paint(self, strips: Sequence[Strip]) -> Iterator[Image.Image]:
        with ThreadPoolExecutor(WORKERS) as workers:
            for strip in strips:
                yield self._strip(strip, [workers.submit(self._picture, place) for place in strip.places])

    def _picture(self, place: CellBox) -> Image.Image | None:
        picture = place.cell.picture
        if picture is None or place.cell.job.id in self._excluded:
            return None
        size = self.sheet.geometry.fit(place.cell, place.column)
        loaded = self._load(self._path_of(picture), size)
        # In a row all have one height, also those whose original is smaller. A pixel less is a matter of rounding.
        is_small = size[1] - loaded.height > 1
        return loaded.resize(size, Image.Resampling.BICUBIC) if is_small else loaded

    def _strip(self, strip: Strip, pictures: list[Future[Image.Image | None]]) -> Image.Image:
        image = Image.new("RGB", (self.sheet.width, max(1, strip.height)), _PAPER)
        for note in strip.notes:
            text = letter(note.text, self.sheet.text_size, note.colour, width=note.width, lines=note.lines)
            text.paste(image, (note.x - note.align * text.width, note.top))
        for place in strip.places:
            try:
                # Removed from the list, so that its memory is freed after it was painted.
                picture = pictures.pop(0).result()
            except PictureError as error:
                kind = unseen_kind(place.cell.picture)
                words = [unseen_words(kind)] if kind else ["unreadable", str(error)]
                self._explain(image, place, words, GREY if kind else _RED)
                continue
            if picture is None:
                job = place.cell.job
                reason = self._excluded.get(job.id)
                words = [f"{EXCLUDED} excluded", reason] if reason and job.pictures else _why(job)
                self._explain(image, place, words, _RED if job.status == "failed" else GREY)
            else:
                self._place(image, place, picture)
        return image

    def _place(self, image: Image.Image, place: CellBox, picture: Image.Image) -> None:
        left = place.left + (place.width - picture.width) // 2
        top = place.top + (self.sheet.geometry.height - picture.height) // 2
        image.paste(picture, (left, top), picture if picture.mode == "RGBA" else None)
        if place.cell.more:
            size = self.sheet.text_size
            text = letter(place.cell.further, size, _PAPER, width=max(size, picture.width - size), lines=2)
            right, bottom = left + picture.width, top + picture.height
            edge = size * (LINE - 1.4) / 2
            start = (right - text.width - size, bottom - text.height - round(2 * edge))
            ImageDraw.Draw(image).rectangle((*start, right - 1, bottom - 1), fill=(40, 40, 40))
            text.paste(image, (start[0] + size / 2, start[1] + edge))

    def _explain(self, image: Image.Image, place: CellBox, lines: Sequence[str], colour: Colour) -> None:
        """A box of the picture's shape, or wider if the words need it, with the words in its middle."""
        height, size = self.sheet.geometry.height, self.sheet.text_size
        shape = self.sheet.geometry.fit(place.cell, place.column)
        width = min(place.width, max(shape[0], 9 * size))
        tall = max(shape[1], min(height, 5 * size))
        left, low = place.left + (place.width - width) // 2, place.top + (height - tall) // 2
        edge = _RED if colour == _RED else _EDGE
        box = (left, low, left + width - 1, low + tall - 1)
        ImageDraw.Draw(image).rectangle(box, fill=_EMPTY, outline=edge)
        room = width - size
        drawn = [
            letter(printable(line, 200), size, colour, width=room, lines=3, centred=True) for line in lines
        ]
        gap = size // 3
        top = place.top + max(0, (height - sum(text.height + gap for text in drawn)) // 2)
        for text in drawn:
            text.paste(image, (place.left + (place.width - room) / 2, top))
            top += text.height + gap


def _why(job: JobRecord) -> list[str]:
    price = count(job.credits, "credit") if job.status == "failed" else ""
    return [line for line in (state_word(job), explanation(job), price) if line]


def _write_pages(painter: _Painter, out: Path, title: str, subject: str) -> None:
    """Write a PDF page by page: one page is in memory at a time."""
    sheet = painter.sheet
    pages = list(_pdf_pages(sheet))
    height = max(sum(strip.height for strip in strips) for strips in pages)
    inches = _A4[1] if sheet.width > height else _A4[0]
    for number, strips in enumerate(pages):
        page = Image.new("RGB", (sheet.width, height), _PAPER)
        top = 0
        for strip, painted in zip(strips, painter.paint(strips), strict=True):
            page.paste(painted, (0, top))
            top += strip.height
        page.save(
            out,
            "PDF",
            append=number > 0,
            resolution=sheet.width / inches,
            quality=QUALITY,
            subsampling=0,
            title=title,
            subject=subject,
        )


def _pdf_pages(sheet: Sheet) -> Iterator[list[Strip]]:
    """The strips of each PDF page: each page of the layout begins a new one, and continues with its labels
    repeated."""
    most = sheet.width * _PDF_RATIO
    foot = Strip(sheet.margin)
    for head, rows in sheet.pages:
        labels = [head] if head.height else []
        page = [sheet.caption, *labels]
        room = most - sheet.caption.height - head.height
        for row in rows:
            if row.height > room and page[-1].places:
                yield [*page, foot]
                page = [Strip(2 * sheet.margin), *labels]
                room = most - 2 * sheet.margin - head.height
            page.append(row)
            room -= row.height
        yield [*page, foot]
