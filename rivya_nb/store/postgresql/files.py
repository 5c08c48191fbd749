"""The pictures of a store on a server, which all its kernels have in one place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rivya_nb.errors import StoreError
from rivya_nb.store import tombstones
from rivya_nb.store.files import PICTURES, ContentFiles
from rivya_nb.store.opening_files import open_files
from rivya_nb.store.picture_places import VARIABLE, read_pictures, same_spelling
from rivya_nb.store.postgresql.database import PostgresqlDatabase
from rivya_nb.store.postgresql.settings import keep_pictures, kept_pictures


def open_agreed_files(
    database: PostgresqlDatabase, given: str | None, obstacle: str | None = None
) -> ContentFiles:
    """The files in the place that the database has kept, else in the given one, which it keeps once that can be
    written.

    `obstacle` is the reason why they may only be read, beside the database's own.

    Raises:
        UsageError: what is given is no address of pictures.
        StoreError: there is no place, or another one is given than is kept, or it cannot be used.
    """
    with database.reading() as connection:
        kept = kept_pictures(connection)
    agreed = _agreed(database, kept, given)
    place, obstacle = read_pictures(agreed), obstacle or database.obstacle
    if kept and isinstance(place, Path) and not (place / PICTURES).is_dir():
        # It must not be made here: it would be a folder that only this machine has.
        raise StoreError(
            f"The store {database.name} keeps its pictures in {kept}, and this machine has no such folder, or "
            "another one; mount the folder there that all its machines share."
        )
    files = open_files(place, obstacle, partial(tombstones.spare, database))
    if not kept and obstacle is None:
        files.try_out()
        with database.writing() as connection:
            kept = keep_pictures(connection, agreed)
        # Another kernel may have been faster, with another place.
        _agreed(database, kept, given)
    return files


def _agreed(database: PostgresqlDatabase, kept: str, given: str | None) -> str:
    asked = same_spelling(given)
    if kept and asked and kept != asked:
        raise StoreError(
            f"The store {database.name} keeps its pictures in {kept}, and {VARIABLE} names {asked}; leave "
            f"{VARIABLE} out, or let it name the same place."
        )
    if not (kept or asked):
        raise StoreError(
            f"The store {database.name} has no place for its pictures yet; name one that all its machines reach, "
            f"{VARIABLE}=s3://bucket/prefix or, for a folder that they share, {VARIABLE}=file:///folder, and "
            "connect again."
        )
    return kept or asked
