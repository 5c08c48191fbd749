"""What the users of a store may spend in a day, a week or a month: limits, and the sums that they are held to.

A limit is for one user, or for the whole store. It is accounting, not security: whoever can write the store can
change it, and a user's name is what the user's process says.

A job counts with what it costs, will cost or may have cost, in the period in which it was asked for: when its run
was written, or when it was taken up again. So a job that is sent later never moves into a period that is full.
Days begin at midnight UTC, weeks on Monday, months on their first day: a store is used in several time zones.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import Column, Connection, String, Table, delete, func, select, update

from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError
from rivya_nb.store.billing import DAY
from rivya_nb.store.columns import Name, Number, put
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import locked
from rivya_nb.store.records import NOT_BILLED, UNSENT, JobRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import commitments, jobs, metadata

EVERYBODY = ""
"""The limit of the whole store; no user has an empty name."""

credit_limits = Table(
    "credit_limits",
    metadata,
    Column("who", Name, primary_key=True),
    Column("per", String(8), primary_key=True),
    Column("credits", Number, nullable=False),
    # What a picture counts as whose price is not known; such pictures are refused where there is none.
    Column("unknown", Number),
)


@dataclass(frozen=True, slots=True)
class CreditLimit:
    """At most so many `credits` in each `per`iod, for the user `who` or for `EVERYBODY`.

    A picture whose price is not known counts as `unknown` credits; None refuses it.
    """

    who: str
    per: str
    credits: int
    unknown: int | None = None

    @property
    def words(self) -> str:
        """`ada's limit of 2,000 credits a month`."""
        whose = f"{self.who}'s limit" if self.who else "the limit of the whole store"
        return f"{whose} of {count(self.credits, 'credit')} a {self.per}"

    @property
    def command(self) -> str:
        """The command that sets it, but for the number of credits."""
        whose = f"--user {shlex.quote(self.who)}" if self.who else "--store-wide"
        return f"rivya-nb limits set {whose} --per {self.per}"


@dataclass(frozen=True, slots=True)
class CreditUse:
    """A limit, and what is used of it in the period that ends at `until`, in seconds since the epoch.

    `credits` were billed, are reserved or are the price of what was asked for; what `unpriced` requests,
    whose price is not known or may be higher, cost beyond that is not among them.
    """

    limit: CreditLimit
    credits: int
    unpriced: int
    until: float

    @property
    def used(self) -> int:
        """What counts against the limit, in credits."""
        return self.credits + self.unpriced * (self.limit.unknown or 0)

    @property
    def until_words(self) -> str:
        return datetime.fromtimestamp(self.until, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


class CreditLimits:
    """The credit limits of one store. Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def uses(self) -> list[CreditUse]:
        """All limits with what is used of them: the store's first, then those of users in their order."""
        with self._database.reading() as connection:
            return _uses(connection, None, self._database.now())

    def set(self, limit: CreditLimit) -> None:
        """Keep a limit, in the place of the one that the user has for such a period."""
        values = {"credits": limit.credits, "unknown": limit.unknown}
        with self._database.writing() as connection:
            put(connection, credit_limits, {"who": limit.who, "per": limit.per}, values)

    def unset(self, who: str, per: str | None) -> int:
        """Delete the limits of a user for these periods, or for all; gives how many there were."""
        mine = credit_limits.c.who == who
        if per is not None:
            mine &= credit_limits.c.per == per
        with self._database.writing() as connection:
            # In the order in which `held` locks them.
            connection.execute(
                select(credit_limits).where(mine).order_by(*credit_limits.primary_key).with_for_update()
            )
            return connection.execute(delete(credit_limits).where(mine)).rowcount

    def check(self, user: str, wanted: Sequence[JobRecord]) -> None:
        """Tell before anything is written whether these jobs may be asked for now.

        Raises:
            CreditLimitError: a limit does not allow it.
        """
        if not wanted:
            return
        now = self._database.now()
        with self._database.reading() as connection:
            uses = _uses(connection, {user}, now)
            known = _known(connection, wanted) if uses else {}
        for use in uses:
            begin, _ = _period(use.limit.per, now)
            new = []
            for job in wanted:
                asked_by, counted_at = known.get(job.id, ("", None))
                counts = counted_at is not None and job.status not in NOT_BILLED and counted_at >= begin
                if not (counts and use.limit.who in (EVERYBODY, asked_by)):
                    new.append(job)
            unpriced = sum(job.has_open_price and job.reserved_credits is None for job in new)
            _allow(use, sum(job.expected_credits for job in new), unpriced)


@contextmanager
def held(connection: Connection, users: Collection[str], now: float) -> Iterator[None]:
    """Hold to their limits what these users ask for within the block, in its transaction.

    Whoever asks for something under the same limit waits until the transaction has ended. It comes before any lock
    on jobs.

    Raises:
        CreditLimitError: at the end of the block, where a limit does not allow it.
    """
    before = _uses(connection, users, now, for_update=True)
    yield
    if before:
        # A limit that is set meanwhile holds for those who come later.
        after = {(use.limit.who, use.limit.per): use for use in _uses(connection, users, now)}
        for was in before:
            use = after[was.limit.who, was.limit.per]
            _allow(was, use.credits - was.credits, use.unpriced - was.unpriced)


def ask_for(connection: Connection, job_ids: Collection[str], user: str, now: float) -> None:
    """Let these jobs, which were asked for earlier and not sent, count from now on, as this user's."""
    for some in portions(list(job_ids)):
        unsent = jobs.c.number.in_(locked(connection, jobs.c.id.in_(some) & jobs.c.status.in_(UNSENT)))
        connection.execute(update(jobs).where(unsent).values(counted_at=now, asked_by=user))


def _allow(use: CreditUse, credits: int, unpriced: int) -> None:  # noqa: A002
    """Raise CreditLimitError if so much more than what is used is not allowed."""
    limit = use.limit
    if unpriced > 0 and limit.unknown is None:
        raise CreditLimitError(
            f"{count(unpriced, 'request')} without a certain price cannot be held to {limit.words}, and nothing "
            f"was sent. Ask for models with a fixed price, or let `{limit.command} {limit.credits} --unknown "
            "CREDITS` say what each counts as.",
            until=use.until,
        )
    more = credits + unpriced * (limit.unknown or 0)
    if more > 0 and use.used + more > limit.credits:
        raise CreditLimitError(
            f"{count(more, 'credit')} more would pass {limit.words}: {use.used:,} are used, and the {limit.per} "
            f"ends on {use.until_words}. Nothing was sent. Ask for less, wait until then, or let "
            f"`{limit.command} CREDITS` set another limit.",
            until=use.until,
        )


def _uses(
    connection: Connection, users: Collection[str] | None, now: float, *, for_update: bool = False
) -> list[CreditUse]:
    """The limits that apply to one of these users, or all (None), in a fixed order."""
    wanted = select(credit_limits).order_by(credit_limits.c.who, credit_limits.c.per)
    if users is not None:
        wanted = wanted.where(credit_limits.c.who.in_({EVERYBODY, *users}))
    if for_update:
        wanted = wanted.with_for_update()
    found = []
    for row in connection.execute(wanted).mappings().all():
        begin, until = _period(row["per"], now)
        sums = select(*(func.coalesce(func.sum(commitments.c[name]), 0) for name in ("credits", "unpriced")))
        sums = sums.where(commitments.c.day >= begin // DAY)
        if row["who"] != EVERYBODY:
            sums = sums.where(commitments.c.asked_by == row["who"])
        used, unpriced = connection.execute(sums).one()
        found.append(CreditUse(CreditLimit(**row), int(used), int(unpriced), until))
    return found


def _known(connection: Connection, records: Sequence[JobRecord]) -> Mapping[str, tuple[str, float]]:
    """By its id, whose each of these jobs is that are in the store, and since when it counts."""
    found: dict[str, tuple[str, float]] = {}
    for some in portions([record.id for record in records]):
        statement = select(jobs.c.id, jobs.c.asked_by, jobs.c.counted_at).where(jobs.c.id.in_(some))
        found.update({job_id: (asked_by, at) for job_id, asked_by, at in connection.execute(statement)})
    return found


def _period(per: str, now: float) -> tuple[float, float]:
    """When the period began in which a moment is, and when the next one begins; in seconds since the epoch."""
    moment = datetime.fromtimestamp(now, timezone.utc)
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        end = begin + timedelta(days=1)
    elif per == "week":
        begin -= timedelta(days=begin.weekday())
        end = begin + timedelta(days=7)
    else:
        begin = begin.replace(day=1)
        end = (begin + timedelta(days=31)).replace(day=1)
    return begin.timestamp(), end.timestamp()
