"""Takes the records of another store into this one: what is here stays, and nothing is there twice.

A job is known by its id, a picture by its content, and a run by when it was made, its axes and its service.
Imported jobs have neither task nor body, and no credits: somebody else paid for them, so they cost nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from rivya_nb.errors import Mistake, StoreError, UsageError
from rivya_nb.store import rows, tombstones, writing
from rivya_nb.store.lookup import jobs_of, load_runs, numbers_of
from rivya_nb.store.marks import fill_in
from rivya_nb.store.measurements import Subject, measurements, measures
from rivya_nb.store.records import JobRecord, Marks, RunRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import runs

if TYPE_CHECKING:
    from rivya_nb.store.store import Store

KeptNumbers = dict[tuple[str, str, str], dict[Subject, dict[str, float]]]
"""Numbers by the name, the version and the source of their measure, by what was measured, by their part."""


@dataclass(frozen=True)
class Merged:
    """What an import has brought: new jobs, jobs that were here, and the ids of the runs, each with whether it is
    new."""

    new: Sequence[JobRecord]
    known: int
    runs: Sequence[tuple[int, bool]]
    marked: int


def numbers_among(store: Store, contents: Collection[str], identities: Collection[str]) -> KeptNumbers:
    """All numbers that measures gave for these pictures: alone, for these requests, or beside each other."""
    beside = {"", *contents, *identities}
    found: KeptNumbers = {}
    wanted = select(
        measures.c.name,
        measures.c.version,
        measures.c.source,
        measurements.c.sha256,
        measurements.c.beside,
        measurements.c.frames,
        measurements.c.part,
        measurements.c.value,
    ).join(measurements, measurements.c.measure_id == measures.c.id)
    with store.database.reading() as connection:
        for some in portions(sorted(contents)):
            for name, version, source, sha256, other, frames, part, value in connection.execute(
                wanted.where(measurements.c.sha256.in_(some))
            ):
                if other in beside:
                    numbers = found.setdefault((name, version, source), {})
                    numbers.setdefault(Subject(sha256, other, frames), {})[part] = value
    return found


def merge(
    store: Store, records: Sequence[JobRecord], made: Sequence[RunRecord], marks: Mapping[str, Marks]
) -> Merged:
    """Store what is new of jobs, runs and marks, in one transaction. The files must be there already.

    Raises:
        UsageError: a job has the id of another one here; nothing is stored.
        StoreError: a picture was deleted meanwhile.
    """
    with store.database.writing() as connection:
        # No constraint tells that two runs are the same.
        writing.take_turns(connection, "imports", [""])
        here = jobs_of(connection, [record.id for record in records])
        for record in records:
            known = here.get(record.id)
            if known is not None and (known.identity, known.service) != (record.identity, record.service):
                raise UsageError(
                    [Mistake(record.id, "this store has another job with this id; nothing was imported")]
                )
        new = sorted((record for record in records if record.id not in here), key=lambda job: job.created_at)
        tombstones.lift(connection, {each.sha256 for record in new for each in record.pictures})
        if not all(store.files.has_all(record.pictures) for record in new):
            raise StoreError("A picture was deleted while the bundle was imported; import it again.")
        for some in portions(new):
            writing.insert_jobs(connection, None, some)
        merged = [_merge_run(connection, run) for run in made]
        numbers = numbers_of(connection, list(marks))
        marked = fill_in(connection, {numbers[job_id]: each for job_id, each in marks.items()})
    if new:
        store.arrivals.tell()
    if marked:
        store.marks.changes.tell()
    return Merged(new, len(here), merged, marked)


def _merge_run(connection: Connection, run: RunRecord) -> tuple[int, bool]:
    axes = runs.c.axes == rows.axes_text(run.axes)
    same = (runs.c.created_at == run.created_at, runs.c.service == run.service, axes)
    first = select(runs).where(*same).order_by(runs.c.id).limit(1)
    for known in load_runs(connection, first.with_for_update()):
        there = {(cell.job_id, cell.coordinates) for cell in known.cells}
        more = [cell for cell in run.cells if (cell.job_id, cell.coordinates) not in there]
        writing.append_cells(connection, known.id, run.axes, more)
        return known.id, False
    return writing.insert_run(connection, run), True
