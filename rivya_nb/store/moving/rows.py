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
from rivya_nb.store.limits import limit_members
from rivya_nb.store.moving.notes import forget, note, noted
from rivya_nb.store.schema import metadata, turns
from rivya_nb.store.sums import SUMS

PORTION = 5000
"""Rows that are copied in one transaction."""

_NOT_COPIED = {*SUMS, turns, limit_members}
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


def copy_rows(source: Connection, target: Database, progress: Callable[[int, int], None]) -> dict[str, int]:
    """Copy what the target does not have yet, and compare all of it; returns the number of rows of each table.

    `progress` is called after each portion with the numbers of rows that were copied and that there are.

    Raises:
        StoreError: the target does not have the rows that were written into it.
    """
    with target.reading() as connection:
        is_begun = any(noted(connection, table.name) for table in copied_tables())
    counts = _copy_all(source, target, progress)
    if counts is None and is_begun:
        # The source has changed since an earlier call.
        with target.writing() as connection:
            for table in reversed(copied_tables()):
                connection.execute(delete(table))
                forget(connection, table.name)
        counts = _copy_all(source, target, progress)
    if counts is None:
        raise StoreError(
            f"{target.name} does not have what was written into it. Move the store anew, into an empty place."
        )
    return counts


def _copy_all(
    source: Connection, target: Database, progress: Callable[[int, int], None]
) -> dict[str, int] | None:
    """None where a table is another one in the target."""
    sizes = {table: _size(source, table) for table in copied_tables()}
    total, done = sum(sizes.values()), 0
    counts = {}
    for table, size in sizes.items():
        with target.reading() as connection:
            last = noted(connection, table.name)
        digest = Digest()
        for rows in _append(source, target, table, last):
            digest.add(rows)
            progress(done + digest.count, total)
        if last is not None:
            digest = _digest(source, table)
        with target.reading() as connection:
            if _digest(connection, table) != digest:
                return None
        counts[table.name] = digest.count
        done += size
    return counts


def _size(connection: Connection, table: Table) -> int:
    size: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return size


def _append(source: Connection, target: Database, table: Table, last: str | None) -> Iterator[Rows]:
    """Copy the rows behind the last one, and give them, portion by portion."""
    key = [table.columns.keys().index(column.name) for column in table.primary_key]
    for rows in _portions(source, table, last):
        with target.writing() as connection:
            _insert(connection, table, rows)
            note(connection, table.name, json.dumps([rows[-1][at] for at in key]))
        yield rows


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
