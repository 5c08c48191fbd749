"""Adds up what connections that have ended left in the sums: each has added to rows of its own."""

from __future__ import annotations

from sqlalchemy import Connection, Select, Table, delete, func, literal_column, select, text, tuple_

from rivya_nb.store.columns import insert_for
from rivya_nb.store.schema import APPLICATION_ID, metadata

_MY_TURN = text("SELECT pg_try_advisory_xact_lock(:key)")
_LIVING: Select[tuple[int]] = select(literal_column("pid")).select_from(text("pg_stat_activity"))


def fold(connection: Connection) -> None:
    """Move what connections that have ended have added to the rows of nobody (shard 0), unless another kernel does
    so. Nobody has to wait for it: rows in use stay as they are."""
    if connection.execute(_MY_TURN, {"key": APPLICATION_ID + 1}).scalar_one():
        for table in metadata.sorted_tables:
            if "shard" in table.columns:
                _fold(connection, table)


def _fold(connection: Connection, table: Table) -> None:
    key = list(table.primary_key.columns)
    of = [column for column in key if column is not table.c.shard]
    sums = [column for column in table.columns if column not in key]
    left = table.c.shard.not_in(_LIVING) & (table.c.shard != 0)
    found = select(*key).where(left).with_for_update(skip_locked=True).cte("found")
    gone = delete(table).where(tuple_(*key).in_(select(found))).returning(*of, *sums).cte("gone")
    added = select(
        *(gone.c[column.name] for column in of),
        literal_column("0"),
        *(func.sum(gone.c[column.name]) for column in sums),
    ).group_by(*(gone.c[column.name] for column in of))
    names = [column.name for column in (*of, table.c.shard, *sums)]
    statement = insert_for(connection, table).from_select(names, added)
    both = {column.name: column + statement.excluded[column.name] for column in sums}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=both))
