"""What measures gave for some pictures, as static HTML and as text.

There is a line with a histogram for each number, and the grid with the numbers on shades. It also works in
untrusted notebooks and dark themes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from rivya_nb.contract.text import printable
from rivya_nb.measures.pairs import spread
from rivya_nb.views.cells import Figure
from rivya_nb.views.histogram import HEIGHT, Bar, Shade, bars, shade_colour
from rivya_nb.views.layout import Cell, Label, Layout
from rivya_nb.views.models import text_table

_MOST_SHADED = 3
"""Numbers that are shown in the grid; of more, the table has all."""

_AWAY_PART = 20
"""The outermost twentieth of the numbers has the full shade, so that one far off leaves colour for others."""

_FAINT, _FULL = (40, 40, 40), {True: (176, 82, 0), False: (24, 92, 190)}
"""The colours behind figures on pictures, by whether they are above the median: white is legible on them."""


@dataclass(frozen=True)
class Line:
    """The numbers of one measure or of one part of it: for pairs of one `axis`, of which `possible` pairs there
    are. `means` says what a high one means, and the unit."""

    name: str
    values: Sequence[float]
    about: str = ""
    means: str = ""
    axis: str = ""
    possible: int = 0


@dataclass(frozen=True)
class MeasuresView:
    """All lines of some pictures; `by_place` has the number of each place by the name of the line and the key of
    the cell. `noun` is the word for what was measured. `troubles` are what failed, `notes` what else the reader
    must know."""

    title: str
    subject: str
    lines: Sequence[Line]
    by_place: Mapping[str, Mapping[str, float]]
    layout: Layout
    noun: str = "picture"
    is_of_pairs: bool = False
    troubles: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Row:
    name: str
    axis: str
    about: str
    means: str
    bars: tuple[Bar, ...]
    range: str
    words: str
    count: str
    title: str


@dataclass(frozen=True)
class _Page:
    caption: str
    rows: tuple[tuple[Shade, ...], ...]


@dataclass(frozen=True)
class _Shaded:
    name: str
    middle: str
    pages: tuple[_Page, ...]


def measures_html(view: MeasuresView) -> str:
    """The view as static HTML."""
    from rivya_nb.views.run_html import environment

    shaded = {name: values for name, values in view.by_place.items() if values}
    # A measure's name has neither spaces nor points; its parts and frames stand behind them.
    abouts = {line.name.split()[0].partition(".")[0]: line.about for line in view.lines if line.about}
    return environment().get_template("measures.html").render(
        view=view,
        rows=_rows(view),
        has_axes=view.is_of_pairs,
        noun=_noun(view),
        height=HEIGHT,
        layout=view.layout,
        places=[_shaded(name, shaded[name], view.layout) for name in list(shaded)[:_MOST_SHADED]],
        abouts=[{"name": name, "text": text} for name, text in abouts.items()],
        foot=_foot(view),
    )  # fmt: skip


def measures_text(view: MeasuresView) -> str:
    """The median of each number with the middle half, and what failed."""
    rows = _rows(view)
    axis = ("only this differs",) if view.is_of_pairs else ()
    headings = ("measure", *axis, "median (middle half)", "lowest to highest", _noun(view))
    cells = [
        (row.name, *((row.axis,) if view.is_of_pairs else ()), row.words or "–", row.range, row.count)
        for row in rows
    ]
    lines = text_table(headings, cells) if cells else []
    return "\n".join([f"{view.title}: {view.subject}", *lines, *view.troubles, *view.notes])


def figure_words(number: float) -> str:
    """A number in three digits, as `0.520` or `12,345`; a whole number below a thousand is `12`."""
    if 999.5 <= abs(number) < 1e9:
        return f"{number:,.0f}"
    return f"{number:.3g}" if float(number).is_integer() else f"{number:#.3g}".rstrip(".")


def figures(name: str, values: Mapping[str, float]) -> dict[str, Figure]:
    """A figure for each key of a cell, on a colour: blue below the median of all, orange above."""
    scale = _Scale.of(values.values())
    return {
        key: Figure(figure_words(number), _mixed(scale.away(number)), f"{name} {figure_words(number)}")
        for key, number in values.items()
        if math.isfinite(number)
    }


def figure_hint(values: Mapping[str, float]) -> str:
    """What the colours of figures mean."""
    return (
        f"blue is below the median of all ({figure_words(_Scale.of(values.values()).middle)}), orange above"
    )


def _mixed(away: float) -> str:
    part = min(1.0, abs(away))
    mixed = (round(low + (high - low) * part) for low, high in zip(_FAINT, _FULL[away > 0], strict=True))
    return f"rgba({','.join(map(str, mixed))},0.85)"


@dataclass(frozen=True)
class _Scale:
    """How far numbers are from their median, where most are within −1 to 1."""

    middle: float
    reach: float

    @classmethod
    def of(cls, values: Iterable[float]) -> _Scale:
        known = sorted(filter(math.isfinite, values))
        if not known:
            return cls(0.0, 0.0)
        middle = median(known)
        ends = quantiles(known, n=_AWAY_PART, method="inclusive") if len(known) > 1 else known
        return cls(middle, max(ends[-1] - middle, middle - ends[0]))

    def away(self, number: float) -> float:
        return (number - self.middle) / self.reach if self.reach else 0.0


def _rows(view: MeasuresView) -> list[_Row]:
    """A row for each line; those of one number have one scale, so that they compare."""
    every: dict[str, list[float]] = {}
    for line in view.lines:
        every.setdefault(line.name, []).extend(line.values)
    return [_row(line, every[line.name]) for line in view.lines]


def _row(line: Line, scale: Sequence[float]) -> _Row:
    found = spread(line.values)
    number = f"{len(line.values):,}"
    count = f"{number} drawn of {line.possible:,}" if line.possible > len(line.values) else number
    if found is None:
        return _Row(line.name, line.axis, line.about, line.means, (), "", "", count, "")
    low, high = found.values[0], found.values[-1]
    words = f"{figure_words(found.median)} ({figure_words(found.low)} to {figure_words(found.high)})"
    ends = f"{figure_words(low)} to {figure_words(high)}"
    return _Row(
        name=line.name,
        axis=printable(line.axis),
        about=line.about,
        means=line.means,
        bars=bars(found.values, found.median, min(scale), max(scale)),
        range=ends,
        words=words,
        count=count,
        title=f"{line.name}: {words}, all {ends}",
    )


def _shaded(name: str, values: Mapping[str, float], layout: Layout) -> _Shaded:
    scale = _Scale.of(values.values())

    def one(cell: Cell | None) -> Shade:
        number = math.nan if cell is None else values.get(cell.key, math.nan)
        if cell is None or not math.isfinite(number):
            return Shade(cell.label if cell else Label("", ""), "", "transparent", "no number")
        words = figure_words(number)
        return Shade(
            cell.label, words, shade_colour(scale.away(number)), f"{cell.label.full}: {name} {words}"
        )

    pages = tuple(
        _Page(page.caption, tuple(tuple(map(one, row)) for row in page.cells))
        for page in layout.pages
        if not page.further
    )
    return _Shaded(name, figure_words(scale.middle), pages)


def _noun(view: MeasuresView) -> str:
    return "pairs" if view.is_of_pairs else f"{view.noun}s"


def _foot(view: MeasuresView) -> str:
    what = "Blue is below the median of all, orange above."
    if not view.is_of_pairs:
        return what
    return (
        f"Each number is the median of a {view.noun}'s pairs with its neighbours, which share all but one value "
        f"with it. {what}"
    )
