"""Contents that were deleted, and whose files are swept away later.

A deletion takes the records away and leaves a tombstone for each content. A sweep removes the files of contents
with a tombstone, if no record needs them, in a transaction that holds the tombstones' rows.

The transaction that writes a picture's record *lifts* the tombstone first. It holds the row, too: so it waits for
a sweep of the same content and then finds its file gone, and a deletion that comes meanwhile waits for it. This is
enough for files on a disk, which are looked for in that transaction. A bucket is too slow to be asked there. Who
sends a file to it *spares* the content before: the tombstone becomes new, or the delivery waits for the sweep that
holds it, and sends the file again. Only old tombstones are swept then; from the spare to the lift it is short
against PATIENCE.

Tombstones are rows and no objects, since only a row can be locked, and changed with the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Float, String, Table, bindparam, delete, select, update

from rivya_nb.errors import StoreError
from rivya_nb.store.columns import Words, insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import metadata

if TYPE_CHECKING:
    from rivya_nb.store.files import ContentFiles

PATIENCE = 3600.0
"""Seconds that a tombstone stands before an object in a bucket is swept away."""

AT_ONCE = 100
"""Contents that are swept away in one transaction."""

tombstones = Table(
    "tombstones",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("mime_type", Words, nullable=False),
    Column("since", Float, nullable=False),
)

# Made once: to put a statement together takes longer than to send it.
_CLEAR = delete(tombstones).where(tombstones.c.sha256.in_(bindparam("some", expanding=True)))


def lay(connection: Connection, contents: Iterable[tuple[str, str]], now: float) -> None:
    """Leave tombstones for contents, by hash and MIME type."""
    new = insert_for(connection, tombstones)
    rows = [
        {"sha256": sha256, "mime_type": mime_type, "since": now} for sha256, mime_type in sorted(contents)
    ]
    if rows:
        connection.execute(new.on_conflict_do_update(index_elements=["sha256"], set_={"since": now}), rows)


def spare(database: Database, contents: Collection[str]) -> None:
    """Keep a sweep away from contents that are being delivered."""
    having = tombstones.c.sha256.in_(contents)
    with database.reading() as connection:
        if connection.execute(select(tombstones.c.sha256).where(having).limit(1)).first() is None:
            return
    with database.writing() as connection:
        connection.execute(update(tombstones).where(having).values(since=database.now()))


def lift(connection: Connection, contents: Collection[str]) -> None:
    """Take the tombstones of contents away, whose records are written in this transaction, and let nobody else
    lay one before it ends."""
    lay(connection, ((sha256, "") for sha256 in set(contents)), 0.0)
    _clear(connection, contents)


def _clear(connection: Connection, contents: Collection[str]) -> None:
    for some in portions(sorted(set(contents))):
        connection.execute(_CLEAR, {"some": some})


def sweep(
    database: Database,
    files: ContentFiles,
    needed: Callable[[Connection, Collection[str]], set[str]],
    patience: float,
) -> int:
    """Remove the files of tombstones that are older than `patience` seconds; returns the freed bytes.

    What cannot be removed now stays for the next sweep.
    """
    freed, last = 0, ""
    with suppress(StoreError):
        old = tombstones.c.since <= database.now() - patience
        due = select(tombstones.c.sha256, tombstones.c.mime_type).where(old)
        with database.reading() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return 0
        while True:
            with database.writing() as connection:
                locked = (
                    due.where(tombstones.c.sha256 > last)
                    .order_by(tombstones.c.sha256)
                    .limit(AT_ONCE)
                    .with_for_update(skip_locked=True)
                )
                found = [(sha256, mime_type) for sha256, mime_type in connection.execute(locked)]
                if not found:
                    break
                kept = needed(connection, [sha256 for sha256, _ in found])
                removed = files.remove([content for content in found if content[0] not in kept])
                _clear(connection, [sha256 for sha256, _ in found])
            freed, last = freed + removed, found[-1][0]
    return freed
