"""What the jobs' rows say of the sums, in SQL that every database understands."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Table, delete, select, text, tuple_

from rivya_nb.store.billing import COMMITMENTS, DAY, LEDGER
from rivya_nb.store.schema import commitments, ledger, tallies

SUMS = {tallies: ("jobs",), ledger: LEDGER.names, commitments: COMMITMENTS.names}
"""The tables of sums over jobs, with the columns that are sums."""

_KEPT = 62
"""Days for which commitments are kept at least; the longest period of a limit has 31."""

_FORGOTTEN = 70
"""Days after which commitments are deleted."""


def wanted(table: Table, dialect: str) -> str:
    """The SELECT of what a table of sums is to say, without shards: its keys first, and then its sums."""
    if table is tallies:
        return (
            "SELECT service, settings_id, hidden, count(*) AS jobs FROM jobs WHERE pictured"
            " GROUP BY service, settings_id, hidden"
        )
    its = LEDGER if table is ledger else COMMITMENTS
    of, period = its.keys("jobs", dialect)
    kept = f"WHERE {period} >= {_first_day()}" if table is commitments else ""
    sums = ", ".join(f"CAST(sum({part}) AS BIGINT)" for part in its.parts("jobs"))
    return f"SELECT {of}, {period}, {sums} FROM jobs {kept} GROUP BY {of}, {period}"  # noqa: S608 - our own names


def said(table: Table) -> str:
    """The SELECT of what it says, in the same form."""
    keys = ", ".join(column.name for column in table.primary_key if column.name != "shard")
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in SUMS[table])
    kept = f"WHERE day >= {_first_day()}" if table is commitments else ""
    return f"SELECT {keys}, {sums} FROM {table.name} {kept} GROUP BY {keys}"  # noqa: S608 - our own names


def sum_anew(connection: Connection) -> None:
    """Write the sums from the jobs' rows, whatever they say now."""
    for table in SUMS:
        connection.execute(delete(table))
        names = ", ".join(column.name for column in table.columns if column.name != "shard")
        connection.execute(
            text(f"INSERT INTO {table.name} ({names}) {wanted(table, connection.dialect.name)}")
        )


def forget_old(connection: Connection, now: float) -> None:
    """Delete the commitments that no limit looks at any more, but for those that another kernel changes just now.

    Where a job of that time still changes, it leaves a row again, which is deleted like the others.
    """
    key = list(commitments.primary_key)
    old = select(*key).where(commitments.c.day < int(now // DAY) - _FORGOTTEN)
    free = old.with_for_update(skip_locked=True)
    connection.execute(delete(commitments).where(tuple_(*key).in_(free)))


def _first_day() -> int:
    """The first day whose commitments are there for sure."""
    return int(time.time() // DAY) - _KEPT
