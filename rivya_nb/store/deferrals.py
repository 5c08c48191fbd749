"""Runs that were left to workers, which send their jobs in processes of their own.

A job that was left to them has the id of its run in `deferred` until it has ended, and no owner until a worker
takes it. Any worker also takes it over from one that died. No kernel sends it before a user takes it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, func, literal_column, or_, select, update

from rivya_nb.contract.media import WORDS, medium_of
from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError
from rivya_nb.store.billing import amount
from rivya_nb.store.credit_limits import held
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import load_numbered_jobs, locked
from rivya_nb.store.news import News
from rivya_nb.store.ownership import Owner
from rivya_nb.store.records import FINAL, UNFINISHED, UNSENT, Deferral, DeferredRun, JobRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, run_jobs, runs
from rivya_nb.store.writing import let_pay


def defer(connection: Connection, run_id: int, limits: Deferral, before: int) -> None:
    """Leave all jobs of a run that were not sent to the workers; the run's own jobs cost `before` already."""
    mine = jobs.c.number.in_(select(run_jobs.c.job_number).where(run_jobs.c.run_id == run_id))
    left = mine & jobs.c.status.in_(UNSENT) & jobs.c.deferred.is_(None)
    connection.execute(update(jobs).where(left).values(deferred=run_id))
    values = {"max_credits": before + limits.max_credits, "max_parallel": limits.max_parallel}
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))


def committed(connection: Connection, run_id: int) -> int:
    """What a run's own jobs cost, will cost or may have cost, in credits."""
    own = select(run_jobs.c.job_number).where(run_jobs.c.run_id == run_id, ~run_jobs.c.reused)
    cost: ColumnElement[int] = literal_column(amount("committed", "jobs"))
    total = func.coalesce(func.sum(cost), 0)
    found: int = connection.execute(select(total).where(jobs.c.number.in_(own))).scalar_one()
    return found


_Free: TypeAlias = Row[tuple[int, int | None, bool, str]]
"""A job that nobody works on: its number, its price in credits, whether it was never sent, what it makes."""


class Deferrals:
    """The deferred runs of one store. Each method is one transaction, of which others hear by `steps`."""

    def __init__(self, database: Database, owner: Owner, steps: News) -> None:
        self._steps = steps
        self._database = database
        self._owner = owner

    def waiting(self, service: str, user: str | None = None) -> list[DeferredRun]:
        """The runs with jobs that no process works on, oldest first; of what this user asked for, or of all."""
        unsent = jobs.c.status.in_(UNSENT)
        parts = (jobs.c.deferred, jobs.c.owner, unsent)
        statement = select(*parts, func.count(), func.coalesce(func.sum(jobs.c.price), 0)).group_by(*parts)
        left = jobs.c.deferred.is_not(None) & jobs.c.status.in_(UNFINISHED) & (jobs.c.service == service)
        if user is not None:
            left &= jobs.c.asked_by == user
        with self._database.reading() as connection:
            found = connection.execute(statement.where(left)).all()
            living = self._living(connection, (owner for _, owner, *_ in found))
        free: dict[int, int] = defaultdict(int)
        price: dict[int, int] = defaultdict(int)
        for run_id, owner, is_unsent, number, cost in found:
            free[run_id] += 0 if owner in living else number
            price[run_id] += cost if is_unsent else 0
        return [DeferredRun(run_id, free[run_id], price[run_id]) for run_id in sorted(free) if free[run_id]]

    def claim(
        self,
        run_id: int,
        *,
        most: int,
        credits: int | None = None,  # noqa: A002
        user: str | None = None,
    ) -> list[JobRecord]:
        """Take at most so many of the jobs that no process works on, of which those that were not sent cost at
        most `credits`; what was sent already comes first. With a `user`, take only what this user asked for.

        Raises:
            CreditLimitError: the run, or its user, was not to spend so much; nothing is taken.
        """
        now = self._database.now()
        with self._database.writing() as connection:
            # While another worker takes jobs of the run, this one waits: the run's limits are for all together.
            limits = connection.execute(
                select(runs.c.max_credits, runs.c.max_parallel).where(runs.c.id == run_id).with_for_update()
            ).one()
            of_run = jobs.c.deferred == run_id
            here = of_run & jobs.c.status.in_(UNFINISHED)
            found_owners = connection.execute(
                select(jobs.c.owner, jobs.c.asked_by).where(here).distinct()
            ).all()
            living = self._living(connection, (row.owner for row in found_owners))
            if limits.max_parallel is not None:
                busy = select(func.count()).select_from(jobs).where(here, jobs.c.owner.in_(living))
                most = min(most, limits.max_parallel - connection.execute(busy).scalar_one())
            with held(connection, {row.asked_by for row in found_owners}, now):
                _let_go(connection, of_run & jobs.c.status.in_(FINAL))
                free = here & or_(jobs.c.owner.is_(None), jobs.c.owner.not_in(living))
                found = _next(connection, free if user is None else free & (jobs.c.asked_by == user), most)
                taken = _within(found, credits)
                if found and not taken:
                    price = count(found[0].price or 0, "credit")
                    what = WORDS[medium_of(found[0].makes)]
                    raise CreditLimitError(f"its next {what} costs {price}, and the limit leaves {credits}")
                self._own(connection, run_id, [row for row in taken if row.unsent], limits.max_credits)
                self._take(connection, taken, now)
            return load_numbered_jobs(connection, [row.number for row in taken])

    def _take(self, connection: Connection, taken: Sequence[_Free], now: float) -> None:
        """Own these jobs; what was not sent counts from now on against credit limits."""
        for is_unsent, values in ((True, {"counted_at": now}), (False, {})):
            for some in portions([row.number for row in taken if row.unsent == is_unsent]):
                mine = update(jobs).where(jobs.c.number.in_(some))
                connection.execute(mine.values(owner=self._owner.id, **values))

    def take_back(self, job_ids: Collection[str]) -> None:
        """Leave these jobs no longer to the workers, as far as they were not sent yet."""
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                unsent = locked(connection, jobs.c.id.in_(some) & jobs.c.status.in_(UNSENT))
                connection.execute(update(jobs).where(jobs.c.number.in_(unsent)).values(deferred=None))
        self._steps.tell_others()

    def _own(
        self,
        connection: Connection,
        run_id: int,
        found: Sequence[_Free],
        limit: int,
    ) -> None:
        """Let the run pay for those of these jobs that another run was to pay for."""
        prices = {row.number: row.price or 0 for row in found}
        cells = (run_jobs.c.run_id == run_id) & run_jobs.c.reused & run_jobs.c.job_number.in_(prices)
        others = set(connection.execute(select(run_jobs.c.job_number).where(cells)).scalars())
        if not others:
            return
        price = sum(prices[number] for number in others)
        cost = committed(connection, run_id) + price
        if cost > limit:
            raise CreditLimitError(
                f"{count(len(others), 'picture')} that another run was to pay for would cost "
                f"{count(price, 'credit')}; that makes {cost:,}, and the limit of run {run_id} is {limit:,}"
            )
        let_pay(connection, run_id, others)

    def _living(self, connection: Connection, owners: Iterable[str | None]) -> set[str]:
        return self._owner.living(connection, {owner for owner in owners if owner is not None})


def _let_go(connection: Connection, ended: ColumnElement[bool]) -> None:
    """Leave these jobs no longer to the workers, but for those that another one changes just now."""
    found = select(jobs.c.number).where(ended).order_by(jobs.c.number)
    gone = connection.execute(found.with_for_update(skip_locked=True)).scalars().all()
    for some in portions(gone):
        connection.execute(update(jobs).where(jobs.c.number.in_(some)).values(deferred=None))


def _next(connection: Connection, free: ColumnElement[bool], most: int) -> Sequence[_Free]:
    """The first of these jobs, locked, at most so many; what was sent already comes first."""
    unsent = jobs.c.status.in_(UNSENT).label("unsent")
    wanted = select(jobs.c.number, jobs.c.price, unsent, jobs.c.makes).where(free)
    wanted = wanted.order_by(unsent, jobs.c.number).limit(max(0, most))
    # What is being stopped or taken back just now is not worked on.
    return connection.execute(wanted.with_for_update(skip_locked=True)).all()


def _within(found: Sequence[_Free], limit: int | None) -> list[_Free]:
    """The first of these jobs, as many as cost no more than the limit, in credits."""
    taken = []
    for row in found:
        if limit is not None and row.unsent:
            limit -= row.price or 0
            if limit < 0:
                break
        taken.append(row)
    return taken
