"""What the jobs' rows say of the sums and of what is written twice, in SQL that every database understands."""

from __future__ import annotations

from sqlalchemy import Connection, delete, text

from rivya_nb.store.billing import AMOUNTS, amount, hour
from rivya_nb.store.schema import ledger, tallies

TALLIES = (
    "SELECT service, settings_id, hidden, count(*) AS jobs FROM jobs WHERE pictured"
    " GROUP BY service, settings_id, hidden"
)
"""How many jobs have pictures, as `tallies` is to say it."""


def bills(dialect: str) -> str:
    """The SQL of what jobs have cost, as `ledger` is to say it."""
    when = hour("jobs", dialect)
    sums = ", ".join(f"CAST(sum({amount(name, 'jobs')}) AS BIGINT) AS {name}" for name in AMOUNTS)
    return f"SELECT service, {when} AS hour, count(*) AS jobs, {sums} FROM jobs GROUP BY service, {when}"  # noqa: S608 - our own names


def sum_anew(connection: Connection) -> None:
    """Write `tallies` and `ledger` from the jobs' rows, whatever they say now."""
    for table, wanted in ((tallies, TALLIES), (ledger, bills(connection.dialect.name))):
        connection.execute(delete(table))
        names = ", ".join(column.name for column in table.columns if column.name != "shard")
        connection.execute(text(f"INSERT INTO {table.name} ({names}) {wanted}"))
