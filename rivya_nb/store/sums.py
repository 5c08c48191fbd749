"""What the jobs' rows say of the sums, in SQL that every database understands."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, text

from rivya_nb.store.billing import AMOUNTS, COMMITTED, amount, counted, day, hour
from rivya_nb.store.schema import commitments, ledger, tallies

SUMS = {tallies: ("jobs",), ledger: ("jobs", *AMOUNTS), commitments: COMMITTED}
"""The tables of sums over jobs, with the columns that are sums."""


def wanted(table: Table, dialect: str) -> str:
    """The SELECT of what a table of sums is to say, without shards: its keys first, and then its sums."""
    if table is tallies:
        return (
            "SELECT service, settings_id, hidden, count(*) AS jobs FROM jobs WHERE pictured"
            " GROUP BY service, settings_id, hidden"
        )
    if table is ledger:
        return _summed(
            ("service", hour("jobs", dialect)), ("count(*)", *(amount(name, "jobs") for name in AMOUNTS))
        )
    return _summed(("asked_by", day("jobs", dialect)), tuple(counted(name, "jobs") for name in COMMITTED))


def said(table: Table) -> str:
    """The SELECT of what it says, in the same form."""
    keys = ", ".join(column.name for column in table.primary_key if column.name != "shard")
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in SUMS[table])
    return f"SELECT {keys}, {sums} FROM {table.name} GROUP BY {keys}"  # noqa: S608 - our own names


def sum_anew(connection: Connection) -> None:
    """Write the sums from the jobs' rows, whatever they say now."""
    for table in SUMS:
        connection.execute(delete(table))
        names = ", ".join(column.name for column in table.columns if column.name != "shard")
        connection.execute(
            text(f"INSERT INTO {table.name} ({names}) {wanted(table, connection.dialect.name)}")
        )


def _summed(keys: tuple[str, ...], sums: tuple[str, ...]) -> str:
    summed = ", ".join(each if each == "count(*)" else f"CAST(sum({each}) AS BIGINT)" for each in sums)
    return f"SELECT {', '.join(keys)}, {summed} FROM jobs GROUP BY {', '.join(keys)}"  # noqa: S608 - our own names
