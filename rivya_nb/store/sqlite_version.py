"""Whose a SQLite database is, and of which version: its header says it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection

from rivya_nb.errors import StoreError
from rivya_nb.store import schema
from rivya_nb.store.schema import APPLICATION_ID, OURS, expected

_COLUMNS = (
    "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    # A virtual table has no page, and cannot be looked at where SQLite lacks its module.
    " WHERE tables.type = 'table' AND tables.rootpage > 0"
)


def sign(connection: Connection) -> None:
    """Tell that the database is ours, and of this version."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {schema.VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0 where there are none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def is_signed(connection: sqlite3.Connection) -> bool:
    """Whether the database says that it is ours, and of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    return bool(application == APPLICATION_ID and version_of(connection) == schema.VERSION)


def is_made(path: Path, connection: sqlite3.Connection, *, may_upgrade: bool = False) -> bool:
    """Whether the database has the tables, of any version that can be used; False where it is empty.

    A newer version is used where all is there that this one needs; an earlier one where it may be upgraded, too.

    Raises:
        StoreError: something is missing, or the database is of an earlier development state, or of something else.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = version_of(connection)
    if may_upgrade and application == APPLICATION_ID and version < schema.VERSION:
        return True
    found = set(connection.execute(_COLUMNS).fetchall())
    if not found or (application == APPLICATION_ID and found >= expected()):
        return bool(found)
    if application == APPLICATION_ID and version != schema.VERSION:
        raise StoreError(f"{path} {schema.wrong_version(version)} or use another folder (store=…).")
    if found >= OURS:
        raise StoreError(
            f"{path} was written by an unreleased development state of rivya_nb, which this version cannot read; "
            f"nothing was changed: move the folder {path.parent} away, or name another one with store=…."
        )
    raise StoreError(f"{path} is not a database of rivya_nb; name another folder with store=….")
