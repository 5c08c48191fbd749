"""A grid as a figure of a paper: pictures with the values of both axes beside them, in letters of a paper's size.

It is drawn with matplotlib's objects alone: nothing of pyplot is touched. Lengths are in inches from the top left.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import Rectangle

from rivya_nb.contract.text import count, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, PictureError, UsageError
from rivya_nb.views.layout import Cell, Layout, Page
from rivya_nb.views.words import EXCLUDED, aspect_ratio, state_word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

    from rivya_nb.store.records import PictureRecord

DPI = 300
"""Pixels for an inch, as printers ask for."""

NARROWEST, WIDEST = 1.0, 60.0
"""Inches of a figure's width."""

_LEAST = 0.25
"""Inches of a picture's width in which something can be seen."""
_COMFORTABLE = 0.9
"""Inches of a picture in a row that is broken into lines."""
_GAP = 0.04
_LABELS = 0.28
"""The part of the width that labels of rows may take."""
_WIDEST_RATIO = 2.2
_LINE = 1.25
"""The height of a line in relation to the size of its letters."""
_SMALL = 0.875
_HEAD_LINES, _FOOT_LINES = 3, 2
_ON_SCREEN = 96
"""CSS pixels of an inch, and their half for screens with twice as many pixels."""
_Across = Literal["left", "center", "right"]
_Down = Literal["top", "center", "bottom"]
_BELOW: tuple[_Across, _Down] = ("center", "top")
_MIDDLE: tuple[_Across, _Down] = ("center", "center")
_INK, _QUIET, _FRAME = "#000000", "#555555", "#bbbbbb"


class PaperFigure(Figure):
    """A figure that shows itself in a notebook, also where no backend of matplotlib is active."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=2 * _ON_SCREEN)
        return data.getvalue(), {"width": round(self.get_size_inches()[0] * _ON_SCREEN)}


@dataclass(frozen=True)
class Lettered:
    """How a figure is lettered: a font's family, and the letters' size in points."""

    font: str
    size: float


def draw_figure(
    layout: Layout,
    values: Mapping[str, Sequence[str]],
    *,
    path_of: Callable[[PictureRecord], Path],
    load: Callable[[Path, tuple[int, int]], Image],
    excluded: Mapping[str, str],
    width: float,
    page: int | None,
    letters: Lettered,
) -> Figure:
    """One page of a layout, `width` inches wide. `values` are those of each axis, by its name, and `excluded` the
    reasons by job id. This decodes pictures.

    Raises:
        UsageError: there are several pages and none is named, or the pictures would be too small to be seen.
    """
    shown = _page(layout, page)
    return _Drawing(layout, shown, values, path_of, load, excluded, width, letters).figure()


def _page(layout: Layout, number: int | None) -> Page:
    pages = layout.pages
    if not pages:
        raise UsageError("There is nothing to draw: no request is in this grid.")
    if number is None:
        if len(pages) > 1:
            captions = listing(f"{at} ({page.caption})" for at, page in enumerate(pages[:6], 1))
            more = " …" if len(pages) > 6 else ""
            raise UsageError(
                f"This grid has {len(pages)} pages, and a figure is one of them: {captions}{more}. "
                "Choose it with figure(page=1), or other axes with grid(rows=…, cols=…)."
            )
        return pages[0]
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(pages):
        there = f"it takes 1 to {len(pages)}" if len(pages) > 1 else "there is one page, 1"
        raise UsageError([Mistake("page", f"{short_repr(number)} is no page; {there}")])
    return pages[number - 1]


class _Drawing:
    """One page, measured first and then drawn."""

    def __init__(
        self,
        layout: Layout,
        page: Page,
        values: Mapping[str, Sequence[str]],
        path_of: Callable[[PictureRecord], Path],
        load: Callable[[Path, tuple[int, int]], Image],
        excluded: Mapping[str, str],
        width: float,
        letters: Lettered,
    ) -> None:
        self._path_of, self._load, self._excluded = path_of, load, excluded
        self._wraps = layout.wraps
        self._caption = page.caption
        self._rows = list(values.get(layout.row_axis or "", ())) if layout.row_labels else []
        self._columns = list(values.get(layout.column_axis or "", ())) if layout.column_labels else []
        self._row_axis, self._column_axis = layout.row_axis or "", layout.column_axis or ""
        self._width = width
        texts = [*self._rows, *self._columns, self._row_axis, self._column_axis, self._caption]
        texts += [cell.caption.full for cell in layout.cells if self._wraps]
        families = _families(letters.font, "".join(texts))
        self._font = FontProperties(family=families, size=letters.size)
        self._small = FontProperties(family=families, size=letters.size * _SMALL)
        self._measure = RendererAgg(1, 1, 72)
        self._line = letters.size / 72 * _LINE
        self._value_line = self._line * _SMALL
        self._lines = self._broken(page)
        self._left = self._room_for_rows()
        self._cell, self._height = self._cell_size()
        heads = [] if self._wraps else self._columns
        self._heads = [self._wrap(each, self._cell, _HEAD_LINES) for each in heads]

    def figure(self) -> Figure:
        top = self._line * (bool(self._caption) + bool(self._column_axis)) + 2 * _GAP
        top += self._value_line * max(map(len, self._heads), default=0)
        feet = [self._feet(line) for line in self._lines]
        foot_lines = [max(map(len, foot), default=0) for foot in feet]
        heights = [self._height + self._value_line * lines + _GAP for lines in foot_lines]
        total = top + sum(heights)
        figure = PaperFigure(figsize=(self._width, total), dpi=DPI, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, self._width)
        axes.set_ylim(total, 0)
        axes.set_autoscale_on(False)
        self._draw_heads(axes, top)
        for row, (line, foot, at) in enumerate(zip(self._lines, feet, _starts(top, heights), strict=True)):
            self._draw_row(axes, row, at)
            for column, cell in enumerate(line):
                left = self._x(column)
                if cell is not None:
                    self._draw_cell(axes, cell, left, at)
                if column < len(foot):
                    below = (left + self._cell / 2, at + self._height + _GAP / 2)
                    self._write(axes, foot[column], below, _BELOW)
        return figure

    # Measuring

    def _broken(self, page: Page) -> list[tuple[Cell | None, ...]]:
        """The rows; a row that wraps is broken into lines."""
        if not self._wraps:
            return list(page.cells)
        (row,) = page.cells
        across = max(1, min(len(row), int(self._width / _COMFORTABLE)))
        return [row[start : start + across] for start in range(0, len(row), across)]

    def _room_for_rows(self) -> float:
        title = self._line if self._row_axis and self._rows else 0
        widest = max((self._length(each) for each in self._rows), default=0)
        return title + (min(widest, self._width * _LABELS) + 2 * _GAP if self._rows else 0)

    def _cell_size(self) -> tuple[float, float]:
        across = max(len(line) for line in self._lines)
        room = (self._width - self._left - _GAP * (across - 1)) / across
        if room < _LEAST:
            least = across * (_LEAST + _GAP) + self._left
            raise UsageError(
                f"{count(across, 'column')} on {self._width:g} inches leave {max(room, 0):.2f} inches for a "
                f"picture; give a width of at least {least:.1f}, or fewer columns."
            )
        shapes = [aspect_ratio(cell.job, cell.picture) for line in self._lines for cell in line if cell]
        # Every picture fits into a place of the widest one's shape.
        return room, room / min(max(shapes, default=1.0), _WIDEST_RATIO)

    def _x(self, column: int) -> float:
        return self._left + column * (self._cell + _GAP)

    def _feet(self, line: Sequence[Cell | None]) -> list[list[str]]:
        """The labels below the pictures of a row that wraps."""
        if not self._wraps:
            return []
        return [self._wrap(self._foot(cell), self._cell, _FOOT_LINES) if cell else [] for cell in line]

    def _foot(self, cell: Cell) -> str:
        """The value of the one axis, without the axis' name, which stands above."""
        if self._column_axis and cell.place and not cell.number:
            return self._columns[cell.place[0]]
        return cell.caption.full

    def _length(self, text: str) -> float:
        width, _, _ = self._measure.get_text_width_height_descent(text, self._small, False)
        return float(width) / 72

    def _wrap(self, text: str, room: float, most: int) -> list[str]:
        """The text on at most so many lines; an ellipsis stands for the rest."""
        lines = [""]

        def fits(part: str) -> bool:
            return self._length(part) <= room

        for word in _pieces(printable(text), fits):
            longer = f"{lines[-1]} {word.text}" if lines[-1] and not word.is_split else lines[-1] + word.text
            if fits(longer) or not lines[-1]:
                lines[-1] = longer
                continue
            lines.append(word.text)
            if len(lines) > most:
                break
        if len(lines) <= most:
            return [line for line in lines if line]
        last = lines[most - 1]
        while last and not fits(f"{last}…"):
            last = last[:-1]
        return [*lines[: most - 1], f"{last.rstrip()}…"]

    # Drawing

    def _write(
        self,
        axes: Axes,
        lines: Sequence[str],
        at: tuple[float, float],
        aligned: tuple[_Across, _Down],
        *,
        is_title: bool = False,
        is_sign: bool = False,
        is_upright: bool = True,
    ) -> None:
        axes.text(
            *at,
            "\n".join(lines),
            fontproperties=self._font if is_title else self._small,
            color=_QUIET if is_sign else _INK,
            horizontalalignment=aligned[0],
            verticalalignment=aligned[1],
            rotation=0 if is_upright else 90,
            linespacing=1.1,
            # A dollar in a prompt begins no formula.
            parse_math=False,
        )

    def _draw_heads(self, axes: Axes, top: float) -> None:
        middle = (self._left + self._width) / 2
        titles = [printable(title) for title in (self._caption, self._column_axis) if title]
        for number, title in enumerate(titles):
            self._write(axes, [title], (middle, _GAP / 2 + self._line * number), _BELOW, is_title=True)
        for column, lines in enumerate(self._heads):
            at = (self._x(column) + self._cell / 2, top - _GAP / 2)
            self._write(axes, lines, at, ("center", "bottom"))
        if self._row_axis and self._rows:
            at = (self._line / 2, top + len(self._lines) * (self._height + _GAP) / 2)
            axis = [printable(self._row_axis)]
            self._write(axes, axis, at, _MIDDLE, is_title=True, is_upright=False)

    def _draw_row(self, axes: Axes, row: int, at: float) -> None:
        if row < len(self._rows):
            room = self._left - 2 * _GAP - (self._line if self._row_axis else 0)
            lines = self._wrap(self._rows[row], room, max(1, int(self._height / self._value_line)))
            self._write(axes, lines, (self._left - _GAP, at + self._height / 2), ("right", "center"))

    def _draw_cell(self, axes: Axes, cell: Cell, left: float, top: float) -> None:
        shown = cell.without(self._excluded) or cell
        hides = len(shown.jobs) < len(cell.jobs)
        is_excluded = shown.job.id in self._excluded or (hides and shown.picture is None)
        image = None if is_excluded or shown.picture is None else self._picture(shown.picture)
        if image is None:
            gone = "file gone" if shown.picture else state_word(shown.job)
            word = f"{EXCLUDED} excluded" if is_excluded else gone
            box = (left, top), self._cell, self._height
            axes.add_patch(Rectangle(*box, fill=False, edgecolor=_FRAME, linewidth=0.5))
            middle = (left + self._cell / 2, top + self._height / 2)
            self._write(axes, self._wrap(word, self._cell, 2), middle, _MIDDLE, is_sign=True)
            return
        width, height = image.size
        scale = min(self._cell / width, self._height / height)
        across, down = width * scale, height * scale
        left, top = left + (self._cell - across) / 2, top + (self._height - down) / 2
        axes.imshow(image, extent=(left, left + across, top + down, top), aspect="auto")

    def _picture(self, picture: PictureRecord) -> Image | None:
        box = (max(1, round(self._cell * DPI)), max(1, round(self._height * DPI)))
        try:
            return self._load(self._path_of(picture), box)
        except PictureError:
            return None


def _starts(top: float, heights: Sequence[float]) -> Iterator[float]:
    for height in heights:
        yield top
        top += height


@dataclass(frozen=True)
class _Piece:
    """A word, or the next part of one that no line holds."""

    text: str
    is_split: bool = False


def _pieces(text: str, fits: Callable[[str], bool]) -> Iterator[_Piece]:
    for word in text.split(" "):
        first = True
        while word:
            end = len(word)
            if not fits(word):
                end = max(1, bisect_left(range(1, end), True, key=lambda length: not fits(word[:length])))
            yield _Piece(word[:end], is_split=not first)
            word, first = word[end:], False


def _families(font: str, text: str) -> list[str]:
    """The font, and then those that have the letters that it lacks.

    Raises:
        UsageError: no font of this family is installed.
    """
    families = [font]
    try:
        own = fontManager.findfont(FontProperties(family=families), fallback_to_default=False)
    except ValueError:
        hint = did_you_mean(font, {entry.name for entry in fontManager.ttflist})
        message = f"{short_repr(font)} is no family of fonts that is installed here{hint}"
        raise UsageError([Mistake("font", message)]) from None
    missing = {ord(letter) for letter in text if letter.isprintable()} - _letters(own)
    for entry in sorted(
        fontManager.ttflist, key=lambda entry: (not entry.name.startswith("Noto"), entry.name)
    ):
        if not missing:
            break
        if entry.style == "normal" and entry.name not in families and missing & _letters(entry.fname):
            families.append(entry.name)
            missing -= _letters(entry.fname)
    return families


@lru_cache(maxsize=512)
def _letters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())
