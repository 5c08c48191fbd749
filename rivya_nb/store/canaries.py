"""Canaries: requests that are asked again and again, to see whether a service changes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, Table, insert, select, update

from rivya_nb.store.columns import Name, Number, Words, insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.schema import metadata

canaries = Table(
    "canaries",
    metadata,
    Column("name", Name, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    # The ids of the jobs whose requests are the cells, as JSON.
    Column("cells", Words, nullable=False),
    Column("replicates", Integer, nullable=False),
    Column("max_credits", Number),
    Column("created_at", Float, nullable=False),
)

occasions = Table(
    "canary_occasions",
    metadata,
    Column("canary", ForeignKey("canaries.name", ondelete="CASCADE"), primary_key=True),
    Column("at", Number, primary_key=True),
    Column("run_id", ForeignKey("runs.id")),
    # What was found, as JSON (`study/drift.py` has its form).
    Column("finding", Words),
)


@dataclass(frozen=True, slots=True)
class OccasionRecord:
    """One time at which a canary was asked; `at` in whole seconds since the epoch.

    `run_id` is None until its run is written; `finding` is what was found, as JSON, None before that.
    """

    at: int
    run_id: int | None = None
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class CanaryRecord:
    """The requests of the jobs `cells`, taken from a run; each is asked `replicates` times on each occasion.

    `max_credits` is what an occasion may cost, None if no limit was given. `occasions` are the oldest first.
    """

    name: str
    run_id: int
    cells: tuple[str, ...]
    replicates: int
    max_credits: int | None
    created_at: float
    occasions: tuple[OccasionRecord, ...] = ()


class CanaryBook:
    """The canaries of one store. Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[CanaryRecord]:
        """All canaries, in the order of their names."""
        with self._database.reading() as connection:
            names = connection.execute(select(canaries.c.name).order_by(canaries.c.name)).scalars().all()
            return [found for name in names if (found := _load(connection, name)) is not None]

    def get(self, name: str) -> CanaryRecord | None:
        """The canary of this name, None if there is none."""
        with self._database.reading() as connection:
            return _load(connection, name)

    def pin(self, canary: CanaryRecord) -> CanaryRecord:
        """Keep a new canary with its first occasion; gives the one of its name that is kept: where another process
        was faster, its own."""
        with self._database.writing() as connection:
            new = insert_for(connection, canaries).values(
                name=canary.name,
                run_id=canary.run_id,
                cells=json.dumps(canary.cells),
                replicates=canary.replicates,
                max_credits=canary.max_credits,
                created_at=canary.created_at,
            )
            added = new.on_conflict_do_nothing().returning(canaries.c.name)
            if connection.execute(added).first() is None:
                there = _load(connection, canary.name)
                assert there is not None  # noqa: S101 - no canary is ever deleted
                return there
            for occasion in canary.occasions:
                connection.execute(insert(occasions).values(canary=canary.name, at=occasion.at))
        return canary

    def begin(self, canary: CanaryRecord, at: int) -> CanaryRecord:
        """Add an occasion, unless another process has added one since the canary was read.

        Gives the canary as it is now.
        """
        with self._database.writing() as connection:
            connection.execute(
                select(canaries.c.name).where(canaries.c.name == canary.name).with_for_update()
            )
            known = _occasions(connection, canary.name)
            if [each.at for each in known] == [each.at for each in canary.occasions]:
                connection.execute(insert(occasions).values(canary=canary.name, at=at))
        return self._known(canary.name)

    def ran(self, canary: CanaryRecord, at: int, run_id: int) -> CanaryRecord:
        """Note the run of an occasion, unless it has one; gives the canary as it is now."""
        with self._database.writing() as connection:
            mine = (occasions.c.canary == canary.name) & (occasions.c.at == at)
            change = update(occasions).where(mine & occasions.c.run_id.is_(None))
            connection.execute(change.values(run_id=run_id))
        return self._known(canary.name)

    def found(self, canary: CanaryRecord, at: int, finding: str) -> None:
        """Note what was found on an occasion."""
        with self._database.writing() as connection:
            mine = (occasions.c.canary == canary.name) & (occasions.c.at == at)
            connection.execute(update(occasions).where(mine).values(finding=finding))

    def _known(self, name: str) -> CanaryRecord:
        found = self.get(name)
        assert found is not None  # noqa: S101 - no canary is ever deleted
        return found


def _load(connection: Connection, name: str) -> CanaryRecord | None:
    row = connection.execute(select(canaries).where(canaries.c.name == name)).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row) | {"cells": tuple(json.loads(row["cells"]))}
    return CanaryRecord(**values, occasions=_occasions(connection, name))


def _occasions(connection: Connection, name: str) -> tuple[OccasionRecord, ...]:
    statement = select(occasions.c.at, occasions.c.run_id, occasions.c.finding)
    statement = statement.where(occasions.c.canary == name).order_by(occasions.c.at)
    return tuple(OccasionRecord(*row) for row in connection.execute(statement))
