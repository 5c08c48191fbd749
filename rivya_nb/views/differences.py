"""How much each axis of a grid changes the pictures, as HTML tables that also work in untrusted notebooks and
dark themes.

Above, for each axis, a histogram of its differences with their median in words. Below, the grid itself, with
the distance of each picture from its neighbours as a number on a shade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rivya_nb.contract.text import count, printable
from rivya_nb.measures.metric import Difference
from rivya_nb.measures.pairs import AxisDifferences, Coordinates, Spread, floor_of
from rivya_nb.views.histogram import HEIGHT, Bar, Shade, bars, shade_colour
from rivya_nb.views.layout import Cell, Label, Layout
from rivya_nb.views.models import text_table

_SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
_FULL = 0.5
"""A distance that differs from the median by this part of it gets the full shade."""

ABOUT = (
    ("structure", "1 − SSIM of the lightness: 0 is the same, about 1 has nothing in common"),
    ("colour", "mean CIEDE2000: 0 is the same, about 1 just visible, 100 black against white"),
)
FOOT = (
    "Compared are {noun}s that share every value but one, each stretched to the same small square; "
    "between shapes, the stretching counts too. The numbers know nothing of what is shown, or how good it is."
)
FLOOR = (
    "Grey is the noise floor: 19 of 20 differences between {noun}s of the very same request lie within it. A "
    "single difference that is no larger may be chance; whether many of them together are, effects() tests."
)
NO_FLOOR = (
    "No two {noun}s here are of the very same request, so how much of this is chance is not known; replicates=2 "
    "(--replicates 2), or a run's extend(replicates=1), asks each once more."
)
WITHIN = "mostly within the noise"


@dataclass(frozen=True)
class DifferencesView:
    """The differences along each axis, and by place how far each picture is `apart` from its neighbours.
    `noun` is the word for what was compared, and `about_frames` says which frames of videos were."""

    axes: Sequence[AxisDifferences]
    apart: Mapping[Coordinates, Difference]
    layout: Layout
    notes: Sequence[str] = ()
    noun: str = "picture"
    about_frames: str = ""

    @property
    def title(self) -> str:
        return f"Differences of {count(len(self.apart), self.noun)}"

    @property
    def foot(self) -> str:
        """What was compared, and how."""
        frames = f" {self.about_frames}." if self.about_frames else ""
        return f"{FOOT.format(noun=self.noun)}{frames}"

    @property
    def about_noise(self) -> str:
        return (FLOOR if self._floor else NO_FLOOR).format(noun=self.noun)

    @property
    def _floor(self) -> AxisDifferences | None:
        return next((axis for axis in self.axes if axis.is_floor), None)

    def floor(self, kind: str) -> float | None:
        """Where the noise floor ends; None where it is not known."""
        return None if self._floor is None else floor_of(getattr(self._floor, kind))

    def verdict(self, kind: str, axis: AxisDifferences) -> str:
        """That half of an axis' differences or more are no larger than those of chance are, if so."""
        spread: Spread | None = getattr(axis, kind)
        floor = None if axis.is_floor else self.floor(kind)
        return WITHIN if spread is not None and floor is not None and spread.median <= floor else ""


@dataclass(frozen=True)
class _Strip:
    bars: tuple[Bar, ...]
    words: str
    title: str
    verdict: str


@dataclass(frozen=True)
class _Kind:
    """One of the two measures: the end `top` of its scale, a strip for each axis, and shaded pages."""

    name: str
    about: str
    top: str
    strips: tuple[_Strip | None, ...]
    middle: str
    pages: tuple[tuple[tuple[Shade, ...], ...], ...]


def differences_html(view: DifferencesView) -> str:
    """The view as static HTML."""
    from rivya_nb.views.run_html import environment

    return environment().get_template("differences.html").render(
        view=view,
        kinds=[_kind(view, name, about) for name, about in ABOUT],
        names=[printable(axis.name) for axis in view.axes],
        pairs=[_pair_words(axis, view.noun) for axis in view.axes],
        captions=[page.caption for page in view.layout.pages if not page.further],
        height=HEIGHT,
        foot=view.foot,
        noise=view.about_noise,
    )  # fmt: skip


def differences_text(view: DifferencesView) -> str:
    """The medians along each axis as plain text, with the middle half of the differences."""
    headings = ("only this differs", *(name for name, _ in ABOUT), "pairs")
    rows = [
        (
            printable(axis.name),
            *(
                ", ".join(filter(None, [_spread_words(kind, getattr(axis, kind)), view.verdict(kind, axis)]))
                for kind, _ in ABOUT
            ),
            _pair_words(axis, view.noun),
        )
        for axis in view.axes
    ]
    about = [f"{name}: {words}" for name, words in ABOUT]
    title = f"{view.title}: median (middle half)"
    return "\n".join(
        [
            title,
            *text_table(headings, rows),
            *about,
            view.foot,
            view.about_noise,
            *view.notes,
        ]
    )


def number_words(kind: str, number: float) -> str:
    """`0.62` of structure, `14.3` of colour."""
    return f"{number:.2f}" if kind == "structure" else f"{number:.1f}"


def _spread_words(kind: str, spread: Spread | None) -> str:
    if spread is None:
        return "–"
    low, middle, high = (number_words(kind, each) for each in (spread.low, spread.median, spread.high))
    return f"{middle} ({low}–{high})"


def _pair_words(axis: AxisDifferences, noun: str) -> str:
    if not axis.pairs:
        return f"no two {noun}s to compare"
    return str(axis.pairs) if axis.pairs == axis.possible else f"{axis.pairs} drawn of {axis.possible:,}"


def _kind(view: DifferencesView, name: str, about: str) -> _Kind:
    spreads: list[Spread | None] = [getattr(axis, name) for axis in view.axes]
    floor = view.floor(name) or 0.0
    largest = max((spread.values[-1] for spread in spreads if spread), default=0.0)
    top = next((scale for scale in _SCALES if scale >= largest), _SCALES[-1])
    apart: dict[Coordinates, float] = {place: getattr(each, name) for place, each in view.apart.items()}
    middle = median(apart.values()) if apart else 0.0
    return _Kind(
        name=name,
        about=about,
        top=f"{top:g}",
        strips=tuple(
            None if spread is None else _strip(name, spread, top, floor, view.verdict(name, axis))
            for axis, spread in zip(view.axes, spreads, strict=True)
        ),
        middle=number_words(name, middle),
        pages=tuple(
            tuple(tuple(_shade(name, cell, apart, middle) for cell in row) for row in page.cells)
            for page in view.layout.pages
            if not page.further
        ),
    )


def _strip(kind: str, spread: Spread, top: float, floor: float, verdict: str) -> _Strip:
    low, high = number_words(kind, spread.values[0]), number_words(kind, spread.values[-1])
    words = _spread_words(kind, spread)
    return _Strip(
        bars(spread.values, spread.median, 0, top, floor),
        words,
        f"{kind}: {words}, all {low}–{high}",
        verdict,
    )


def _shade(kind: str, cell: Cell | None, apart: Mapping[Coordinates, float], middle: float) -> Shade:
    number = None if cell is None else apart.get(cell.place)
    if cell is None or number is None:
        return Shade(cell.label if cell else Label("", ""), "", "transparent", "nothing to compare")
    away = (number - middle) / (_FULL * middle) if middle else 0.0
    words = number_words(kind, number)
    return Shade(
        label=cell.label,
        words=words,
        colour=shade_colour(away),
        title=f"{cell.label.full}: {kind} {words}; the middle of all is {number_words(kind, middle)}",
    )
