"""What the store keeps of measures: as columns of a table, and as orders of the history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.numbers import WHOLE
from rivya_nb.measures.registry import known_measures
from rivya_nb.media.frames import MIDDLE, Frames, known_frames
from rivya_nb.store.measurements import KeptMeasure, Subject
from rivya_nb.store.questions import MeasureOrder
from rivya_nb.store.records import JobRecord, PictureRecord

if TYPE_CHECKING:
    from rivya_nb.store.store import Store


def column_name(measure: str, part: str, frames: Frames = MIDDLE) -> str:
    """What a number is called: `sharpness`, `palette.hue` where its measure has parts, and of other frames of
    videos than the usual one `sharpness at 0.25` or `sharpness of 8 frames`."""
    name = measure if part == WHOLE else f"{measure}.{part}"
    return f"{name} {frames.words}" if frames.words else name


def spread_name(name: str) -> str:
    """What the spread over several frames is called, as `sharpness of 8 frames, sd`."""
    return f"{name}, sd"


def usual_frames(picture: PictureRecord) -> str:
    """Of which frames of a file a number is where nobody has said anything else."""
    return MIDDLE.key if picture.medium == "video" else ""


def kept_columns(
    store: Store, pictures: Collection[tuple[JobRecord, PictureRecord]]
) -> dict[str, dict[Subject, float]]:
    """The numbers that are kept of these pictures, by the name of each number, whichever frames of videos they are
    of; `kept_number` finds that of a picture. A measure that is known here counts in its version of now."""
    requests: dict[str, set[str]] = {}
    for job, picture in pictures:
        requests.setdefault(picture.sha256, {""}).add(job.identity)
    columns: dict[str, dict[Subject, float]] = {}
    for measure in _kept(store):
        found = store.measurements.all_of(measure, requests)
        mine = [(each, numbers) for each, numbers in found.items() if each.beside in requests[each.sha256]]
        for subject, numbers in sorted(mine, key=lambda each: _frames_order(each[0].frames)):
            frames = known_frames(subject.frames) or MIDDLE
            for part, number in sorted(numbers.items()):
                name = column_name(measure.name, part, frames)
                if frames.number > 1 and subject.frames == frames.spread_key:
                    name = spread_name(name)
                columns.setdefault(name, {})[Subject(subject.sha256, subject.beside)] = number
    return columns


def _frames_order(key: str) -> tuple[bool, str]:
    """Those columns first that have the number of most pictures and videos."""
    return key not in ("", MIDDLE.key), key


def kept_number(found: Mapping[Subject, float], job: JobRecord, picture: PictureRecord) -> float | None:
    """The number of a picture; None if nothing is kept of it."""
    # Some measures depend on the request too.
    return found.get(Subject(picture.sha256), found.get(Subject(picture.sha256, job.identity)))


def kept_names(store: Store) -> list[str]:
    """The names of all numbers by which the history can be sorted, as far as any are kept."""
    orders = measure_orders(store)
    return [
        column_name(kept.name, part)
        for kept in _kept(store)
        if kept.name in orders
        for part in store.measurements.parts(kept)
    ]


def _kept(store: Store) -> list[KeptMeasure]:
    here = {name: measure.version for name, measure in known_measures().items()}
    found = {each.name: each for each in store.measurements.newest()}
    for name in found.keys() & here.keys():
        if found[name].version != here[name]:
            mine = store.measurements.find(name, here[name])
            if mine is None:
                del found[name]
            else:
                found[name] = mine
    return list(found.values())


def measure_orders(store: Store) -> dict[str, MeasureOrder]:
    """The orders by each measure that is known here, and by each that only the store knows, by name.

    The best comes first, or the highest where none is better. One that is known here counts in its version of now.
    """
    here = known_measures()
    orders = {
        name: MeasureOrder(name, version=measure.version, lowest_first=measure.higher_is == "worse")
        for name, measure in here.items()
        if measure.kind != "pair"
    }
    for kept in store.measurements.newest():
        if kept.name not in here:
            orders[kept.name] = MeasureOrder(kept.name)
    return orders


def check_part(store: Store, order: object) -> None:
    """Check that an order names a part that its measure has, as far as anything of it is measured.

    Raises:
        UsageError: there is no such part, or there are several and none is named.
    """
    if not isinstance(order, MeasureOrder):
        return
    kept = store.measurements.find(order.name, order.version)
    parts = [] if kept is None else store.measurements.parts(kept)
    if not parts or order.part in parts:
        return
    if parts == [WHOLE]:
        what = f"{order.name} has no part {short_repr(order.part)}; it gives one number"
    else:
        named = listing(column_name(order.name, part) for part in parts)
        has = (
            f"has no part {short_repr(order.part)}" if order.part else f"gives {count(len(parts), 'number')}"
        )
        what = f"{order.name} {has}; choose one: {named}"
    raise UsageError([Mistake("sort", what)])


def ordered_by(store: Store, order: MeasureOrder, jobs: Collection[JobRecord]) -> dict[str, float]:
    """By job id, the number of its first picture by which it was ordered; those without one are left out."""
    kept = store.measurements.find(order.name, order.version)
    if kept is None:
        return {}
    subjects = {
        Subject(job.pictures[0].sha256, beside, usual_frames(job.pictures[0]))
        for job in jobs
        if job.pictures
        for beside in ("", job.identity)
    }
    numbers = store.measurements.known(kept.name, kept.version, subjects)
    found = {
        Subject(subject.sha256, subject.beside): parts[order.part]
        for subject, parts in numbers.items()
        if order.part in parts
    }
    values = {job.id: kept_number(found, job, job.pictures[0]) for job in jobs if job.pictures}
    return {job_id: number for job_id, number in values.items() if number is not None}
