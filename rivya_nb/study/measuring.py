"""Numbers of pictures: taken from the store where it has them, and computed and kept where it has not."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.definition import Measure as Measure
from rivya_nb.measures.numbers import WHOLE
from rivya_nb.measures.registry import find_measure as find_measure
from rivya_nb.measures.registry import find_part
from rivya_nb.store.measurements import Numbers, Subject
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.study.computing import Found, Progress, Task, compute
from rivya_nb.study.places import PicturedPlace

if TYPE_CHECKING:
    from rivya_nb.store.store import Store


@dataclass(frozen=True)
class Measured(Mapping[str, float]):
    """What a measure gave: a mapping from the SHA-256 of each picture to its number, NaN where it failed.

    `version` is the one that was computed. `numbers` are by subject and part, `failures` why there are none, in
    words. Of several frames of a video, the number is the mean, and `spreads` has the standard deviation over
    them. `part` is the part that the mapping gives. `notes` are for the reader.

    Where the measure takes the request, and one picture came from several requests, the mapping has its number for
    the first of them; `of` gives that of each place.
    """

    measure: Measure
    version: str
    numbers: Mapping[Subject, Numbers]
    failures: Mapping[Subject, str]
    part: str = WHOLE
    notes: tuple[str, ...] = ()
    spreads: Mapping[Subject, Numbers] = field(default_factory=dict)
    _subjects: Mapping[str, Subject] = field(default_factory=dict, repr=False)

    def of(self, place: PicturedPlace, part: str | None = None) -> float:
        """The number of a place's picture; NaN where it failed."""
        return self.at(subject_of(self.measure, place.job, place.picture), part)

    def of_pair(self, one: PictureRecord, other: PictureRecord, part: str | None = None) -> float:
        """The number of a pair; NaN where it failed."""
        return self.at(pair_subject(self.measure, one, other), part)

    def at(self, subject: Subject, part: str | None = None) -> float:
        """The number of a subject; NaN where there is none."""
        return self.numbers.get(subject, {}).get(self.part if part is None else part, math.nan)

    def spread_at(self, subject: Subject, part: str) -> float:
        """The standard deviation over the frames of a subject; NaN where there are not several."""
        return self.spreads.get(subject, {}).get(part, math.nan)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts, in alphabetical order."""
        return tuple(sorted({part for numbers in self.numbers.values() for part in numbers}))

    @property
    def trouble(self) -> str:
        """`3 of 40 failed: ValueError: …`, with the first reason; empty if nothing failed."""
        if not self.failures:
            return ""
        total = len(self.failures) + len(self.numbers)
        return f"{len(self.failures):,} of {total:,} failed: {next(iter(self.failures.values()))}"

    def __getitem__(self, sha256: str) -> float:
        return self.at(self._subjects[sha256])

    def __iter__(self) -> Iterator[str]:
        return iter(self._subjects)

    def __len__(self) -> int:
        return len(self._subjects)


def subject_of(measure: Measure, job: JobRecord, picture: PictureRecord) -> Subject:
    """What a measure measures of a job's picture."""
    return Subject(
        picture.sha256, job.identity if measure.takes_request else "", _frames_key(measure, picture)
    )


def pair_subject(measure: Measure, one: PictureRecord, other: PictureRecord) -> Subject:
    """What is measured of two pictures in this order: a measure need not give the same in the other one."""
    return Subject(one.sha256, other.sha256, _frames_key(measure, one, other))


def _frames_key(measure: Measure, *pictures: PictureRecord) -> str:
    return measure.frames.key if any(each.medium == "video" for each in pictures) else ""


def measured(
    store: Store,
    places: Iterable[PicturedPlace],
    measure: str | Measure,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Measured:
    """The number of each picture by its SHA-256, NaN where it failed; `measure` is one of a picture or a batch.

    `measure` may name a part, as in `"palette.hue"`. It computes what the store does not have, in worker threads:
    call it off the event loop. Once `stop` is set it ends soon, with what was computed, which is kept.

    Raises:
        UsageError: there is no such measure or part, it is one of pairs, or a package that it needs is missing.
        StoreError: the numbers cannot be kept.
    """
    which, part = find_part(measure)
    (found,) = measured_together(store, places, [which], progress=progress, stop=stop)
    return with_part(found, part)


def measured_together(
    store: Store,
    places: Iterable[PicturedPlace],
    measures: Sequence[Measure],
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[Measured]:
    """What each of several measures gives, as `measured`; each picture is decoded once for all of them."""
    for each in measures:
        if each.kind == "pair":
            what = f"{each.name} compares two results, and here each is measured by itself"
            raise UsageError([Mistake("measure", f"{what}; run.measure({each.name!r}) measures pairs")])
    pictures, tasks = list(places), list[Task]()
    subjects = [dict[str, Subject]() for _ in measures]
    for number, each in enumerate(measures):
        for place in pictures:
            subject = subject_of(each, place.job, place.picture)
            tasks.append(Task(number, subject, (place.picture,), place.job))
            subjects[number].setdefault(place.picture.sha256, subject)
    found = compute(store, measures, tasks, progress=progress, stop=stop)
    return [
        _measured(each, its, found_for)
        for each, its, found_for in zip(measures, subjects, found, strict=True)
    ]


def measured_pairs(
    store: Store,
    pairs: Iterable[tuple[PictureRecord, PictureRecord]],
    measures: Sequence[Measure],
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[Measured]:
    """What each of several measures of pairs gives; `of_pair` has the number of each. Otherwise as `measured`.

    Raises:
        UsageError: a measure is none of pairs, or a package that it needs is missing.
        StoreError: the numbers cannot be kept.
    """
    for each in measures:
        if each.kind != "pair":
            raise UsageError(
                [Mistake("measure", f"{each.name} measures a {each.kind}, and compares no two results")]
            )
    couples = list(pairs)
    tasks = [
        Task(number, pair_subject(each, *couple), couple)
        for number, each in enumerate(measures)
        for couple in couples
    ]
    found = compute(store, measures, tasks, progress=progress, stop=stop)
    return [_measured(each, {}, found_for) for each, found_for in zip(measures, found, strict=True)]


def with_part(found: Measured, part: str | None) -> Measured:
    """The same, as a mapping to one part: the named one, or the only one.

    Raises:
        UsageError: there is no such part, or there are several and none is named.
    """
    name, parts = found.measure.name, found.parts
    if not parts:
        return replace(found, part=part or WHOLE)
    if part is None:
        if len(parts) > 1:
            named = listing(f"{name}.{each}" for each in parts)
            raise UsageError(
                [Mistake("measure", f"{name} gives {count(len(parts), 'number')}; choose one: {named}")]
            )
        return replace(found, part=parts[0])
    if part not in parts:
        there = (
            f"its parts are {listing(parts)}" if parts != (WHOLE,) else "it gives one number, without parts"
        )
        raise UsageError([Mistake("measure", f"{name} has no part {short_repr(part)}; {there}")])
    return replace(found, part=part)


def _measured(measure: Measure, subjects: Mapping[str, Subject], found: Found) -> Measured:
    notes = (found.note,) if found.note else ()
    return Measured(
        measure, found.version, found.numbers, found.failures, WHOLE, notes, found.spreads, subjects
    )
