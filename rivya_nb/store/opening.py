"""Opens what a store consists of: in a folder, or on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rivya_nb.files import user_path
from rivya_nb.store.database import Database
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.mounts import shared_mount
from rivya_nb.store.opening_files import open_folder_files
from rivya_nb.store.ownership import FileOwner, Owner
from rivya_nb.store.persisting import OnWait
from rivya_nb.store.places import ServerAddress, StorePlace, local_folder
from rivya_nb.store.presence import DATABASE, why_read_only
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.trouble import ANOTHER_CACHE, disk_trouble, shared_trouble


@dataclass(frozen=True)
class Opened:
    """The parts of an open store, as `Store` has them."""

    place: StorePlace
    folder: Path
    database: Database
    files: ContentFiles
    owner: Owner
    is_new: bool


def open_on_server(address: ServerAddress, pictures: str | None, on_wait: OnWait) -> Opened:
    """A store on a server; the errors are those of `Store.open`."""
    from rivya_nb.store.postgresql.connecting import require_driver

    require_driver()
    from rivya_nb.store.moving.notes import refuse_unfinished
    from rivya_nb.store.postgresql.database import PostgresqlDatabase
    from rivya_nb.store.postgresql.files import open_agreed_files
    from rivya_nb.store.postgresql.ownership import SessionOwner
    from rivya_nb.store.postgresql.trouble import server_trouble

    database = PostgresqlDatabase(address, on_wait)
    try:
        database.prepare()
        refuse_unfinished(database)
        files = open_agreed_files(database, pictures)
        folder = local_folder(address)
        with disk_trouble(folder, ANOTHER_CACHE):
            folder.mkdir(parents=True, exist_ok=True)
        with server_trouble(address):
            owner = SessionOwner(address, read_only=database.obstacle is not None)
    except BaseException:
        database.close()
        raise
    return Opened(address, folder, database, files, owner, database.is_new)


def open_folder(folder: Path, pictures: str | None) -> Opened:
    """A store in a folder, which is created if necessary; the errors are those of `Store.open`."""
    folder = user_path(folder)
    with disk_trouble(folder):
        is_new = not (folder / DATABASE).exists()
        obstacle = why_read_only(folder)
        mount = shared_mount(folder / DATABASE)
        if mount is not None and obstacle is None:
            raise shared_trouble(folder, mount)
        folder.mkdir(parents=True, exist_ok=True)
        database = SqliteDatabase(folder / DATABASE, obstacle, is_shared=mount is not None)
    try:
        database.prepare(folder / "opening.lock")
        owner = FileOwner(folder / "locks", read_only=database.obstacle is not None)
        files = open_folder_files(folder, pictures, database, database.obstacle)
    except BaseException:
        database.close()
        raise
    return Opened(folder, folder, database, files, owner, is_new)
