"""How far runs are, counted in the database: a list of runs does not need the records of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, distinct, func, literal_column, select

from rivya_nb.store.billing import amount
from rivya_nb.store.records import UNFINISHED, UNSENT, RunSummary
from rivya_nb.store.rows import axis_records
from rivya_nb.store.schema import jobs, run_jobs, runs

_BEHIND_ALL = 2**30
"""More places than a run has; twice as much is still an integer of every database."""


def summaries(connection: Connection, limit: int, offset: int) -> list[RunSummary]:
    """A page of runs, newest first."""
    wanted = select(runs.c.id, runs.c.name, runs.c.created_at, runs.c.axes, runs.c.ask, runs.c.asked_by)
    wanted = wanted.order_by(runs.c.id.desc())
    found = connection.execute(wanted.limit(limit).offset(offset)).all()
    ids = [number for number, *_ in found]
    state, cost, first = _states(connection, ids), _costs(connection, ids), _firsts(connection, ids)
    summed = []
    for run_id, name, created_at, axes, ask, asked_by in found:
        places, pictures, unfinished, left, *makes = state.get(run_id, (0, 0, 0, 0))
        total, about = cost.get(run_id, (0, False))
        counts = (places, pictures, unfinished, left, total, about, tuple(dict.fromkeys(makes)))
        summed.append(
            RunSummary(
                run_id, name, created_at, *counts, axis_records(axes), first.get(run_id), ask, asked_by
            )
        )
    return summed


def _states(connection: Connection, ids: Sequence[int]) -> dict[int, Sequence[Any]]:
    """By run, the numbers of its places, of those with pictures, with unfinished jobs and with jobs that are left
    to workers, and the first and the last of what its jobs make."""
    place = run_jobs.c.coordinates
    is_deferred = jobs.c.deferred.is_not(None) & jobs.c.status.in_(UNSENT)
    states = (
        select(
            run_jobs.c.run_id,
            func.count(distinct(place)),
            func.count(distinct(case((jobs.c.pictured, place)))),
            func.count(distinct(case((jobs.c.status.in_(UNFINISHED), place)))),
            func.count(distinct(case((is_deferred, place)))),
            func.min(jobs.c.makes),
            func.max(jobs.c.makes),
        )
        .join(jobs, jobs.c.number == run_jobs.c.job_number)
        .where(run_jobs.c.run_id.in_(ids))
        .group_by(run_jobs.c.run_id)
    )
    return {run_id: counts for run_id, *counts in connection.execute(states)}


def _costs(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[int, bool]]:
    """By run, the credits of its own jobs, and whether the price of any of them is only the documented one."""
    # A job that stands at several places of a run is paid for once.
    own = select(run_jobs.c.run_id, run_jobs.c.job_number).distinct()
    own_jobs = own.where(run_jobs.c.run_id.in_(ids), ~run_jobs.c.reused).subquery()
    costs = (
        select(
            own_jobs.c.run_id,
            func.sum(literal_column(amount("credits", "jobs"))),
            func.max(literal_column(amount("costs_about", "jobs"))),
        )
        .join(jobs, jobs.c.number == own_jobs.c.job_number)
        .group_by(own_jobs.c.run_id)
    )
    return {run_id: (total, bool(about)) for run_id, total, about in connection.execute(costs)}


def _firsts(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """By run, the id of its first job with a picture, or else of its first one."""
    place_of_picture = run_jobs.c.position + case((jobs.c.pictured, 0), else_=_BEHIND_ALL)
    shown = (
        select(run_jobs.c.run_id, func.min(place_of_picture).label("place"))
        .join(jobs, jobs.c.number == run_jobs.c.job_number)
        .where(run_jobs.c.run_id.in_(ids))
        .group_by(run_jobs.c.run_id)
        .subquery()
    )
    firsts = (
        select(run_jobs.c.run_id, jobs.c.id)
        .join(shown, shown.c.run_id == run_jobs.c.run_id)
        .join(jobs, jobs.c.number == run_jobs.c.job_number)
        .where(run_jobs.c.position == shown.c.place % _BEHIND_ALL)
    )
    return {row.run_id: row.id for row in connection.execute(firsts)}
