"""Copies the rows of tables from one database to another, in portions that are noted in the target."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, select, tuple_

from rivya_nb.errors import StoreError
from rivya_nb.store import store as _store  # noqa: F401 - with it, all tables are known
from rivya_nb.store.columns import Words
from rivya_nb.store.database import Database
from rivya_nb.store.moving.notes import forget, note, noted
from rivya_nb.store.schema import ledger, limit_members, metadata, tallies, turns

PORTION = 5000
"""Rows that are copied in one transaction."""

_NOT_COPIED = {tallies, ledger, turns, limit_members}
"""Sums are made from the rows; of what processes say to each other, nothing is true elsewhere."""

Rows = Sequence[Row[Any]]


def copied_tables() -> list[Table]:
    """The tables whose rows a move copies, those first to which others point."""
    return [table for table in metadata.sorted_tables if table not in _NOT_COPIED]


class Digest:
    """The number of some rows, and a hash of all of them in whatever order."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, rows: Rows) -> None:
        for row in rows:
            # Both databases give equal values, so that their texts are equal, too.
            hashed = hashlib.blake2b(repr(tuple(row)).encode("utf-8", "backslashreplace"), digest_size=16)
            self._sum += int.from_bytes(hashed.digest(), "big")
        self.count += len(rows)

    def __eq__(self, other: object) -> bool:
        mine = (self.count, self._sum)
        return isinstance(other, Digest) and mine == (other.count, other._sum)

    __hash__ = None  # type: ignore[assignment]


def copy_table(source: Connection, target: Database, table: Table, progress: Callable[[int], None]) -> int:
    """Copy what the target does not have of a table yet, and compare both; returns the number of rows.

    `progress` is called with the number of rows of each portion.

    Raises:
        StoreError: the target's rows are others.
    """
    with target.reading() as connection:
        last = noted(connection, table.name)
    digest = _append(source, target, table, last, progress)
    if last is not None:
        # The source may have changed since the earlier call.
        digest = _digest(source, table)
    with target.reading() as connection:
        is_right = _digest(connection, table) == digest
    if not is_right and last is not None:
        with target.writing() as connection:
            connection.execute(delete(table))
            forget(connection, table.name)
        return copy_table(source, target, table, progress)
    if not is_right:
        raise StoreError(
            f"{target.name}: the table {table.name} does not have what was written into it. Move the store anew, "
            "into an empty place."
        )
    return digest.count


def rows_altogether(connection: Connection) -> int:
    """The number of rows that a move copies."""
    counts = (select(func.count()).select_from(table) for table in copied_tables())
    return sum(connection.execute(each).scalar_one() for each in counts)


def _append(
    source: Connection, target: Database, table: Table, last: str | None, progress: Callable[[int], None]
) -> Digest:
    """Copy the rows behind the last one; gives the digest of these."""
    digest = Digest()
    key = [table.columns.keys().index(column.name) for column in table.primary_key]
    for rows in _portions(source, table, last):
        with target.writing() as connection:
            _insert(connection, table, rows)
            note(connection, table.name, json.dumps([rows[-1][at] for at in key]))
        digest.add(rows)
        progress(len(rows))
    return digest


def _portions(connection: Connection, table: Table, last: str | None = None) -> Iterator[Rows]:
    key = list(table.primary_key)
    statement = select(table).order_by(*key).execution_options(yield_per=PORTION)
    if last is not None:
        statement = statement.where(
            tuple_(*key) > tuple_(*json.loads(last), types=[each.type for each in key])
        )
    with connection.execute(statement) as result:
        yield from result.partitions()


def _digest(connection: Connection, table: Table) -> Digest:
    digest = Digest()
    for rows in _portions(connection, table):
        digest.add(rows)
    return digest


def _insert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows in the way that is fastest for many."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(table.columns))
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places})'  # noqa: S608 - our own names
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])
        return
    texts = [(at, column.type) for at, column in enumerate(table.columns) if isinstance(column.type, Words)]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            values = list(row)
            for at, kind in texts:
                values[at] = kind.process_bind_param(values[at], connection.dialect)
            copy.write_row(values)
