"""Reads records from the tables, within a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, insert, select

from rivya_nb.errors import StoreError
from rivya_nb.store import rows
from rivya_nb.store.columns import digest
from rivya_nb.store.records import CellRecord, JobRecord, PictureRecord, RunRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, pictures, run_jobs


def unknown_job(job_id: str) -> StoreError:
    return StoreError(f"The store has no job {job_id}.")


def numbers_of(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """By job id, its number; unknown ids are left out."""
    numbers: dict[str, int] = {}
    for some in portions(list(job_ids)):
        found = connection.execute(select(jobs.c.id, jobs.c.number).where(jobs.c.id.in_(some)))
        numbers.update((job_id, number) for job_id, number in found)
    return numbers


def all_numbers_of(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """By job id, its number, in the order of the ids. StoreError for an unknown id."""
    numbers = numbers_of(connection, job_ids)
    for job_id in job_ids:
        if job_id not in numbers:
            raise unknown_job(job_id)
    return {job_id: numbers[job_id] for job_id in job_ids}


def ids_by_content(connection: Connection, content: Column[str], wanted: Sequence[str]) -> dict[str, int]:
    """By what this column says, the ids of rows that have a digest of it; unknown ones are left out."""
    its, known = content.table.c, dict[str, int]()
    for some in portions(wanted):
        these = select(content, its.id).where(its.digest.in_(map(digest, some)))
        known.update((text, number) for text, number in connection.execute(these))
    return known


def insert_one(connection: Connection, table: Table, values: Mapping[str, object]) -> int:
    """Insert a row and return its new number."""
    key = connection.execute(insert(table).values(dict(values))).inserted_primary_key
    assert key is not None  # noqa: S101 - one row always has one
    number: int = key[0]
    return number


def locked(connection: Connection, wanted: ColumnElement[bool]) -> Sequence[int]:
    """The numbers of these jobs, which nobody else changes before this transaction ends.

    All lock them in one order, so that no two kernels wait for each other.
    """
    found = select(jobs.c.number).where(wanted).order_by(jobs.c.number).with_for_update()
    return connection.execute(found).scalars().all()


def load_jobs(connection: Connection, statement: Select[Any]) -> list[JobRecord]:
    """The jobs that a statement on `jobs` selects, in its order."""
    found = connection.execute(statement).mappings().all()
    by_number: dict[int, list[PictureRecord]] = defaultdict(list)
    for some in portions([row["number"] for row in found]):
        wanted = select(pictures).where(pictures.c.job_number.in_(some)).order_by(pictures.c.position)
        for row in connection.execute(wanted).mappings():
            by_number[row["job_number"]].append(rows.picture_record(row))
    return [rows.job_record(row, by_number[row["number"]]) for row in found]


def jobs_of(connection: Connection, ids: Iterable[str]) -> dict[str, JobRecord]:
    """The jobs with these ids, in their order; unknown ids are left out."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, JobRecord] = {}
    for some in portions(wanted):
        records = load_jobs(connection, select(jobs).where(jobs.c.id.in_(some)))
        found.update((record.id, record) for record in records)
    return {job_id: found[job_id] for job_id in wanted if job_id in found}


def load_numbered_jobs(connection: Connection, numbers: Iterable[int]) -> list[JobRecord]:
    """The jobs with these numbers, in their order."""
    wanted = list(numbers)
    found: dict[int, JobRecord] = {}
    for some in portions(wanted):
        ordered = sorted(some)
        statement = select(jobs).where(jobs.c.number.in_(ordered)).order_by(jobs.c.number)
        found.update(zip(ordered, load_jobs(connection, statement), strict=True))
    return [found[number] for number in wanted]


def load_runs(connection: Connection, statement: Select[Any]) -> list[RunRecord]:
    """The runs that a statement on `runs` selects, in its order."""
    found = connection.execute(statement).mappings().all()
    cells: dict[int, list[CellRecord]] = defaultdict(list)
    for some in portions([row["id"] for row in found]):
        wanted = (
            select(run_jobs, jobs.c.id.label("job_id"))
            .join(jobs, jobs.c.number == run_jobs.c.job_number)
            .where(run_jobs.c.run_id.in_(some))
            .order_by(run_jobs.c.run_id, run_jobs.c.position)
        )
        for row in connection.execute(wanted).mappings():
            cells[row["run_id"]].append(rows.cell_record(row))
    return [rows.run_record(row, cells[row["id"]]) for row in found]
