"""Which process works on which job, and the steps of a job that only one process may take.

Each method is one transaction: its result holds for every kernel that has the store open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from rivya_nb.store.credit_limits import held
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import locked
from rivya_nb.store.news import News
from rivya_nb.store.ownership import Owner
from rivya_nb.store.records import UNFINISHED, UNSENT, JobRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs

# Made once: to put a statement together takes longer than to send it.
_BEGIN_SUBMIT = update(jobs).where(
    jobs.c.id == bindparam("its_id"),
    jobs.c.owner == bindparam("its_owner"),
    or_(
        jobs.c.status.in_(sorted(UNSENT)),
        (jobs.c.status == "submitting")
        & (jobs.c.body == bindparam("same_body"))
        & (jobs.c.submitted_at == bindparam("same_time")),
    ),
)


class Claims:
    """The claims of this process, the store's `owner`, on jobs. Others hear of them by `steps`."""

    def __init__(self, database: Database, owner: Owner, user: str, steps: News) -> None:
        self._user = user
        self._steps = steps
        self._database = database
        self._owner = owner

    def claim(self, job_ids: Collection[str]) -> set[str]:
        """Take the unfinished ones of these jobs that no living process owns; returns all that this process
        owns now."""
        own: set[str] = set()
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                free = self._free(connection, some, jobs.c.status.in_(UNFINISHED))
                connection.execute(update(jobs).where(jobs.c.id.in_(free)).values(owner=self._owner.id))
                own.update(free)
        return own

    def states(self, job_ids: Collection[str]) -> dict[str, tuple[str, bool]]:
        """The status of each of these jobs, and whether another living process owns it, or a worker is to send
        it."""
        found: dict[str, tuple[str, str | None, bool]] = {}
        with self._database.reading() as connection:
            for some in portions(list(job_ids)):
                statement = select(jobs.c.id, jobs.c.status, jobs.c.owner, ~self._is_ours)
                for job_id, *state in connection.execute(statement.where(jobs.c.id.in_(some))):
                    found[job_id] = (state[0], state[1], bool(state[2]))
            alive = self._alive(connection, (owner for _, owner, _ in found.values()))
        return {job_id: (status, left or owner in alive) for job_id, (status, owner, left) in found.items()}

    @property
    def _is_ours(self) -> ColumnElement[bool]:
        """In SQL: a job is not one that was left to the workers, or this process is the one that took it."""
        mine = func.coalesce(jobs.c.owner, "") == self._owner.id
        return or_(jobs.c.deferred.is_(None), jobs.c.status.not_in(UNSENT), mine)

    def release(self, job_ids: Collection[str]) -> None:
        """Give up these jobs, so that any process may take them."""
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                mine = locked(connection, jobs.c.id.in_(some) & (jobs.c.owner == self._owner.id))
                connection.execute(update(jobs).where(jobs.c.number.in_(mine)).values(owner=None))
        self._steps.tell_others()

    def begin_submit(self, job_id: str, *, body: str, submitted_at: float, sent_with: str = "") -> bool:
        """Store the exact body, which may be sent then with the key of this tag; False if the job was stopped or
        taken over.

        It may be repeated where it is not known whether it was done.
        """
        values = {
            "status": "submitting",
            "body": body,
            "submitted_at": submitted_at,
            "sent_with": sent_with,
        }
        mine = {"its_id": job_id, "its_owner": self._owner.id, "same_body": body, "same_time": submitted_at}
        with self._database.changing() as connection:
            has_begun = connection.execute(_BEGIN_SUBMIT, {**values, **mine}).rowcount == 1
        self._steps.tell_others()
        return has_begun

    def withdraw_submit(self, job_id: str) -> None:
        """Set a job whose submit was certainly not accepted back to planned."""
        still = (jobs.c.id == job_id) & (jobs.c.owner == self._owner.id) & (jobs.c.status == "submitting")
        values = {"status": "planned", "body": None, "submitted_at": None, "sent_with": ""}
        with self._database.changing() as connection:
            connection.execute(update(jobs).where(still).values(values))
        self._steps.tell_others()

    def put_back(self, job_ids: Collection[str]) -> None:
        """Set jobs that are held back to planned, and give them up; a job that was stopped or sent is not
        changed."""
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                wanted = jobs.c.id.in_(some) & (jobs.c.owner == self._owner.id) & jobs.c.status.in_(UNSENT)
                mine = jobs.c.number.in_(locked(connection, wanted))
                connection.execute(update(jobs).where(mine).values(status="planned", owner=None))
        self._steps.tell_others()

    def reopen(self, records: Sequence[JobRecord], status: str) -> None:
        """Set jobs that had ended back to a step, except those that another kernel has changed since they were
        read. What is to be sent is asked for anew, by the user who works here.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is changed.
        """
        now = self._database.now()
        values: dict[str, object] = {"status": status, "error_code": None, "error_message": None}
        if status in UNSENT:
            values |= {"counted_at": now, "asked_by": self._user}
        with self._database.writing() as connection, held(connection, {self._user}, now):
            for before in sorted({record.status for record in records}):
                for some in portions([record.id for record in records if record.status == before]):
                    still = locked(connection, jobs.c.id.in_(some) & (jobs.c.status == before))
                    connection.execute(update(jobs).where(jobs.c.number.in_(still)).values(values))
        self._steps.tell_others()

    def stop(self, job_ids: Collection[str]) -> set[str]:
        """Stop those of these jobs that were never sent and that no other process works on."""
        stopped: set[str] = set()
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                free = self._free(connection, some, jobs.c.status.in_(UNSENT))
                stop = update(jobs).where(jobs.c.id.in_(free)).values(status="stopped", owner=None)
                connection.execute(stop)
                stopped.update(free)
        self._steps.tell_others()
        return stopped

    def taken(self, records: Iterable[JobRecord]) -> set[str]:
        """The ids of those of these jobs that another living process owns, or that a worker is to send."""
        known = [record for record in records if record.owner != self._owner.id]
        with self._database.reading() as connection:
            alive = self._alive(connection, (record.owner for record in known))
        return {record.id for record in known if record.is_deferred or record.owner in alive}

    def _alive(self, connection: Connection, owners: Iterable[str | None]) -> set[str]:
        """Those of these owners that are other living processes."""
        others = {owner for owner in owners if owner is not None and owner != self._owner.id}
        return self._owner.living(connection, others) if others else set()

    def _free(
        self, connection: Connection, job_ids: Sequence[str], condition: ColumnElement[bool]
    ) -> list[str]:
        """Those that meet the condition and have no owner, this process as owner, or a dead process; what was left
        to the workers is theirs."""
        statement = select(jobs.c.id, jobs.c.owner).where(jobs.c.id.in_(job_ids), condition, self._is_ours)
        found = connection.execute(statement.order_by(jobs.c.number).with_for_update()).all()
        alive = self._alive(connection, (owner for _, owner in found))
        return [job_id for job_id, owner in found if owner not in alive]
