"""Writes records into the tables, within a transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from rivya_nb.errors import JobTakenError
from rivya_nb.store import facts, job_settings, prompt_index, rows
from rivya_nb.store.columns import digest, insert_many
from rivya_nb.store.lookup import all_numbers_of, insert_one, numbers_of, unknown_job
from rivya_nb.store.records import AxisRecord, CellRecord, JobChanges, JobRecord, PictureRecord, RunRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, pictures, run_jobs, runs

# Whoever adds a row that another transaction has added waits until that one has ended, also where it has deleted
# the row again.
_TAKE = text(
    "INSERT INTO turns SELECT unnest(CAST(:numbers AS bigint[]))"
    " ON CONFLICT (number) DO UPDATE SET number = excluded.number"
)
_LEAVE = text("DELETE FROM turns WHERE number = ANY(CAST(:numbers AS bigint[]))")

# Made once: to put a statement together takes longer than to send it.
_CHANGE = update(jobs).where(jobs.c.id == bindparam("its_id"), jobs.c.owner == bindparam("its_owner"))
_BEFORE = select(jobs.c.number, jobs.c.pictured).where(jobs.c.id == bindparam("its_id"))


def take_turns(connection: Connection, service: str, identities: Collection[str]) -> None:
    """Let no other kernel store a job of these identities before this transaction ends. SQLite has one writer at a
    time anyway."""
    if connection.dialect.name == "sqlite" or not identities:
        return
    # All take them in one order, so that no two wait for each other.
    mine = sorted({int(digest(f"{service} {identity}")[:15], 16) for identity in identities})
    for statement in (_TAKE, _LEAVE):
        connection.execute(statement, {"numbers": mine})


def insert_jobs(
    connection: Connection, owner: str | None, records: Sequence[JobRecord], *, now: float | None = None
) -> None:
    """Insert new jobs with their params and pictures; jobs without an owner get this one, if any.

    They count against credit limits at `now`, by default when they were made.
    """
    if not records:
        return
    prompts = prompt_index.ids_of(connection, [record.prompt for record in records])
    settings = job_settings.ids_of(connection, records)
    new = [rows.job_row(record, prompts[record.prompt], settings[record.id]) for record in records]
    own = [
        {
            **row,
            "owner": row["owner"] or owner,
            "counted_at": row["created_at"] if now is None else now,
        }
        for row in new
    ]
    insert_many(connection, jobs, own)
    pictured = [record for record in records if record.pictures]
    if pictured:
        numbers = numbers_of(connection, [record.id for record in pictured])
        came = [row for each in pictured for row in rows.picture_rows(numbers[each.id], each.pictures)]
        insert_many(connection, pictures, came)


def insert_run(connection: Connection, run: RunRecord) -> int:
    """Insert a run, whose jobs are there, and return its new id. StoreError for an unknown job."""
    values = {
        "name": run.name,
        "service": run.service,
        "created_at": run.created_at,
        "axes": rows.axes_text(run.axes),
        "ask": run.ask,
        "asked_by": run.asked_by,
    }
    run_id = insert_one(connection, runs, values)
    append_cells(connection, run_id, run.axes, run.cells)
    return run_id


def append_cells(
    connection: Connection, run_id: int, axes: Sequence[AxisRecord], cells: Sequence[CellRecord]
) -> None:
    """Add cells to a run with these axes, behind its others. StoreError for an unknown job."""
    numbers = numbers_of(connection, {cell.job_id for cell in cells})
    unknown = [cell.job_id for cell in cells if cell.job_id not in numbers]
    if unknown:
        raise unknown_job(unknown[0])
    following = select(func.coalesce(func.max(run_jobs.c.position) + 1, 0)).where(run_jobs.c.run_id == run_id)
    start: int = connection.execute(following).scalar_one()
    if cells:
        sets = facts.ids_of(connection, axes, dict.fromkeys(cell.coordinates for cell in cells))
        insert_many(connection, run_jobs, rows.cell_rows(run_id, start, cells, numbers, sets))


def let_pay(connection: Connection, run_id: int, numbers: Collection[int]) -> None:
    """Let this run pay for these jobs, and no other run that has them."""
    for some in portions(list(numbers)):
        cells = run_jobs.c.job_number.in_(some)
        connection.execute(update(run_jobs).where(cells).values(reused=run_jobs.c.run_id != run_id))


def change(connection: Connection, owner: str, job_id: str, values: Mapping[str, object]) -> None:
    """Change a job of this owner. StoreError for an unknown job, JobTakenError for one that is not the owner's."""
    if connection.execute(_CHANGE, {**values, "its_id": job_id, "its_owner": owner}).rowcount == 0:
        all_numbers_of(connection, [job_id])
        raise JobTakenError(f"Another kernel works on the job {job_id} by now.")


def finish(
    connection: Connection,
    owner: str,
    job_id: str,
    changes: JobChanges,
    records: Sequence[PictureRecord],
) -> None:
    """Change a job as `change` does, if there are changes, and replace its pictures."""
    found = connection.execute(_BEFORE, {"its_id": job_id}).one_or_none()
    if found is None:
        raise unknown_job(job_id)
    if found.pictured:
        connection.execute(delete(pictures).where(pictures.c.job_number == found.number))
    if changes:
        # The pictures' trigger would say it, too, and the job be written twice.
        change(connection, owner, job_id, {**changes, "pictured": bool(records)})
    if records:
        insert_many(connection, pictures, rows.picture_rows(found.number, records))
