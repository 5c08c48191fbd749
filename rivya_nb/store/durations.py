"""How long the latest tasks of each kind took: a bounded number for each service, model and kind."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Column, ColumnElement, Connection, Float, Index, Table, and_, delete, insert, select

from rivya_nb.contract.ideas import takes_time
from rivya_nb.contract.request import Request
from rivya_nb.store.columns import Name, Number
from rivya_nb.store.database import Database
from rivya_nb.store.pace import DURATIONS_ENOUGH, DURATIONS_KEPT, TaskDuration
from rivya_nb.store.schema import metadata

durations = Table(
    "durations",
    metadata,
    # In the order in which they were added.
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("service", Name, nullable=False),
    Column("model", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("submitted_at", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("most", Float, nullable=False),
    Index("durations_by_kind", "service", "model", "kind"),
)


def kind_of(request: Request) -> str:
    """The params by which tasks of one model take longer or shorter, as JSON; equal for tasks of one kind."""
    return json.dumps({key: value for key, value in sorted(request.params.items()) if takes_time(key)})


class DurationBook:
    """The durations in one store. They belong to no job, so they stay when the history is deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, service: str, request: Request, ended: Sequence[TaskDuration]) -> None:
        """Add the durations of tasks that have ended, in one transaction; the earliest ones beyond
        `DURATIONS_KEPT` of the kind are deleted.

        Raises:
            StoreError: the store cannot be written.
        """
        kind = {"service": service, "model": request.model, "kind": kind_of(request)}
        if not ended:
            return
        of_kind = _is_of(**kind)
        too_old = select(durations.c.id).where(of_kind).order_by(durations.c.id.desc()).offset(DURATIONS_KEPT)
        # What another kernel is deleting is left to it.
        too_old = too_old.with_for_update(skip_locked=True)
        with self._database.writing() as connection:
            connection.execute(insert(durations), [{**kind, **asdict(duration)} for duration in ended])
            connection.execute(delete(durations).where(durations.c.id.in_(too_old)))

    def known(self, service: str, request: Request) -> list[TaskDuration]:
        """The latest durations of the request's kind, or, if there are fewer than `DURATIONS_ENOUGH`, of its
        model with any params."""
        model = and_(durations.c.service == service, durations.c.model == request.model)
        with self._database.reading() as connection:
            of_kind = _latest(connection, _is_of(service, request.model, kind_of(request)))
            return of_kind if len(of_kind) >= DURATIONS_ENOUGH else _latest(connection, model)


def _is_of(service: str, model: str, kind: str) -> ColumnElement[bool]:
    return and_(durations.c.service == service, durations.c.model == model, durations.c.kind == kind)


def _latest(connection: Connection, which: ColumnElement[bool]) -> list[TaskDuration]:
    found = select(durations.c.submitted_at, durations.c.least, durations.c.most).where(which)
    latest = found.order_by(durations.c.id.desc()).limit(DURATIONS_KEPT)
    # A time in the future was taken by a wrong clock, and would stay the newest one until then.
    now = time.time()
    return [TaskDuration(min(at, now), *how_long) for at, *how_long in connection.execute(latest)]
