"""The store, and where its pictures are. Both are only looked at."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.doctor.verdicts import Verdicts, note, ok, wrong

if TYPE_CHECKING:
    from rivya_nb.store.places import ServerAddress

_ROOM = 200_000_000
"""Bytes below which a disk is called full: some pictures and a video need more."""


def store() -> Verdicts:
    """Whether the store can be read and written, and is of a version that is known here."""
    from rivya_nb.store.environment import store_place

    place = store_place(None)
    source = "RIVYA_STORE" if os.environ.get("RIVYA_STORE") else "the user's own"
    yield from (_folder(place, source) if isinstance(place, Path) else _server(place))


def _folder(folder: Path, source: str) -> Verdicts:
    from rivya_nb.store.mounts import shared_mount
    from rivya_nb.store.presence import DATABASE, why_read_only
    from rivya_nb.store.sqlite_database import SqliteDatabase
    from rivya_nb.store.trouble import MAY_NOT_BE_WRITTEN, disk_trouble, read_only, shared_trouble

    with disk_trouble(folder):
        obstacle = why_read_only(folder)
        mount = shared_mount(folder / DATABASE)
        if mount is not None and obstacle is None:
            raise shared_trouble(folder, mount)
        if not (folder / DATABASE).exists():
            above = next(each for each in (folder, *folder.parents) if each.exists())
            if not above.is_dir():
                yield wrong(f"{above} is a file, where a folder should be; name another one in RIVYA_STORE")
            elif not os.access(above, os.W_OK):
                yield wrong(
                    f"{folder} cannot be made: {above}: {MAY_NOT_BE_WRITTEN}; name another in RIVYA_STORE"
                )
            else:
                yield ok(f"{folder} ({source}), which is made when it is needed")
                yield from _room(above)
            return
    # As a reader: nothing is made or upgraded.
    database = SqliteDatabase(
        folder / DATABASE, obstacle or "it is only looked at", is_shared=mount is not None
    )
    with closing(database):
        database.prepare(folder / "opening.lock")
    if obstacle is not None:
        raise read_only(obstacle)
    yield ok(f"{folder} ({source}) can be read and written")
    yield from _room(folder)


def _room(folder: Path) -> Verdicts:
    """That there is too little room for some pictures on the folder's disk, if it is so."""
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        yield wrong(
            f"the disk of {folder} has {free // 1_000_000} MB left: make room on it, or name a folder on another "
            "disk in RIVYA_STORE"
        )


def _server(address: ServerAddress) -> Verdicts:
    from rivya_nb.store.postgresql.connecting import parameters, require_driver

    require_driver()
    from sqlalchemy import NullPool, create_engine

    from rivya_nb.store.postgresql.examination import examine
    from rivya_nb.store.postgresql.trouble import server_trouble
    from rivya_nb.store.trouble import read_only

    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, connect_args=parameters(address), hide_parameters=True
    )
    with server_trouble(address), engine.connect() as connection, connection.begin():
        found = examine(connection, address)
    if found.obstacle is not None:
        raise read_only(found.obstacle)
    made = "can be read and written" if found.version else "has no tables yet, which are made when it is used"
    yield ok(f"{address} {made}")


def pictures() -> Verdicts:
    """Whether the place of pictures can be used, if it is not the store's own folder."""
    from rivya_nb.store.picture_places import VARIABLE, read_pictures

    given = os.environ.get(VARIABLE)
    if not given:
        yield ok("in the store's folder; a store on a server knows its place")
        return
    place = read_pictures(given)
    if isinstance(place, Path):
        if not place.is_dir():
            yield wrong(f"{VARIABLE}: there is no folder {place}; make it, or mount what should be there")
        elif not os.access(place, os.W_OK):
            yield wrong(f"{VARIABLE}: {place} may not be written by this user; change its rights")
        else:
            yield ok(f"{place} can be written")
        return
    try:
        import obstore  # noqa: F401 - to see that it can be
    except ImportError:
        yield wrong(f"{place} is a bucket, which needs one more package: pip install 'rivya-nb[server]'")
        return
    from rivya_nb.store.bucket import Bucket

    Bucket(place).try_out()
    yield ok(f"{place} can be written")
    if not os.environ.get("RIVYA_STORE"):
        yield note(f"{VARIABLE} holds for any store, as RIVYA_STORE names none")
