"""Copies a store that is in use: its history at one moment, and the pictures that belong to it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.opening_files import open_files, place_of
from rivya_nb.store.picture_places import PicturesPlace
from rivya_nb.store.places import ServerAddress, StorePlace
from rivya_nb.store.presence import DATABASE, why_read_only
from rivya_nb.store.rows import read_references
from rivya_nb.store.schema import jobs, pictures, runs
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble


@dataclass(frozen=True, slots=True)
class Backup:
    """The contents of a backup: the number of runs, of files (pictures and references), and bytes altogether.

    `missing` counts the files of the history that are gone from the store or damaged.
    """

    folder: Path
    runs: int
    files: int
    size: int
    missing: int


def back_up(
    store: StorePlace, target: Path, progress: Callable[[int, int], None], pictures: str | None = None
) -> Backup:
    """Copy the store in one folder to another, which appears as a whole or not at all. Kernels may go on
    using it.

    `pictures` is the address of its pictures, if they are not in that folder; the backup has them in its own.
    `progress` is called after each file with the number of copied files and of all files.

    Raises:
        UsageError: the store is on a server.
        StoreError: there is no store, the target exists or is inside the store, or a disk fails.
    """
    if isinstance(store, ServerAddress):
        raise UsageError(
            f"{store} is backed up with pg_dump and a copy of its pictures; `rivya-nb move {store} FOLDER` makes "
            "a folder of it."
        )
    store, target = store.absolute(), target.absolute()
    with disk_trouble(store):
        if not (store / DATABASE).is_file():
            raise StoreError(
                f"There is no store in {store}: it has no {DATABASE}. Name its folder with --store."
            )
    with disk_trouble(target, ANOTHER_PLACE):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise StoreError(f"{target} already exists, and was left as it is; name a new folder.")
        if store.resolve() in target.resolve().parents:
            raise StoreError(f"{target} is inside the store itself ({store}); name a folder outside it.")
        part = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}.part"
        try:
            part.mkdir(parents=True)
        except FileNotFoundError as error:
            raise StoreError(f"{target} cannot be made: {error.strerror}; {ANOTHER_PLACE}.") from None
        try:
            made = _fill(store, part, progress, place_of(store, pictures))
            if target.exists():
                target.rmdir()
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Backup(target, *made)


def _fill(
    store: Path, part: Path, progress: Callable[[int, int], None], pictures: PicturesPlace
) -> tuple[int, int, int, int]:
    with closing(SqliteDatabase(store / DATABASE, why_read_only(store))) as source:
        if source.obstacle is not None:
            source.prepare(store / "opening.lock")
        source.copy_to(part / DATABASE)
    with closing(SqliteDatabase(part / DATABASE)) as copy:
        copy.prepare(part / "opening.lock")
        with copy.reading() as connection:
            count: int = connection.execute(select(func.count()).select_from(runs)).scalar_one()
            contents = named_contents(connection)
    (part / "opening.lock").unlink(missing_ok=True)
    # Lists of models, and tables of prompts that were dropped on a panel.
    for kept in ("models", "tables"):
        if (store / kept).is_dir():
            shutil.copytree(store / kept, part / kept, ignore=shutil.ignore_patterns("*.part"))
    originals = open_files(pictures, "it is only read", lambda _: None)
    copies = ContentFiles(part)
    missing = 0
    for number, (sha256, mime_type) in enumerate(contents, 1):
        missing += not copies.copy(originals, sha256, mime_type)
        progress(number, len(contents))
    size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    return count, len(contents) - missing, size, missing


def named_contents(connection: Connection) -> list[tuple[str, str]]:
    """The contents that jobs have as pictures or references, by hash and MIME type, in order."""
    shown = connection.execute(select(pictures.c.sha256, pictures.c.mime_type).distinct())
    contents = {(sha256, mime_type) for sha256, mime_type in shown}
    for text in connection.execute(select(jobs.c.references).distinct()).scalars():
        try:
            # A web address that was given as a reference has no file.
            given = [each for each in read_references(text) if not each.url]
        except (ValueError, TypeError, AttributeError):
            raise StoreError(
                "What a job says of its references cannot be read, so that it is not known which files belong to "
                "the store: `rivya-nb check` says where; go back to a backup."
            ) from None
        contents |= {(each.sha256, each.mime_type) for each in given}
    return sorted(contents)
