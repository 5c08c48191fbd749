"""Finds the job that an identical request may use instead of a new one.

It is the newest one that succeeded and whose pictures' files exist, one of this store's own before an imported one
(which has no task); else the newest one that is unfinished, or that ended without a picture and is or may be paid
for. If that job was never sent and no process is about to send it, using it means to send it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, select

from rivya_nb.store.lookup import load_jobs
from rivya_nb.store.records import COLLECTABLE, UNFINISHED, JobRecord, PictureRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs


def find(
    connection: Connection,
    has_files: Callable[[Sequence[PictureRecord]], bool],
    service: str,
    identities: Collection[str],
) -> dict[str, JobRecord]:
    """These jobs by identity; `has_files` is True for pictures whose files exist."""
    found: dict[str, JobRecord] = {}
    for some in portions(list(identities)):
        lost: set[str] = set()
        while True:
            numbers = _numbers(connection, service, some, lost)
            records = load_jobs(connection, select(jobs).where(jobs.c.number.in_(numbers)))
            gone = {record.id for record in records if not has_files(record.pictures)}
            if not gone:
                break
            lost |= gone
        found.update((record.identity, record) for record in records)
    return found


def _numbers(
    connection: Connection, service: str, identities: Sequence[str], lost: Collection[str]
) -> list[int]:
    # Not filtered by status in the query: SQLite's planner would use the index on the status, which most jobs
    # share.
    statement = select(jobs.c.identity, jobs.c.number, jobs.c.id, jobs.c.status, jobs.c.pictured)
    statement = statement.where(jobs.c.service == service, jobs.c.identity.in_(identities))
    succeeded: dict[str, int] = {}
    pending: dict[str, int] = {}
    for identity, number, job_id, status, pictured in connection.execute(
        statement.order_by(jobs.c.task_id.is_not(None), jobs.c.number)
    ):
        if job_id in lost:
            continue
        if status == "succeeded" and pictured:
            succeeded[identity] = number
        elif status in UNFINISHED or status in COLLECTABLE:
            pending[identity] = number
    return list({**pending, **succeeded}.values())
