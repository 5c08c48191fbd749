"""What services were found to allow, and which kernels share it: one row for each service and key.

A key is known here by a label only, by which nobody finds the key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlalchemy import Column, ColumnElement, Connection, Float, Integer, String, Table, and_, delete, select

from rivya_nb.store.columns import Name, put
from rivya_nb.store.database import Database
from rivya_nb.store.pace import Demand, FoundLimits
from rivya_nb.store.schema import metadata
from rivya_nb.store.writing import take_turns

limits = Table(
    "limits",
    metadata,
    Column("service", Name, primary_key=True),
    Column("label", Name, primary_key=True),
    Column("rate", Float),
    Column("places", Float),
    Column("found_at", Float, nullable=False),
)

limit_members = Table(
    "limit_members",
    metadata,
    Column("service", Name, primary_key=True),
    Column("label", Name, primary_key=True),
    Column("member", String(64), primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("seen_at", Float, nullable=False),
)

GONE_AFTER = 5.0
"""Seconds without a sign after which a kernel no longer counts."""


FORGOTTEN_AFTER = 30 * 86_400.0
"""Seconds after which a finding is deleted."""


NOTHING = FoundLimits()
"""No limit was met."""


class LimitBook:
    """The limits in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(
        self,
        service: str,
        label: str,
        member: str,
        mine: Demand,
        found: FoundLimits,
        agreed: FoundLimits = NOTHING,
    ) -> tuple[FoundLimits, list[Demand]]:
        """Tell what this kernel wants and found; gives what counts for all now, and what the other kernels want.

        `agreed` is what this call gave before. Where others have changed the rate since then, this kernel's change
        of it is applied to theirs, so that no refusal is forgotten.

        Raises:
            StoreError: the store cannot be written.
        """
        key = {"service": service, "label": label}
        with self._database.changing() as connection:
            now = self._database.now()
            values = {"in_flight": mine.in_flight, "wanted": mine.wanted, "seen_at": now}
            put(connection, limit_members, {**key, "member": member}, values)
            members = connection.execute(select(limit_members)).all()
            kept, is_ours = _kept(connection, service, label, now)
        # Where the clock was set back, the dead seem to come from the future.
        alive = [each for each in members if abs(each.seen_at - now) <= GONE_AFTER]
        if len(alive) < len(members):
            self._forget_dead()
        others = (each for each in alive if (each.service, each.label) == (service, label))
        demands = [Demand(each.in_flight, each.wanted) for each in others if each.member != member]
        if found.found_at <= (min(kept.found_at, agreed.found_at) if is_ours else 0.0):
            # Mostly there is nothing new, and nobody waits for anybody.
            return kept, demands
        return self._keep(key, found, agreed, now), demands

    def _forget_dead(self) -> None:
        with self._database.writing() as connection:
            now = self._database.now()
            is_alive = limit_members.c.seen_at.between(now - GONE_AFTER, now + GONE_AFTER)
            _delete(connection, limit_members, ~is_alive)

    def _keep(
        self, key: Mapping[str, str], found: FoundLimits, agreed: FoundLimits, now: float
    ) -> FoundLimits:
        """Keep what this kernel found for a service and a label, its `key`; gives what counts for all now."""
        with self._database.writing() as connection:
            # One after the other, so that what one has just found is not overwritten by another.
            take_turns(connection, key["service"], [key["label"]])
            kept, is_ours = _kept(connection, **key, now=now)
            if is_ours and kept.found_at > agreed.found_at < found.found_at:
                found = _both(found, kept, agreed, now)
            if found.found_at <= (kept.found_at if is_ours else 0.0):
                return kept
            _delete(connection, limits, limits.c.found_at < now - FORGOTTEN_AFTER)
            new = {"rate": found.rate, "places": found.places, "found_at": found.found_at}
            put(connection, limits, key, new)
        return found

    def leave(self, member: str) -> None:
        """This kernel wants nothing more.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._database.writing() as connection:
            connection.execute(delete(limit_members).where(limit_members.c.member == member))


def _kept(connection: Connection, service: str, label: str, now: float) -> tuple[FoundLimits, bool]:
    """What was found for this key, or, with False, for another one: that is a better beginning than nothing."""
    newest = select(limits.c.rate, limits.c.places, limits.c.found_at, limits.c.label)
    newest = newest.where(limits.c.service == service)
    row = connection.execute(
        newest.order_by((limits.c.label == label).desc(), limits.c.found_at.desc()).limit(1)
    ).first()
    if row is None:
        return NOTHING, False
    return FoundLimits(*row[:3]), row.label == label and row.found_at <= now + GONE_AFTER


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    """Delete these rows, but for those that another kernel changes just now: nobody waits for anybody."""
    key = table.primary_key.columns
    found = select(*key).where(condition).with_for_update(skip_locked=True)
    for row in connection.execute(found).all():
        mine = and_(*(column == value for column, value in zip(key, row, strict=True)))
        connection.execute(delete(table).where(mine))


def _both(mine: FoundLimits, theirs: FoundLimits, agreed: FoundLimits, now: float) -> FoundLimits:
    """What this kernel and others have found since they agreed."""
    newest = max(mine, theirs, key=lambda found: found.found_at)
    if mine.rate is None or theirs.rate is None or agreed.rate is None:
        return newest
    # What is newest counts, however short the time between the two.
    found_at = max(now, math.nextafter(theirs.found_at, math.inf))
    return FoundLimits(theirs.rate * mine.rate / agreed.rate, newest.places, found_at)
