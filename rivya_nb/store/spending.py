"""The cost of jobs, summed up in the database by the rules of `JobRecord`."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, not_, select

from rivya_nb.store.records import FINAL, NOT_BILLED
from rivya_nb.store.schema import jobs


def spent(connection: Connection, service: str, since: float | None) -> int:
    """Credits that jobs of a service cost, reserved ones included; `since` in seconds since the epoch."""
    # The rule of `JobRecord.credits`.
    planned = case((jobs.c.task_id.is_not(None), func.coalesce(jobs.c.price, 0)), else_=0)
    until_then = func.coalesce(jobs.c.reserved_credits, planned)
    cost = case(
        (jobs.c.status.in_(NOT_BILLED), 0),
        (jobs.c.status.in_(FINAL), func.coalesce(jobs.c.final_credits, until_then)),
        else_=until_then,
    )
    statement = select(func.coalesce(func.sum(cost), 0)).where(*_counted(service, since))
    return int(connection.execute(statement).scalar_one())


def is_about(connection: Connection, service: str, since: float | None) -> bool:
    """True if a part of `spent` is the documented price, because the service did not say it."""
    # The rule of `JobRecord.costs_about`.
    said = and_(jobs.c.status.in_(FINAL), jobs.c.final_credits.is_not(None))
    unsaid = [
        jobs.c.task_id.is_not(None),
        jobs.c.reserved_credits.is_(None),
        not_(said),
        jobs.c.status.not_in(NOT_BILLED),
    ]
    return bool(connection.execute(select(exists().where(*_counted(service, since), *unsaid))).scalar_one())


def _counted(service: str, since: float | None) -> list[ColumnElement[bool]]:
    counted = [jobs.c.service == service]
    if since is not None:
        counted.append(func.coalesce(jobs.c.submitted_at, jobs.c.created_at) >= since)
    return counted
