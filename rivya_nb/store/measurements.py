"""Numbers that measures gave for pictures: kept by the content of the picture, the measure and its version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    ForeignKey,
    Index,
    ScalarSelect,
    String,
    Table,
    UniqueConstraint,
    and_,
    or_,
    select,
)

from rivya_nb.media.frames import MIDDLE
from rivya_nb.store.columns import Name, Number, Words, insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, metadata, pictures

measures = Table(
    "measures",
    metadata,
    # In the order in which they were first used.
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Name, nullable=False),
    Column("version", Name, nullable=False),
    # A hash of the function's source text at that time.
    Column("source", Words, nullable=False),
    UniqueConstraint("name", "version"),
)

measurements = Table(
    "measurements",
    metadata,
    Column("measure_id", ForeignKey("measures.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    # What else the number depends on: a request's identity, or the content of the other picture of a pair.
    Column("beside", String(64), primary_key=True),
    # Of a video, of which of its frames it is; empty for a picture.
    Column("frames", String(32), primary_key=True),
    Column("part", Name, primary_key=True),
    Column("value", Float, nullable=False),
    Index("measurements_by_value", "measure_id", "part", "value", "sha256", "beside", "frames"),
    sqlite_with_rowid=False,
)


class Subject(NamedTuple):
    """What was measured: a picture by its content, and what `beside` it counts: the identity of its request where
    the measure takes that, the content of the other picture of a pair, or nothing. Where videos are in it,
    `frames` says which of their frames it is of: `Frames.key`, or `Frames.spread_key` for the spread over them."""

    sha256: str
    beside: str = ""
    frames: str = ""


@dataclass(frozen=True, slots=True)
class KeptMeasure:
    """A measure of which the store has numbers."""

    id: int
    name: str
    version: str
    source: str


Numbers = Mapping[str, float]
"""The numbers of one subject, by the names of their parts; a measure without parts has one, with the name ""."""


class MeasurementBook:
    """The numbers in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str, version: str | None = None) -> KeptMeasure | None:
        """A measure in this version, or in the one that was first used last; None if nothing of it is kept."""
        with self._database.reading() as connection:
            return find_kept(connection, name, version)

    def newest(self) -> list[KeptMeasure]:
        """All measures of which there are numbers, each in the version that was first used last, by name."""
        with self._database.reading() as connection:
            found = connection.execute(select(measures).order_by(measures.c.name, measures.c.id)).all()
        return list({row.name: KeptMeasure(*row) for row in found}.values())

    def parts(self, kept: KeptMeasure) -> list[str]:
        """The names of the parts of which there are numbers, in alphabetical order."""
        part, found = measurements.c.part, list[str]()
        following = select(part).where(measurements.c.measure_id == kept.id).order_by(part).limit(1)
        with self._database.reading() as connection:
            # From each part to the next one: the numbers between them are many.
            name = connection.execute(following).scalar()
            while name is not None:
                found.append(name)
                name = connection.execute(following.where(part > name)).scalar()
        return found

    def known(
        self, name: str, version: str, subjects: Collection[Subject]
    ) -> dict[Subject, dict[str, float]]:
        """The numbers that are kept of these subjects; others are left out."""
        with self._database.reading() as connection:
            kept = find_kept(connection, name, version)
            wanted = set(subjects)
            found = {} if kept is None else _numbers(connection, kept.id, {each.sha256 for each in wanted})
        return {subject: numbers for subject, numbers in found.items() if subject in wanted}

    def all_of(self, kept: KeptMeasure, contents: Collection[str]) -> dict[Subject, dict[str, float]]:
        """All numbers that are kept of these contents: whatever is beside them, and of whichever frames."""
        with self._database.reading() as connection:
            return _numbers(connection, kept.id, contents)

    def keep(self, name: str, version: str, source: str, found: Iterable[tuple[Subject, Numbers]]) -> None:
        """Keep numbers, in one transaction; those of a subject that has some already stay as they are.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._database.writing() as connection:
            kept = find_kept(connection, name, version)
            if kept is None:
                # Of two that use a measure for the first time, the second one waits for the first.
                values = {"name": name, "version": version, "source": source}
                connection.execute(insert_for(connection, measures).values(values).on_conflict_do_nothing())
                kept = find_kept(connection, name, version)
                assert kept is not None  # noqa: S101 - no measure is ever deleted
            lines = [
                {"measure_id": kept.id, **subject._asdict(), "part": part, "value": value}
                for subject, numbers in found
                for part, value in numbers.items()
            ]
            if lines:
                lines.sort(key=lambda line: (line["sha256"], line["beside"], line["frames"], line["part"]))
                connection.execute(insert_for(connection, measurements).on_conflict_do_nothing(), lines)


def find_kept(connection: Connection, name: str, version: str | None) -> KeptMeasure | None:
    """As `MeasurementBook.find`, within a transaction."""
    wanted = select(measures).where(measures.c.name == name).order_by(measures.c.id.desc()).limit(1)
    if version is not None:
        wanted = wanted.where(measures.c.version == version)
    row = connection.execute(wanted).first()
    return None if row is None else KeptMeasure(*row)


def measured_number(measure_id: int, part: str) -> ScalarSelect[float]:
    """The number of a job's first picture, as a part of a statement about `jobs`."""
    its = pictures.alias("its")
    joined = its.join(measurements, measurements.c.sha256 == its.c.sha256)
    return (
        select(measurements.c.value)
        .select_from(joined)
        .where(
            its.c.job_number == jobs.c.number,
            its.c.position == 0,
            measurements.c.measure_id == measure_id,
            measurements.c.part == part,
            _usual,
            _of_job,
        )
        .correlate(jobs)
        .limit(1)
        .scalar_subquery()
    )


def is_measured(measure_id: int, part: str) -> ColumnElement[bool]:
    """The numbers of this measure, where `measurements` and `jobs` are joined."""
    return and_(measurements.c.measure_id == measure_id, measurements.c.part == part, _usual, _of_job)


first_pictures = pictures.alias("first_pictures")
"""Another name, so that conditions on `pictures` mean a table of their own."""

_usual = measurements.c.frames.in_(["", MIDDLE.key])
"""Of the picture, or of the frame of a video that is taken where nobody says anything else."""

_of_job = or_(measurements.c.beside == "", measurements.c.beside == jobs.c.identity)


def _numbers(
    connection: Connection, measure_id: int, contents: Collection[str]
) -> dict[Subject, dict[str, float]]:
    its, found = measurements.c, dict[Subject, dict[str, float]]()
    for some in portions(sorted(contents)):
        rows = select(its.sha256, its.beside, its.frames, its.part, its.value).where(
            its.measure_id == measure_id, its.sha256.in_(some)
        )
        for sha256, beside, frames, part, value in connection.execute(rows):
            found.setdefault(Subject(sha256, beside, frames), {})[part] = value
    return found
