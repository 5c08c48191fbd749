"""What measures gave for some pictures; shows itself as static HTML."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

from rivya_nb.contract.text import count, listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.definition import Measure
from rivya_nb.measures.numbers import WHOLE
from rivya_nb.measures.pairs import MOST_PAIRS, Coordinates, Pair, choose_pairs, count_pairs
from rivya_nb.measures.registry import find_part, known_measures
from rivya_nb.media.frames import MIDDLE, Frames
from rivya_nb.session.showing.moving import SOUNDS, frames_words
from rivya_nb.session.showing.progress import with_progress
from rivya_nb.session.showing.tables import free_name, table
from rivya_nb.store.marks import excluded
from rivya_nb.store.measurements import Subject
from rivya_nb.study.computing import Progress
from rivya_nb.study.kept_measures import column_name, spread_name
from rivya_nb.study.measuring import (
    Measured,
    measured_pairs,
    measured_together,
    pair_subject,
    subject_of,
    with_part,
)
from rivya_nb.study.places import PicturedPlace, pictured_places
from rivya_nb.views.layout import Layout, thinned
from rivya_nb.views.measures import (
    Line,
    MeasuresView,
    figure_words,
    measures_html,
    measures_text,
)
from rivya_nb.views.words import joined, noun_of, noun_of_files

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.records import JobRecord, PictureRecord, RunRecord
    from rivya_nb.store.store import Store

Wanted: TypeAlias = "str | Measure | Callable[..., object]"
"""A measure: its name, or that of a part, as in `"palette.hue"`; itself; or a function that becomes one."""


@dataclass(frozen=True)
class Ground:
    """The pictures that are measured: a run's record with its jobs, laid out."""

    record: RunRecord
    jobs: Mapping[str, JobRecord]
    layout: Layout
    store: Store

    @property
    def pictured(self) -> set[str]:
        """The keys of the places that have a picture."""
        return {cell.key for cell in self.layout.cells if cell.picture is not None}


def measure_pictures(ground: Ground, wanted: Sequence[Wanted], frames: Frames = MIDDLE) -> Measurements:
    """Measure what is not measured yet, off the loop and with its progress shown; of videos, these frames.

    Raises:
        UsageError: there is no such measure, those of pairs and of pictures are mixed, there is nothing to
            measure, or a package is missing.
        StoreError: the store cannot be read or written.
        WaitInterruptedError: the kernel was interrupted; what was measured by then is kept.
    """
    if not wanted:
        raise UsageError([Mistake("measure", f"name one or several of {listing(known_measures())}")])
    chosen = {measure.of(frames): part for measure, part in dict(map(find_part, wanted)).items()}
    pairs = [measure.name for measure in chosen if measure.kind == "pair"]
    others = [measure.name for measure in chosen if measure.kind != "pair"]
    if pairs and others:
        what = f"{listing(pairs)} compares two results, and {listing(others)} measures each by itself"
        raise UsageError([Mistake("measure", f"{what}; ask for them one after the other")])
    found: Measurements = _OfPairs(ground, chosen) if pairs else _OfPictures(ground, chosen)
    counted = ("pair" if pairs else found.noun) if len(chosen) == 1 else "number"
    found.measured = with_progress(listing(pairs or others), counted, found.compute)
    for each in found.measured:
        # A part that there is not is told at once.
        with_part(each, chosen[each.measure] or next(iter(each.parts), WHOLE))
    return found


class Measurements(ABC):
    """Numbers of pictures. In a notebook it shows each with a histogram, and all in the places of the grid.

    `measured` has what each measure gave, and what failed.
    """

    is_of_pairs: bool
    measured: Sequence[Measured] = ()

    def __init__(self, ground: Ground, chosen: Mapping[Measure, str | None]) -> None:
        self.ground = ground
        self._chosen = chosen
        self._excluded = excluded(ground.store, ground.jobs)
        self._sounds = 0

    @property
    @abstractmethod
    def _files(self) -> list[PictureRecord]:
        """What was measured."""

    @cached_property
    def noun(self) -> str:
        """The word for one of what was measured: `picture`, `video`, or `result` where both are in it."""
        return noun_of_files(self._files)

    @cached_property
    def _frames(self) -> Frames:
        """The frames that were measured of videos; the usual ones where there is none."""
        is_moving = any(each.medium == "video" for each in self._files)
        return next(iter(self._chosen)).frames if is_moving else MIDDLE

    @abstractmethod
    def compute(self, progress: Progress, stop: threading.Event) -> list[Measured]:
        """What each measure gives."""

    @abstractmethod
    def _lines(self, measured: Measured, part: str) -> Iterator[Line]:
        """What is told of one number."""

    @abstractmethod
    def _at_cells(self, measured: Measured, part: str) -> dict[str, float]:
        """One number by the keys of the layout's cells; those that failed are left out."""

    @abstractmethod
    def _rows(self) -> Iterator[tuple[dict[str, Any], Callable[[Measured], Subject]]]:
        """The rows of the table without their numbers, each with what a measure measures there."""

    @property
    @abstractmethod
    def _subject(self) -> str:
        """What was measured, in words."""

    def to_pandas(self) -> DataFrame:
        """One row for each picture or each pair: its job, its values on the axes, and a column for each number.

        Of several frames of videos, a number is the mean; the column behind it, with `, sd` in its name, has the
        standard deviation over them.

        A number is NaN where the measure failed; where any did, the column `failed` says why.

        Raises:
            UsageError: pandas is not installed.
        """
        rows = []
        for row, subject_in in self._rows():
            numbers: dict[str, float] = {}
            for name, measured, part in self._numbers():
                subject = subject_in(measured)
                numbers[free_name(name, row)] = measured.at(subject, part)
                if self._frames.number > 1:
                    numbers[free_name(spread_name(name), row)] = measured.spread_at(subject, part)
            reasons = (
                f"{each.measure.name}: {each.failures[subject]}"
                for each in self.measured
                if (subject := subject_in(each)) in each.failures
            )
            failed = {"failed": "; ".join(reasons)} if any(each.failures for each in self.measured) else {}
            rows.append({**row, **numbers, **failed})
        return table(rows)

    @property
    def by_cell(self) -> dict[str, dict[str, float]]:
        """By the name of each number, what each place of the grid has, by the key of its cell."""
        return {name: self._at_cells(measured, part) for name, measured, part in self._numbers()}

    @property
    def troubles(self) -> list[str]:
        """How many of how many failed, with the first reason, for each measure of which any did."""
        return [f"{each.measure.name}: {each.trouble}" for each in self.measured if each.trouble]

    def _notes(self) -> Iterator[str]:
        if without := [each for job_id in self._excluded for each in self.ground.jobs[job_id].pictures]:
            yield f"{count(len(without), f'excluded {noun_of_files(without)}')} left out"
        if self._sounds:
            yield f"{count(self._sounds, 'sound')} left out"
        frames = next(iter(self._chosen)).frames
        if any(each.medium == "video" for each in self._files):
            yield frames_words(frames)
        elif frames != MIDDLE:
            yield "at and frames are for videos: a picture is measured as it is"
        if self.ground.store.is_read_only:
            yield "the store may only be read: these numbers are not kept"
        for measured in self.measured:
            yield from measured.notes

    def _line(
        self,
        measured: Measured,
        part: str,
        values: Sequence[float],
        spreads: Sequence[float],
        axis: str = "",
        possible: int = 0,
    ) -> Line:
        measure, moving = measured.measure, list(filter(math.isfinite, spreads))
        means = [measure.unit, f"higher is {measure.higher_is}" if measure.higher_is else ""]
        if moving:
            means.append(f"within a video sd {figure_words(median(moving))}")
        return Line(
            name=column_name(measure.name, part, self._frames),
            values=values,
            about=measure.about,
            means=joined(means),
            axis=axis,
            possible=possible,
        )

    def on(self, ground: Ground) -> Measurements:
        """The same measures of other pictures; nobody is shown how far it is."""
        found = type(self)(ground, self._chosen)
        found.measured = found.compute(lambda _done, _total: None, threading.Event())
        return found

    def _numbers(self) -> Iterator[tuple[str, Measured, str]]:
        """Each number that is shown: its name, what its measure gave, and its part."""
        for measured in self.measured:
            chosen = self._chosen[measured.measure]
            for part in measured.parts or (WHOLE,):
                if chosen in (None, part):
                    yield column_name(measured.measure.name, part, self._frames), measured, part

    @property
    def view(self) -> MeasuresView:
        """What it is drawn from."""
        layout, left_out = thinned(self.ground.layout)
        return MeasuresView(
            title=listing(measured.measure.name for measured in self.measured),
            subject=self._subject,
            lines=[line for _, measured, part in self._numbers() for line in self._lines(measured, part)],
            by_place=self.by_cell,
            layout=layout,
            noun=self.noun,
            is_of_pairs=self.is_of_pairs,
            troubles=self.troubles,
            notes=[*self._notes(), *([left_out] if left_out else [])],
        )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return {"text/html": measures_html(self.view), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return measures_text(self.view)


class _OfPictures(Measurements):
    is_of_pairs = False

    def __init__(self, ground: Ground, chosen: Mapping[Measure, str | None]) -> None:
        super().__init__(ground, chosen)
        every = list(pictured_places(ground.record, ground.jobs, self._excluded))
        self._places = [place for place in every if place.picture.medium != "audio"]
        self._sounds = len(every) - len(self._places)
        if not self._places:
            raise UsageError(
                f"There is nothing to measure: {_why_nothing(ground, self._sounds, self._excluded)}."
            )

    @property
    def _files(self) -> list[PictureRecord]:
        return [place.picture for place in self._places]

    def compute(self, progress: Progress, stop: threading.Event) -> list[Measured]:
        return measured_together(
            self.ground.store, self._places, list(self._chosen), progress=progress, stop=stop
        )

    def _lines(self, measured: Measured, part: str) -> Iterator[Line]:
        every = (measured.of(place, part) for place in self._places)
        values = [number for number in every if math.isfinite(number)]
        spreads = [measured.spread_at(_of_place(place, measured), part) for place in self._places]
        yield self._line(measured, part, values, spreads)

    def _at_cells(self, measured: Measured, part: str) -> dict[str, float]:
        return {
            cell.key: number
            for cell in self.ground.layout.cells
            if cell.picture is not None
            and cell.job.id not in self._excluded
            and math.isfinite(
                number := measured.at(subject_of(measured.measure, cell.job, cell.picture), part)
            )
        }

    def _rows(self) -> Iterator[tuple[dict[str, Any], Callable[[Measured], Subject]]]:
        for place in self._places:
            known = {"job": place.job.id, "picture": place.job.pictures.index(place.picture) + 1}
            for name, text in (*place.labels.items(), *place.facts.items()):
                known[free_name(name, known)] = text
            yield known, partial(_of_place, place)

    @property
    def _subject(self) -> str:
        return of_words(self.ground.record, count(len(self._places), self.noun))


class _OfPairs(Measurements):
    """Each two pictures that share every value but one, as `differences` compares them."""

    is_of_pairs = True

    def __init__(self, ground: Ground, chosen: Mapping[Measure, str | None]) -> None:
        super().__init__(ground, chosen)
        self._cells = {
            cell.place: cell
            for cell in ground.layout.cells
            if cell.number <= 1 and cell.picture and cell.job.id not in self._excluded
        }
        sounds = {
            place for place, cell in self._cells.items() if cell.picture and cell.picture.medium == "audio"
        }
        self._sounds = len(sounds)
        self._cells = {place: cell for place, cell in self._cells.items() if place not in sounds}
        if sounds and not self._cells:
            raise UsageError(f"There is nothing to compare: {SOUNDS}.")
        self._pairs = choose_pairs(list(self._cells), len(ground.record.axes))
        if not self._pairs:
            raise UsageError(f"There is nothing to compare: no two {self.noun}s share every value but one.")

    @property
    def _files(self) -> list[PictureRecord]:
        return [cell.picture for cell in self._cells.values() if cell.picture is not None]

    def compute(self, progress: Progress, stop: threading.Event) -> list[Measured]:
        couples = [self._couple(pair) for pair in self._pairs]
        return measured_pairs(self.ground.store, couples, list(self._chosen), progress=progress, stop=stop)

    def _couple(self, pair: Pair) -> tuple[PictureRecord, PictureRecord]:
        one, other = self._cells[pair.one].picture, self._cells[pair.other].picture
        assert one is not None  # noqa: S101 - such cells are left out
        assert other is not None  # noqa: S101
        return one, other

    def _lines(self, measured: Measured, part: str) -> Iterator[Line]:
        for number, axis in enumerate(self.ground.record.axes):
            mine = [pair for pair in self._pairs if pair.axis == number]
            every = (measured.of_pair(*self._couple(pair), part) for pair in mine)
            values = [value for value in every if math.isfinite(value)]
            if mine:
                possible = count_pairs(list(self._cells), number) if len(mine) >= MOST_PAIRS else 0
                spreads = [
                    measured.spread_at(pair_subject(measured.measure, *self._couple(pair)), part)
                    for pair in mine
                ]
                yield self._line(measured, part, values, spreads, axis.name or "any two", possible)

    def _at_cells(self, measured: Measured, part: str) -> dict[str, float]:
        around: dict[Coordinates, list[float]] = defaultdict(list)
        for pair in self._pairs:
            number = measured.of_pair(*self._couple(pair), part)
            if math.isfinite(number):
                around[pair.one].append(number)
                around[pair.other].append(number)
        return {self._cells[place].key: median(numbers) for place, numbers in around.items()}

    def _rows(self) -> Iterator[tuple[dict[str, Any], Callable[[Measured], Subject]]]:
        for pair in self._pairs:
            axis = self.ground.record.axes[pair.axis]
            one, other = self._cells[pair.one], self._cells[pair.other]
            known = {
                "axis": axis.name,
                "one": axis.labels[pair.one[pair.axis]],
                "other": axis.labels[pair.other[pair.axis]],
                "job": one.job.id,
                "other_job": other.job.id,
            }
            yield known, partial(_of_couple, self._couple(pair))

    @property
    def _subject(self) -> str:
        return of_words(self.ground.record, count(len(self._cells), self.noun))


def _of_place(place: PicturedPlace, measured: Measured) -> Subject:
    return subject_of(measured.measure, place.job, place.picture)


def _of_couple(couple: tuple[PictureRecord, PictureRecord], measured: Measured) -> Subject:
    return pair_subject(measured.measure, *couple)


def _why_nothing(ground: Ground, sounds: int, without: Collection[str]) -> str:
    if sounds:
        return SOUNDS
    return (
        "all of these are excluded" if without else f"none of these has a {noun_of(ground.jobs.values())} yet"
    )


def of_words(record: RunRecord, what: str) -> str:
    return f"{what} of run {record.id}" if record.id else what
