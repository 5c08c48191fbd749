"""Converts records to rows and rows to records."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, RowMapping, Text, and_, cast

from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.store.columns import whole_number
from rivya_nb.store.questions import Asked
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, PictureRecord, RunRecord

_JOB_FIELDS = tuple(field.name for field in fields(JobRecord))
_PICTURE_FIELDS = tuple(field.name for field in fields(PictureRecord))
_DERIVED = {"params", "references", "seed", "pictures"}
_PLAIN_JOB_FIELDS = tuple(name for name in _JOB_FIELDS if name not in _DERIVED)


_AT_ONCE = 500
"""The number of values in one IN list; the lowest known limit of a database is 999."""


def portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Values in lists short enough for one statement."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def searchable(text: str) -> str:
    """A text for search: without case, and independent of how its characters are composed.

    NUL becomes a space, because SQLite takes it for the end of the text.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).replace("\0", " ")


def param_text(value: ParamValue | bool) -> str:
    """A param's value for comparison: 7, 7.0 and "7" are the same, and so are True and "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def seed_number(seed: ParamValue | bool | None) -> int:
    """The number by which seeds are ordered: the one that a seed begins with, 0 where it begins with none, and the
    highest where there is no seed."""
    if seed is None:
        return HIGHEST
    digits = re.match(r"\s*([+-]?)0*([0-9]{1,20})", param_text(seed))
    # More digits only make it larger than the largest.
    return max(-HIGHEST - 1, min(int(digits[1] + digits[2]), HIGHEST)) if digits else 0


HIGHEST = 2**63 - 1
"""The highest number of a database."""


def fits(column: ColumnElement[Any], asked: Asked) -> ColumnElement[bool]:
    """Whether a value, kept as `param_text` gives it or as a number, is what is asked for."""
    if isinstance(asked, range):
        # Within a range, the values are compared as numbers; the text of another value is none.
        number = column if isinstance(column.type, Integer) else whole_number(column)
        low, high = min(asked[0], asked[-1]), max(asked[0], asked[-1])
        steps = [] if abs(asked.step) == 1 else [(number - low) % abs(asked.step) == 0]
        is_number = [] if number is column else [column == cast(number, Text)]
        return and_(number.between(low, high), *steps, *is_number)
    several = asked if isinstance(asked, tuple) else (asked,)
    texts = [each if isinstance(column.type, Integer) else param_text(each) for each in several]
    return column == texts[0] if len(texts) == 1 else column.in_(texts)


def job_row(job: JobRecord, prompt_id: int, settings_id: int) -> dict[str, Any]:
    """The row of a new job, with the ids of its prompt's words and of its settings."""
    row = {name: getattr(job, name) for name in _PLAIN_JOB_FIELDS}
    row["params"] = to_json(dict(job.params))
    row["references"] = to_json([asdict(reference) for reference in job.references])
    row["seed"] = None if job.seed is None else param_text(job.seed)
    row["seed_number"] = seed_number(job.seed)
    row["prompt_id"] = prompt_id
    row["settings_id"] = settings_id
    return row


def picture_rows(number: int, pictures: Sequence[PictureRecord]) -> list[dict[str, Any]]:
    return [
        {"job_number": number, "position": position, **asdict(picture)}
        for position, picture in enumerate(pictures)
    ]


def cell_rows(
    run_id: int,
    start: int,
    cells: Sequence[CellRecord],
    numbers: Mapping[str, int],
    sets: Mapping[tuple[int, ...], int],
) -> list[dict[str, Any]]:
    """The rows of a run's cells in their order, from the position `start` on; `sets` has their facts by place."""
    return [
        {
            "run_id": run_id,
            "position": position,
            "job_number": numbers[cell.job_id],
            "coordinates": to_json(cell.coordinates),
            "reused": cell.reused,
            "facts_id": sets.get(cell.coordinates),
        }
        for position, cell in enumerate(cells, start)
    ]


def axes_text(axes: Sequence[AxisRecord]) -> str:
    return to_json([asdict(axis) for axis in axes])


def job_record(row: RowMapping, pictures: Iterable[PictureRecord]) -> JobRecord:
    params = json.loads(row["params"])
    return JobRecord(
        **{name: row[name] for name in _PLAIN_JOB_FIELDS},
        params=params,
        references=read_references(row["references"]),
        seed=shared_names(params).get(SEED_KEY),
        pictures=tuple(pictures),
    )


@lru_cache(maxsize=256)
def read_references(text: str) -> tuple[Reference, ...]:
    # The jobs of a run have the same ones, or none.
    return tuple(Reference(**reference) for reference in json.loads(text))


def picture_record(row: RowMapping) -> PictureRecord:
    return PictureRecord(**{name: row[name] for name in _PICTURE_FIELDS})


def cell_record(row: RowMapping) -> CellRecord:
    """The record of a row of `run_jobs`, which carries the job's id as `job_id`."""
    return CellRecord(row["job_id"], read_coordinates(row["coordinates"]), row["reused"])


@lru_cache(maxsize=4096)
def read_coordinates(text: str) -> tuple[int, ...]:
    # Most runs have the same places, and parsing JSON is most of the time of listing them.
    return tuple(json.loads(text))


@lru_cache(maxsize=256)
def axis_records(text: str) -> tuple[AxisRecord, ...]:
    return tuple(
        AxisRecord(axis["name"], tuple(axis["labels"]), tuple(axis.get("facts", ())))
        for axis in json.loads(text)
    )


def labels_on(name: str, axes: str, coordinates: str) -> list[str]:
    """The label of a place on the axis of this name, if a run has one."""
    places = zip(axis_records(axes), read_coordinates(coordinates), strict=False)
    return [axis.labels[at] for axis, at in places if axis.name == name]


def run_record(row: RowMapping, cells: Iterable[CellRecord]) -> RunRecord:
    axes = axis_records(row["axes"])
    names = ("id", "name", "service", "created_at", "ask", "asked_by")
    return RunRecord(axes=axes, cells=tuple(cells), **{name: row[name] for name in names})


def to_json(value: object) -> str:
    """JSON as the tables have it: short, and readable in every script."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
