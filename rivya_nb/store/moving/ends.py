"""The two ends of a move: the store that it reads, and the place where one is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import inspect, text

from rivya_nb.errors import StoreError
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.mounts import shared_mount
from rivya_nb.store.moving.notes import move_notes
from rivya_nb.store.opening_files import open_folder_files
from rivya_nb.store.ownership import FileOwner
from rivya_nb.store.places import ServerAddress, StorePlace, local_folder
from rivya_nb.store.presence import DATABASE, why_read_only
from rivya_nb.store.schema import APPLICATION_ID, jobs
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.trouble import ANOTHER_CACHE, ANOTHER_PLACE, disk_trouble, shared_trouble

if TYPE_CHECKING:
    from rivya_nb.store.postgresql.database import PostgresqlDatabase

UNFINISHED = f"{DATABASE}.moving"
"""The database of a folder into which a store is moved: it is no store before the move is finished."""

_LOCK = "moving.lock"
_KEY = APPLICATION_ID + 2
"""The number of the advisory lock of a move, on its target."""

_OTHERS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND NOT (classid = 0 AND objid = :key)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND pid != pg_backend_pid()"
)


@dataclass(frozen=True)
class End:
    """One end of a move: its place, its database, its files, and the folder of its other files on this machine."""

    place: StorePlace
    database: Database
    files: ContentFiles
    folder: Path

    def check_idle(self) -> None:
        """Raise StoreError if a kernel has the store open."""
        others = self._others()
        if others:
            raise StoreError(
                f"{others} other process{'es have' if others > 1 else ' has'} the store {self.place} open, and "
                "would go on with what is not moved: shut these kernels and workers down, and call it again."
            )

    def _others(self) -> int:
        if isinstance(self.place, ServerAddress):
            with self.database.reading() as connection:
                count: int = connection.execute(_OTHERS, {"key": _KEY}).scalar_one()
            return count
        locks = self.place / "locks"
        if not locks.is_dir():
            return 0
        with closing(FileOwner(locks, read_only=self.database.obstacle is not None)) as owner:
            return sum(path.stem != owner.id and owner.is_alive(path.stem) for path in locks.glob("*.lock"))


@contextmanager
def opened_store(place: StorePlace, pictures: str | None) -> Iterator[End]:
    """The store at a place, which is only read; `pictures` is the address of its files, unless it
    knows another.

    Raises:
        UsageError: the address of the pictures cannot be used.
        StoreError: there is none.
    """
    obstacle = "it is only read"
    if isinstance(place, ServerAddress):
        with _server(place) as server:
            with server.reading() as connection:
                is_made = inspect(connection).has_table(jobs.name)
            if not is_made:
                raise StoreError(f"There is no store in {place}.")
            server.prepare()
            yield _server_end(place, server, pictures, obstacle)
        return
    with disk_trouble(place):
        if not (place / DATABASE).is_file():
            raise StoreError(f"There is no store in {place}: it has no {DATABASE}.")
        is_shared = shared_mount(place / DATABASE) is not None
        file = SqliteDatabase(place / DATABASE, why_read_only(place), is_shared=is_shared)
    with closing(file):
        file.prepare(place / "opening.lock")
        yield _folder_end(place, file, pictures, obstacle)


@contextmanager
def target_end(place: StorePlace, pictures: str | None) -> Iterator[End]:
    """The place where a store is made, for this move alone; `pictures` is the address of its files.

    Raises:
        UsageError: the address of the pictures cannot be used.
        StoreError: there is a store or something else, or it cannot be one, or another move is writing it.
    """
    if isinstance(place, ServerAddress):
        with _server(place) as server:
            server.prepare()
            with server.reading() as connection:
                # It is held by this connection, and so until the move ends.
                if not connection.execute(
                    text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}
                ).scalar_one():
                    raise _busy(place)
                made = _server_end(place, server, pictures)
                made.check_idle()
                yield made
        return
    _check_folder(place)
    with disk_trouble(place, ANOTHER_PLACE):
        place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(place) from None
    with lock, closing(SqliteDatabase(place / UNFINISHED)) as file:
        file.prepare(place / "opening.lock")
        file.begin_work()
        yield _folder_end(place, file, pictures)
        file.end_work()
    with disk_trouble(place, ANOTHER_PLACE):
        (place / _LOCK).unlink(missing_ok=True)


def put_in_place(folder: Path) -> None:
    """Make a folder's finished database that of its store."""
    with disk_trouble(folder, ANOTHER_PLACE):
        (folder / UNFINISHED).rename(folder / DATABASE)
    with closing(SqliteDatabase(folder / DATABASE)) as database:
        database.prepare(folder / "opening.lock")
        with database.writing() as connection:
            # Until here they tell, after a kill, that this file is the one of this move.
            move_notes.drop(connection)
    with disk_trouble(folder, ANOTHER_PLACE):
        (folder / "opening.lock").unlink(missing_ok=True)


@contextmanager
def _server(address: ServerAddress) -> Iterator[PostgresqlDatabase]:
    from rivya_nb.store.postgresql.connecting import require_driver

    require_driver()
    from rivya_nb.store.postgresql.database import PostgresqlDatabase

    with closing(PostgresqlDatabase(address)) as database:
        yield database


def _server_end(
    address: ServerAddress, database: PostgresqlDatabase, pictures: str | None, obstacle: str | None = None
) -> End:
    from rivya_nb.store.postgresql.files import open_agreed_files

    folder = local_folder(address)
    with disk_trouble(folder, ANOTHER_CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    return End(address, database, open_agreed_files(database, pictures, obstacle), folder)


def _folder_end(
    folder: Path, database: SqliteDatabase, pictures: str | None, obstacle: str | None = None
) -> End:
    return End(folder, database, open_folder_files(folder, pictures, database, obstacle), folder)


def _check_folder(place: Path) -> None:
    with disk_trouble(place, ANOTHER_PLACE):
        mount = shared_mount(place / DATABASE)
        if mount is not None:
            raise shared_trouble(place, mount)
        is_begun = (place / UNFINISHED).exists()
        if place.exists() and not is_begun and (not place.is_dir() or any(place.iterdir())):
            raise StoreError(f"{place} already exists, and was left as it is; name a new folder.")


def _busy(place: StorePlace) -> StoreError:
    return StoreError(f"Another process moves a store to {place} at this moment; nothing was copied.")
