"""Deletes pictures: the records stay, and files that no other record needs are removed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy import Connection, delete, select, update

from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.lookup import all_numbers_of
from rivya_nb.store.records import UNFINISHED
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, pictures
from rivya_nb.store.trouble import disk_trouble

_NO_REFERENCES = "[]"


def delete_pictures(database: Database, files: ContentFiles, job_ids: Collection[str]) -> int:
    """Delete the pictures of finished jobs and return the bytes that were freed.

    No other process can write while it is checked which files are still needed, and while they are moved
    away. A process that just delivers the same content notices that when it stores its record (see
    `Store.finish_job`).
    """
    with ExitStack() as undo:
        with database.writing() as connection:
            numbers = all_numbers_of(connection, list(dict.fromkeys(job_ids)))
            _refuse_unfinished(connection, numbers.values())
            contents = _take_out(connection, numbers.values(), database.now())
            needed = _needed(connection, {sha256 for sha256, _ in contents})
            gone = [content for content in contents if content[0] not in needed]
            moved = [_move_aside(files.path(*content), files.incoming, undo) for content in gone]
        undo.pop_all()
    freed = sum(_remove(part) for part in moved if part is not None)
    return freed + _forget_thumbnails(files, {sha256 for sha256, _ in gone})


def _refuse_unfinished(connection: Connection, numbers: Collection[int]) -> None:
    for some in portions(list(numbers)):
        busy = select(jobs.c.id, jobs.c.status).where(jobs.c.number.in_(some), jobs.c.status.in_(UNFINISHED))
        for job_id, status in connection.execute(busy.limit(1)):
            message = f"job {job_id[:8]} is still {status}; nothing was deleted"
            raise UsageError([Mistake("delete", message)])


def _take_out(connection: Connection, numbers: Collection[int], now: float) -> set[tuple[str, str]]:
    """Delete the records of these jobs' pictures; returns the contents, each with its MIME type."""
    contents: set[tuple[str, str]] = set()
    for some in portions(list(numbers)):
        found = select(pictures.c.sha256, pictures.c.mime_type).where(pictures.c.job_number.in_(some))
        contents.update((sha256, mime_type) for sha256, mime_type in connection.execute(found))
        having = jobs.c.number.in_(some) & jobs.c.pictured
        connection.execute(update(jobs).where(having).values(deleted_at=now))
        connection.execute(delete(pictures).where(pictures.c.job_number.in_(some)))
    return contents


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


def _move_aside(path: Path, folder: Path, undo: ExitStack) -> Path | None:
    """Move a file away, and back if `undo` is called; the new path, None if the file is gone."""
    part = folder / f"{uuid.uuid4().hex}.part"
    with disk_trouble(path), suppress(FileNotFoundError):
        path.replace(part)
        undo.callback(_move_back, part, path)
        return part
    return None


def _move_back(part: Path, path: Path) -> None:
    with disk_trouble(path):
        part.replace(path)


def _forget_thumbnails(files: ContentFiles, contents: Iterable[str]) -> int:
    folder = files.folder.parent / "thumbnails"
    return sum(_remove(path) for sha256 in contents for path in (folder / sha256[:2]).glob(f"{sha256}*"))


def _remove(path: Path) -> int:
    """The bytes of a removed file; 0 if it is gone, or cannot be removed because it is in use."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size
