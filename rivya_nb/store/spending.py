"""What jobs have cost, summed up in the database: the rules of `JobRecord`, in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, and_, case, func, or_, select

from rivya_nb.store.records import FINAL, NOT_BILLED, Spent
from rivya_nb.store.schema import jobs

_final = case((jobs.c.status.in_(FINAL), jobs.c.final_credits), else_=None)
_is_unknown = jobs.c.status == "unknown"
_is_told = or_(jobs.c.reserved_credits.is_not(None), _final.is_not(None))
_is_taken = or_(jobs.c.task_id.is_not(None), _is_told)
_committed = case(
    (jobs.c.status.in_(NOT_BILLED), 0),
    else_=func.coalesce(_final, jobs.c.reserved_credits, jobs.c.price, 0),
)
_credits = case((_is_taken, _committed), else_=0)
_certain_credits = case((_is_unknown, 0), else_=_credits)
_costs_about = and_(_is_taken, ~_is_told, jobs.c.status.not_in(NOT_BILLED), ~_is_unknown)
_perhaps_billed = case((_is_unknown, _committed), else_=0)


def spent(connection: Connection, service: str, since: float | None) -> Spent:
    """What the jobs of a service have cost; `since` in seconds since the epoch, by when they were submitted."""
    sums = select(
        func.coalesce(func.sum(_credits), 0),
        func.coalesce(func.sum(_certain_credits), 0),
        func.coalesce(func.max(case((_costs_about, 1), else_=0)), 0),
        func.coalesce(func.sum(_perhaps_billed), 0),
    ).where(jobs.c.service == service)
    if since is not None:
        sums = sums.where(func.coalesce(jobs.c.submitted_at, jobs.c.created_at) >= since)
    all_credits, certain, about, perhaps = connection.execute(sums).one()
    return Spent(all_credits, certain, bool(about), perhaps)
