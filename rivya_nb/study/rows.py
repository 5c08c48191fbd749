"""One row for each picture, as other tools read it: its request, its place, its facts and its marks in columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import JobRecord, Marks
from rivya_nb.study.kept_measures import kept_number
from rivya_nb.study.places import PicturedPlace

Value = str | int | float | bool | None
Row = dict[str, Value]

IMAGE = "image"
_COLUMNS = (IMAGE, "video", "audio")
FILE_NAME = "file_name"
"""The columns by which a folder names its files, and gives them once they are loaded: as `_COLUMNS` of videos and
audio."""

CREATED = "created"
"""The column with the time of each request, in ISO 8601 and UTC."""

_POINTERS = (FILE_NAME, f"{FILE_NAME}s")
"""A column whose name ends so is taken for paths of pictures."""

_REPLICATE = "replicate"
_OWN = (
    *_COLUMNS,
    FILE_NAME,
    "prompt",
    "model",
    SEED_KEY,
    _REPLICATE,
    "run",
    "references",
    "job",
    "picture",
    "width",
    "height",
    "duration",
    "medium",
    "format",
    "sha256",
    "credits",
    "credits_known",
    "service",
    CREATED,
    "rating",
    "favourite",
    "tags",
    "note",
)

NUMBERS: Mapping[str, type] = {
    SEED_KEY: int,
    "run": int,
    "width": int,
    "height": int,
    "duration": float,
    "rating": int,
}
"""The types of our own columns that may have no value at all: sounds have no width, pictures no duration."""

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Known:
    """What is known of pictures beside their jobs' records.

    `params` gives a job's params with their defaults; `runs` and `marks` have each job's run and marks by its id,
    and `measures` the numbers of each measure that the store keeps.
    """

    params: Callable[[JobRecord], Mapping[str, ParamValue | bool]]
    runs: Mapping[str, int]
    marks: Mapping[str, Marks]
    measures: Mapping[str, Mapping[Subject, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class PictureTable:
    """A row for each picture at each place. All have the same columns, in one order; a column has values of one
    type, or None.

    `settings` are the columns with what was asked for, `measures` those with numbers of the picture.
    """

    rows: list[Row]
    settings: tuple[str, ...]
    measures: tuple[str, ...]


def picture_table(places: Sequence[PicturedPlace], known: Known) -> PictureTable:
    """The pictures in rows. A fact whose name another column has is called `fact_…`; so for params, axes and
    measures."""
    every: list[tuple[Mapping[str, Value], ...]] = [
        (
            {SEED_KEY: None, **known.params(place.job)},
            place.labels,
            place.facts,
            {name: kept_number(found, place.job, place.picture) for name, found in known.measures.items()},
        )
        for place in places
    ]
    taken = set(_OWN)
    columns = []
    for kind, at in (("param", 0), ("axis", 1), ("fact", 2), ("measure", 3)):
        names = dict.fromkeys(name for row in every for name in row[at])
        if kind == "axis":
            # Values of params are there already, as they were sent.
            names = {name: None for name in names if name and name not in taken}
        columns.append({name: _free(name, kind, taken) for name in names})
    rows = []
    for place, parts in zip(places, every, strict=True):
        told = [
            {column: part.get(name) for name, column in named.items()}
            for named, part in zip(columns, parts, strict=True)
        ]
        rows.append(_row(place, known, *told))
    params, axes, _, measures = (tuple(named.values()) for named in columns)
    return PictureTable(_uniform(rows), ("prompt", "model", *params, *axes, _REPLICATE), measures)


def _free(name: str, kind: str, taken: set[str]) -> str:
    """A column's name that no other one has, and that no tool takes for something else."""
    if name == SEED_KEY and kind == "param":
        return name
    column = name if name and name not in taken else f"{kind}_{name}"
    while column in taken or column.endswith(_POINTERS):
        column += "_"
    taken.add(column)
    return column


def _row(
    place: PicturedPlace,
    known: Known,
    params: Mapping[str, Value],
    labels: Mapping[str, Value],
    facts: Mapping[str, Value],
    measures: Mapping[str, Value],
) -> Row:
    job, picture = place.job, place.picture
    marks = known.marks.get(job.id, Marks())
    position = next(at for at, each in enumerate(job.pictures, 1) if each is picture)
    return {
        "prompt": job.prompt,
        "model": job.model,
        **params,
        "references": ", ".join(reference.name for reference in job.references),
        **labels,
        **facts,
        _REPLICATE: job.replicate,
        **measures,
        "run": known.runs.get(job.id),
        "job": job.id,
        "picture": position,
        "width": picture.width or None,
        "height": picture.height or None,
        # In seconds, of videos and sounds.
        "duration": picture.duration,
        "medium": picture.medium,
        "format": picture.mime_type,
        "sha256": picture.sha256,
        # A task of several pictures has one price: the column adds up.
        "credits": job.credits if position == 1 else 0,
        "credits_known": job.credits_known,
        "service": job.service,
        CREATED: datetime.fromtimestamp(job.created_at, timezone.utc).isoformat(timespec="seconds"),
        "rating": marks.rating or None,
        "favourite": marks.favourite,
        "tags": ", ".join(marks.tags),
        "note": marks.note,
    }


def _uniform(rows: Sequence[Row]) -> list[Row]:
    """The rows with one type in each column: what is mixed becomes text, and so do numbers that no table holds."""
    casts = {name: _cast([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    return [
        {name: None if value is None else casts[name](value) for name, value in row.items()} for row in rows
    ]


def _cast(values: Iterable[Value]) -> Callable[[Value], Value]:
    there = [value for value in values if value is not None]
    types = {type(value) for value in there}
    if any(type(value) is int and abs(value) > _LARGEST for value in there):
        return _text
    if len(types) < 2:
        return _finite if types == {float} else _same
    return _finite if types == {int, float} else _text


def _same(value: Value) -> Value:
    return value


def _finite(value: Value) -> Value:
    number = float(value or 0)
    return number if math.isfinite(number) else None


def _text(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else str(value)
