"""What is drawn in each place of a grid: a picture, or a sign and words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from rivya_nb.contract.text import printable
from rivya_nb.store.records import UNFINISHED, JobRecord, Marks
from rivya_nb.views.geometry import (
    FILLED,
    MINIMUM_WIDTH,
    Columns,
    Geometry,
    Span,
    columns,
    plain_lines,
    spans,
)
from rivya_nb.views.layout import Cell, Label, Layout
from rivya_nb.views.players import Player
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import (
    cost,
    exclusion_words,
    explanation,
    joined,
    marks_badge,
    moving_words,
    reason,
    seconds,
    sign,
    state,
    state_word,
    unseen_kind,
    unseen_words,
)

_ALT_LENGTH = 90
_TITLE_LENGTH = 200
_TEXT_WIDTH = 7
_LINE_HEIGHT = 16
"""CSS pixels of a small letter and a line of them, to estimate what fits into a cell."""

_FEWEST_LETTERS = 20
"""A shorter message says nothing; the title has all of it."""

_WORDS_HEIGHT = 80
"""CSS pixels for a sign, a word and a note."""

_FOOT, _ABOVE_SIGN = "4px", "19%"
"""The space below words in a picture's lower corner; the play sign of a poster stands there."""

Price = Callable[[JobRecord], str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number on a picture: its words, the colour behind it, and what it is in full."""

    words: str
    colour: str
    title: str


NO_FIGURES: Mapping[str, Figure] = {}
NO_PLAYERS: Mapping[str, Player] = {}
NO_MARKS: Mapping[str, Marks] = {}
NO_ORIGINS: Mapping[str, str] = {}


@dataclass(frozen=True)
class DrawnCell:
    """One place. `width` and `height` are those of the place in CSS pixels where a page has no styles, `image_*`
    those of the picture in it. `part` is the percentage of the place's width that the picture has, and `shape` its
    height in percent of its width; `span` is the width of a place in a row that wraps. `foot` is how far above its
    lower edge its words begin.

    With a thumbnail it shows the picture; otherwise `sign`, `word` and `notes` say why there is none, in a
    box of the picture's shape, or larger if words would not fit. If `word` is empty, there is nothing, and in
    a `hole` nothing was asked for. `caption` says in full what tells it from the others.
    """

    width: int
    height: int
    label: Label
    caption: str = ""
    span: Span | None = None
    title: str = ""
    alt: str = ""
    thumbnail: Thumbnail | None = None
    image_width: int = 0
    image_height: int = 0
    part: float = 100
    shape: float = 100
    foot: str = _FOOT
    more: str = ""
    least: int = MINIMUM_WIDTH
    status: str = ""
    sign: str = ""
    word: str = ""
    notes: tuple[str, ...] = ()
    hole: bool = False
    marks: str = ""
    origin: str = ""
    figure: Figure | None = None
    player: Player | None = None


@dataclass(frozen=True)
class DrawnPage:
    """One page of a layout; a grid has `columns`, a row that wraps has none."""

    caption: str
    rows: tuple[tuple[DrawnCell, ...], ...]
    columns: Columns | None = None

    @property
    def lines(self) -> list[tuple[DrawnCell, ...]]:
        """The places of a row that wraps, in lines for pages without styles, but those that are empty."""
        held = tuple(cell for cell in self.rows[0] if cell.word)
        return [held[line] for line in plain_lines([cell.width for cell in held])]


def draw(
    layout: Layout,
    geometry: Geometry,
    thumbnails: Mapping[str, Thumbnail | None],
    now: float,
    lost: Collection[str] = (),
    marks: Mapping[str, Marks] = NO_MARKS,
    origins: Mapping[str, str] = NO_ORIGINS,
    price: Price = cost,
    figures: Mapping[str, Figure] = NO_FIGURES,
    players: Mapping[str, Player] = NO_PLAYERS,
) -> tuple[DrawnPage, ...]:
    """All pages of a layout, place by place. `lost` has the keys of cells whose picture's file is gone,
    `marks` the marks by job id, and `origins` where a job's picture comes from; `price` gives the words for what
    a job cost; `figures` has the number of each cell by its key, and `players` what plays there."""
    places = spans(geometry) if layout.wraps else None
    artist = _Artist(geometry, places, thumbnails, now, lost, marks, origins, price, figures, players)
    shared = None if layout.wraps else columns(layout, geometry)
    return tuple(
        DrawnPage(
            page.caption,
            tuple(
                tuple(artist.place(cell, column, page.further) for column, cell in enumerate(row))
                for row in page.cells
            ),
            shared,
        )
        for page in layout.pages
    )


@dataclass(frozen=True)
class _Artist:
    """What all places of a drawing share."""

    geometry: Geometry
    places: tuple[Span, ...] | None
    thumbnails: Mapping[str, Thumbnail | None]
    now: float
    lost: Collection[str]
    marks: Mapping[str, Marks]
    origins: Mapping[str, str]
    price: Price
    figures: Mapping[str, Figure]
    players: Mapping[str, Player]

    def place(self, cell: Cell | None, column: int, further: bool) -> DrawnCell:
        geometry = self.geometry
        width, height = geometry.widths[column], geometry.height
        if cell is None:
            return DrawnCell(width, height, Label("", ""), hole=not further)
        job, shown = cell.job, self.thumbnails.get(cell.key)
        marks = self.marks.get(job.id, Marks())
        gone = shown is None and cell.key in self.lost
        left_out = cell.picture is not None and cell.key in self.thumbnails and shown is None
        image_width, image_height = geometry.fit(cell, column)
        box = (max(image_width, MINIMUM_WIDTH), max(image_height, _WORDS_HEIGHT))
        filled = 100 if self.places is None else FILLED
        origin = self.origins.get(job.id, "")
        return DrawnCell(
            width=width,
            height=height,
            label=cell.caption,
            span=None if self.places is None else self.places[column],
            caption=printable(joined([cell.caption.full, _seed(cell)]), _TITLE_LENGTH),
            title=_title(cell, origin, self.price, exclusion_words(marks)),
            alt=_alt(cell),
            thumbnail=shown,
            image_width=image_width,
            image_height=image_height,
            part=round(filled * geometry.part(cell, column), 2),
            shape=round(100 * image_height / image_width, 2),
            foot=_FOOT if cell.picture is None or cell.picture.medium == "image" else _ABOVE_SIGN,
            more=cell.further,
            status=job.status,
            sign="!" if gone else sign(job),
            word="file gone" if gone else origin or state_word(job),
            notes=() if gone else _left_out(cell) if left_out else _notes(job, box, self.now, self.price),
            marks=marks_badge(marks),
            origin=origin,
            figure=self.figures.get(cell.key),
            player=self.players.get(cell.key),
        )


def _left_out(cell: Cell) -> tuple[str, ...]:
    """Why an existing picture is not shown."""
    kind = unseen_kind(cell.picture)
    return (unseen_words(kind) if kind else "not shown here",)


def _notes(job: JobRecord, box: tuple[int, int], now: float, price: Price) -> tuple[str, ...]:
    if job.status in UNFINISHED:
        age = now - job.submitted_at if job.submitted_at is not None and job.status != "queued" else 0
        return (seconds(age),) if age >= 1 else ()
    if job.status == "failed":
        width, height = box
        wrapped = len(state_word(job)) * _TEXT_WIDTH > width
        room = width // _TEXT_WIDTH * ((height - _WORDS_HEIGHT) // _LINE_HEIGHT - wrapped)
        message = printable(explanation(job), room) if room >= _FEWEST_LETTERS else ""
        return tuple(note for note in (message, price(job)) if note)
    return (explanation(job),) if explanation(job) else ()


def _title(cell: Cell, origin: str, price: Price, excluded: str) -> str:
    job = cell.job
    lines = [
        joined([cell.caption.full, _seed(cell), moving_words(cell.picture) if cell.picture else ""]),
        origin or joined([state(job), price(job) if job.is_final else "", reason(job)]),
        f"{cell.further}, of the same place, not shown" if cell.more else "",
        excluded,
        job.prompt,
    ]
    return "\n".join(printable(line, _TITLE_LENGTH) for line in lines if line)


def _seed(cell: Cell) -> str:
    told = f"seed: {cell.job.seed}"
    return "" if cell.job.seed is None or told in cell.caption.full else told


def _alt(cell: Cell) -> str:
    told = moving_words(cell.picture) if cell.picture is not None else ""
    return joined([told, printable(cell.job.prompt, _ALT_LENGTH), cell.caption.text])
