"""Places a run's cells on pages of rows and columns, before anything is drawn.

The first axis makes the rows, the second the columns, every further one pages. A single axis makes one row
that wraps, which is easier to read than one column. Several pictures of one task stand side by side in such a
row; in a grid the first one has the mark `+n`, or every further one makes a page.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rivya_nb.contract.text import did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.records import AxisRecord, JobRecord, PictureRecord, RunRecord
from rivya_nb.views.fact_axes import by_facts, number_axis
from rivya_nb.views.words import differences, noun_of

MOST_CELLS = 200
"""Places that have a picture of their own in one output; of more, a sample or a map is shown."""

_MOST_PAGES = 3
_MOST_COLUMNS = 8
"""Of more pages and columns, so many are in a sample."""

LABEL_LENGTH = 28
"""Characters of a label that are legible beside a row of pictures; the whole text is in its title."""

_MOST_NAMES = 2

_SPEAKING_AXES = ("prompt", "model", "")
"""Axes whose values are shown without the axis' name: whole texts, and an axis without a name."""

_SPEAKING_VALUE = re.compile(r"\d+:\d+|\d+x\d+|\d+K")


@dataclass(frozen=True, slots=True)
class Label:
    """The text beside a row, above a column or below a picture; `full` has the axis and the whole text."""

    text: str
    full: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the grid, with its shown job.

    `jobs` are all jobs with these coordinates, the shown one first; `more` counts what is not shown: further
    pictures, and further jobs without one. `number` counts a task's pictures from 1 if each has its own
    place, and is 0 if only the first is shown. `place` has an index into each axis' values.
    """

    label: Label
    jobs: tuple[JobRecord, ...]
    more: int = 0
    number: int = 0
    place: tuple[int, ...] = ()

    @property
    def job(self) -> JobRecord:
        return self.jobs[0]

    def without(self, excluded: Collection[str]) -> Cell | None:
        """The cell as it is without the jobs with these ids; None if no job is left."""
        jobs = tuple(job for job in self.jobs if job.id not in excluded)
        return replace(self, jobs=jobs) if jobs else None

    @property
    def picture(self) -> PictureRecord | None:
        return self.job.pictures[max(0, self.number - 1)] if self.job.pictures else None

    @property
    def key(self) -> str:
        """The id of the shown picture within a layout."""
        return f"{self.job.id}/{self.number}" if self.number > 1 else self.job.id

    @property
    def others(self) -> tuple[str, ...]:
        """What the further jobs of the place were asked for differently, by name: `aspect_ratio`."""
        return tuple(differences(self.job, self.jobs[1:])) if len(self.jobs) > 1 else ()

    @property
    def further(self) -> str:
        """How many things are not shown, and what is different about them: `+2 other aspect_ratio`."""
        if not self.more:
            return ""
        names = self.others
        what = listing(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
        return f"+{self.more} other {what}" if names else f"+{self.more}"

    @property
    def caption(self) -> Label:
        """The label, with the picture's number if the task has several."""
        if not self.number:
            return self.label
        numbered = f"{noun_of([self.job])} {self.number}"
        which = f"{numbered} of {len(self.job.pictures)}"
        if not self.label.text:
            return Label(numbered, which)
        return Label(f"{self.label.text} ({self.number})", f"{self.label.full} · {which}")


@dataclass(frozen=True, slots=True)
class Page:
    """One grid: `cells[row][column]`, None if nothing was asked for. A single page has no caption.

    A `further` page has the second or later pictures of tasks.
    """

    caption: str
    cells: tuple[tuple[Cell | None, ...], ...]
    further: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole grid as plain data. With `wraps`, each page has one row, which is broken at the end of a
    line."""

    pages: tuple[Page, ...]
    row_labels: tuple[Label, ...] = ()
    column_labels: tuple[Label, ...] = ()
    row_axis: str | None = None
    column_axis: str | None = None
    wraps: bool = False

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells with a job, page by page, row by row."""
        return tuple(cell for page in self.pages for row in page.cells for cell in row if cell is not None)


def arrange(
    run: RunRecord,
    jobs: Mapping[str, JobRecord],
    *,
    rows: str | None = None,
    cols: str | None = None,
    every: bool = False,
) -> Layout:
    """Lay out a run's jobs by its axes; `rows` and `cols` choose axes by their names, or facts.

    With only one of the two, the first remaining axis becomes the other. Several jobs with the same
    coordinates share a cell: the newest one with pictures is shown, else the newest. With `every`, all
    pictures of a shown job get a place: in a grid, the further ones make pages.

    Raises:
        UsageError: the run has no axis of that name, or one axis is asked for twice.
    """
    run, origins = by_facts(run, rows, cols)
    row, column = _choose(run.axes, rows, cols)
    cells = _cells(run, jobs)
    cells = (
        {place: replace(cell, place=origins[place]) for place, cell in cells.items()} if origins else cells
    )
    pages = [index for index in range(len(run.axes)) if index not in (row, column)]
    several = any(len(cell.job.pictures) > 1 for cell in cells.values())
    wraps = row is None and rows is None and cols is None and (column is not None or several)
    made = _pages(run.axes, cells, row, column, pages)
    if several and wraps:
        made = [replace(page, cells=tuple(map(_side_by_side, page.cells))) for page in made]
    elif several and every:
        made = [further for page in made for further in _one_by_one(page)]
    return Layout(
        pages=tuple(made),
        row_labels=_labels(run.axes, row),
        column_labels=_labels(run.axes, column),
        row_axis=None if row is None else run.axes[row].name,
        column_axis=None if column is None else run.axes[column].name,
        wraps=wraps,
    )


def _choose(axes: Sequence[AxisRecord], rows: str | None, cols: str | None) -> tuple[int | None, int | None]:
    names = [axis.name for axis in axes]
    facts = dict.fromkeys(name for axis in axes for row in axis.facts for name in row)
    mistakes = [
        Mistake(key, no_such_axis(name, [*names, *facts]))
        for key, name in (("rows", rows), ("cols", cols))
        if name is not None and name not in names
    ]
    if rows is not None and rows == cols:
        mistakes.append(Mistake("cols", f"{short_repr(rows)} is already the rows; choose another axis"))
    if mistakes:
        raise UsageError(mistakes)
    row = names.index(rows) if rows is not None else None
    column = names.index(cols) if cols is not None else None
    free = [index for index in range(len(names)) if index not in (row, column)]
    if row is None and free and (column is not None or len(free) > 1):
        row = free.pop(0)
    if column is None and free:
        column = free.pop(0)
    return row, column


def sides(axes: Sequence[AxisRecord], rows: str | None, cols: str | None) -> dict[str, str]:
    """What each axis makes of the grid, by its name: its `rows`, its `columns`, or `pages`.

    Raises:
        UsageError: as `arrange` does.
    """
    laid = by_facts(RunRecord(0, None, "", 0.0, tuple(axes), ()), rows, cols)[0].axes
    row, column = _choose(laid, rows, cols)
    alone = "a row" if row is None and cols is None else "columns"
    words = {row: "rows", column: alone}
    found = {axis.name: words.get(index, "pages") for index, axis in enumerate(laid)}
    for axis in axes:
        facts = {name for row in axis.facts for name in row}
        by_fact = next((found[name] for name in (rows, cols) if name in found and name in facts), "pages")
        found.setdefault(axis.name, found.get(number_axis(axis.name), by_fact))
    return found


def no_such_axis(name: object, names: Sequence[str]) -> str:
    """The message for a name that is not an axis of the run."""
    if not isinstance(name, str):
        return f"{short_repr(name)} is not an axis; give the name of an axis as text"
    if not names:
        return f"this run has no axis {short_repr(name)}; it has no axes"
    return f"this run has no axis {short_repr(name)}; it has {listing(names)}{did_you_mean(name, names)}"


def _cells(run: RunRecord, jobs: Mapping[str, JobRecord]) -> dict[tuple[int, ...], Cell]:
    together: dict[tuple[int, ...], dict[str, JobRecord]] = {}
    for record in run.cells:
        together.setdefault(record.coordinates, {})[record.job_id] = jobs[record.job_id]
    return {place: _cell(run.axes, place, list(group.values())) for place, group in together.items()}


def thinned(layout: Layout) -> tuple[Layout, str]:
    """A layout of so many places that an output holds, evenly chosen from all, and in words what is left out."""
    if len(layout.cells) <= MOST_CELLS:
        return layout, ""
    pages = evenly(len(layout.pages), _MOST_PAGES)
    room = MOST_CELLS // len(pages)
    widest = max(len(page.cells[0]) for page in layout.pages)
    highest = max(len(page.cells) for page in layout.pages)
    columns = evenly(widest, room if layout.wraps else max(_MOST_COLUMNS, room // highest))
    rows = evenly(highest, room // len(columns))

    def some(page: Page) -> Page:
        lines = [page.cells[row] for row in rows if row < len(page.cells)]
        cells = tuple(tuple(line[column] for column in columns if column < len(line)) for line in lines)
        return replace(page, cells=cells)

    made = replace(
        layout,
        pages=tuple(some(layout.pages[page]) for page in pages),
        row_labels=tuple(layout.row_labels[row] for row in rows) if layout.row_labels else (),
        column_labels=(
            tuple(layout.column_labels[column] for column in columns) if layout.column_labels else ()
        ),
    )
    kept = (
        (rows, highest, "rows"),
        (columns, widest, f"{noun_of(cell.job for cell in layout.cells)}s" if layout.wraps else "columns"),
        (pages, len(layout.pages), "pages"),
    )
    words = [f"{len(chosen):,} of {every:,} {noun}" for chosen, every, noun in kept if len(chosen) < every]
    return made, f"a sample: {', '.join(words)}"


def evenly(count: int, most: int) -> list[int]:
    """At most so many of `count` indices, evenly spaced, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [0] if most < 2 else [number * (count - 1) // (most - 1) for number in range(most)]


def row_of(axes: Sequence[AxisRecord], jobs: Sequence[tuple[tuple[int, ...], JobRecord]]) -> Layout:
    """Some jobs of a run, with their places, in a row that wraps; each by its first picture."""
    return Layout((Page("", (tuple(_cell(axes, place, [job]) for place, job in jobs),)),), wraps=True)


def place_label(axes: Sequence[AxisRecord], place: tuple[int, ...]) -> Label:
    """What stands below the picture of a place: its value on each axis."""
    values = [_label(axis.name, axis.labels[index]) for axis, index in zip(axes, place, strict=True)]
    return Label(" · ".join(label.text for label in values), " · ".join(label.full for label in values))


def _cell(axes: Sequence[AxisRecord], place: tuple[int, ...], group: list[JobRecord]) -> Cell:
    # The sort is stable: of several jobs with the same time, the last one counts as the newest.
    newest_last = sorted(group, key=lambda job: (bool(job.pictures), job.created_at))
    things = sum(max(1, len(job.pictures)) for job in group)
    return Cell(place_label(axes, place), tuple(reversed(newest_last)), things - 1, place=place)


def _pages(
    axes: Sequence[AxisRecord],
    cells: Mapping[tuple[int, ...], Cell],
    row: int | None,
    column: int | None,
    pages: Sequence[int],
) -> list[Page]:
    def at(fixed: Mapping[int, int]) -> Cell | None:
        return cells.get(tuple(fixed[index] for index in range(len(axes))))

    def line(fixed: Mapping[int, int]) -> tuple[Cell | None, ...]:
        if column is None:
            return (at(fixed),)
        return tuple(at({**fixed, column: index}) for index in range(len(axes[column].labels)))

    result = []
    for combination in itertools.product(*(range(len(axes[index].labels)) for index in pages)):
        fixed = dict(zip(pages, combination, strict=True))
        caption = " · ".join(
            _label(axes[axis].name, axes[axis].labels[value]).text for axis, value in fixed.items()
        )
        lines = (
            (line(fixed),)
            if row is None
            else tuple(line({**fixed, row: index}) for index in range(len(axes[row].labels)))
        )
        if any(cell is not None for cells_of_line in lines for cell in cells_of_line):
            result.append(Page(caption, lines))
    return result


def _side_by_side(row: tuple[Cell | None, ...]) -> tuple[Cell | None, ...]:
    """The row with one place for each picture of a shown job."""
    spread: list[Cell | None] = []
    for cell in row:
        count = 1 if cell is None else len(cell.job.pictures)
        spread += [cell] if count < 2 else [_numbered(cell, number) for number in range(1, count + 1)]
    return tuple(spread)


def _one_by_one(page: Page) -> Iterator[Page]:
    """The page with the first picture of each shown job, then one with the second pictures, and so on."""
    jobs = [cell.job for row in page.cells for cell in row if cell is not None]
    most, named = max(len(job.pictures) for job in jobs), noun_of(jobs)
    for number in range(1, max(1, most) + 1):
        caption = " · ".join(filter(None, [page.caption, f"{named} {number}" if most > 1 else ""]))
        cells = tuple(tuple(_numbered(cell, number) for cell in row) for row in page.cells)
        yield Page(caption, cells, further=number > 1)


def _numbered(cell: Cell | None, number: int) -> Cell | None:
    """The cell with that picture of its job, None if there is none; the first one also stands for the other
    jobs."""
    if cell is None or number > max(1, len(cell.job.pictures)):
        return None
    if len(cell.job.pictures) < 2:
        return cell
    if number > 1:
        return replace(cell, jobs=(cell.job,), more=0, number=number)
    return replace(cell, more=cell.more - len(cell.job.pictures) + 1, number=1)


def _labels(axes: Sequence[AxisRecord], index: int | None) -> tuple[Label, ...]:
    if index is None:
        return ()
    axis = axes[index]
    labels = tuple(_label(axis.name, value) for value in axis.labels)
    if len({label.text for label in labels}) < len({label.full for label in labels}):
        return _told_apart(labels)
    return labels


def _told_apart(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Labels that were cut to the same text, without the words at the beginning that all share."""
    words = [label.full.split(" ") for label in labels]
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))
    shared = sum(1 for _ in alike)
    if not shared:
        return tuple(labels)
    ends = [" ".join(each[shared:]) for each in words]
    return tuple(
        replace(label, text=printable(f"…{end}", LABEL_LENGTH))
        for label, end in zip(labels, ends, strict=True)
    )


@lru_cache(maxsize=4096)
def _label(axis: str, value: str) -> Label:
    """`seed: 1`, `light: morning` of `morning light`, but `16:9`: some values need no name beside them."""
    if axis in _SPEAKING_AXES:
        return Label(printable(value, LABEL_LENGTH), printable(value))
    full = f"{axis}: {value}"
    # The name of a coupled axis, `light, aspect_ratio`, would leave no room for its value.
    speaks = ", " in axis or _SPEAKING_VALUE.fullmatch(value)
    text = value if speaks else f"{axis}: {_without_name(axis, value)}"
    return Label(printable(text, LABEL_LENGTH), printable(full))


def _without_name(axis: str, value: str) -> str:
    """The value without its last word if that is the name of the axis, which stands before it."""
    head, _, last = value.rpartition(" ")
    return head if head and last.casefold() == axis.casefold() else value
