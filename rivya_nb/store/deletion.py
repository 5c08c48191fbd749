"""Deletes pictures: the records stay, and files that no other record needs are removed."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store import tombstones
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.lookup import all_numbers_of
from rivya_nb.store.records import UNFINISHED
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, pictures

_NO_REFERENCES = "[]"


def delete_pictures(database: Database, files: ContentFiles, job_ids: Collection[str]) -> int:
    """Delete the pictures of finished jobs and return the bytes that are freed by that: at once, or by a later
    sweep where the files are in a bucket."""
    with database.writing() as connection:
        numbers = all_numbers_of(connection, list(dict.fromkeys(job_ids)))
        _refuse_unfinished(connection, numbers.values())
        now = database.now()
        sizes = _take_out(connection, numbers.values(), now)
        needed = _needed(connection, {sha256 for sha256, _ in sizes})
        gone = {content: size for content, size in sizes.items() if content[0] not in needed}
        # Also of what is needed: somebody else may just delete the last record that needs it.
        tombstones.lay(connection, sizes, now)
    freed = sweep(database, files)
    return sum(gone.values()) if files.are_elsewhere else freed


def sweep(database: Database, files: ContentFiles) -> int:
    """Remove the files of contents that were deleted, as far as that is possible now; returns the freed bytes."""
    patience = tombstones.PATIENCE if files.are_elsewhere else 0.0
    return tombstones.sweep(database, files, _needed, patience)


def _refuse_unfinished(connection: Connection, numbers: Collection[int]) -> None:
    for some in portions(list(numbers)):
        busy = select(jobs.c.id, jobs.c.status).where(jobs.c.number.in_(some), jobs.c.status.in_(UNFINISHED))
        for job_id, status in connection.execute(busy.limit(1)):
            message = f"job {job_id[:8]} is still {status}; nothing was deleted"
            raise UsageError([Mistake("delete", message)])


def _take_out(connection: Connection, numbers: Collection[int], now: float) -> dict[tuple[str, str], int]:
    """Delete the records of these jobs' pictures; returns the size of each content by its hash and MIME type."""
    sizes: dict[tuple[str, str], int] = {}
    for some in portions(list(numbers)):
        columns = (pictures.c.sha256, pictures.c.mime_type, pictures.c.size)
        found = select(*columns).where(pictures.c.job_number.in_(some))
        sizes.update(((sha256, mime_type), size) for sha256, mime_type, size in connection.execute(found))
        having = jobs.c.number.in_(some) & jobs.c.pictured
        connection.execute(update(jobs).where(having).values(deleted_at=now))
        connection.execute(delete(pictures).where(pictures.c.job_number.in_(some)))
    return sizes


def _needed(connection: Connection, contents: Collection[str]) -> set[str]:
    """Those of these contents that are a picture or a reference of a job."""
    needed: set[str] = set()
    for some in portions(list(contents)):
        used = select(pictures.c.sha256).where(pictures.c.sha256.in_(some))
        needed.update(connection.execute(used).scalars())
    given = select(jobs.c.references).where(jobs.c.references != _NO_REFERENCES).distinct()
    for text in connection.execute(given).scalars():
        needed.update(reference["sha256"] for reference in json.loads(text))
    return needed
