"""What jobs have cost, from the sums that the database keeps (`ledger`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, union_all

from rivya_nb.store.billing import AMOUNTS, HOUR_SECONDS, amount
from rivya_nb.store.records import Spent
from rivya_nb.store.schema import jobs, ledger


def spent(connection: Connection, service: str, since: float | None) -> Spent:
    """What the jobs of a service have cost; `since` in seconds since the epoch, by when they were submitted."""
    kept = [ledger.c[name] for name in AMOUNTS]
    hours = select(*kept).where(ledger.c.service == service)
    if since is not None and since >= 0:
        # Whole hours come from the ledger, and the jobs of the first one, which is not whole, one by one.
        following = int(since) // HOUR_SECONDS + 1
        when: ColumnElement[float] = literal_column("coalesce(jobs.submitted_at, jobs.created_at)")
        those = (jobs.c.service == service, when >= since, when < following * HOUR_SECONDS)
        first: Any = select(*[_each(name) for name in AMOUNTS]).where(*those)
        hours = _both(hours.where(ledger.c.hour >= following), first)
    found = hours.subquery()
    sums = select(*(func.coalesce(func.sum(found.c[name]), 0) for name in AMOUNTS))
    everything, certain, about, perhaps = connection.execute(sums).one()
    return Spent(everything, certain, bool(about), perhaps)


def _each(name: str) -> ColumnElement[int]:
    rule: ColumnElement[int] = literal_column(amount(name, "jobs"))
    return rule.label(name)


def _both(hours: Select[Any], first: Select[Any]) -> Select[Any]:
    both = union_all(hours, first).subquery()
    return select(*(both.c[name] for name in AMOUNTS))


def services(connection: Connection) -> list[str]:
    """The names of all services that there are jobs of."""
    kept = select(ledger.c.service).group_by(ledger.c.service).having(func.sum(ledger.c.jobs) > 0)
    return list(connection.execute(kept.order_by(ledger.c.service)).scalars())
