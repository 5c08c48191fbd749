"""Who works on which job, and the steps of a job's life that only one process may take.

Each method is one transaction: what it says holds for every kernel that has the store open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, select, update

from rivya_nb.store.database import Database
from rivya_nb.store.ownership import Owner
from rivya_nb.store.records import UNFINISHED, UNSENT, JobRecord
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs


class Claims:
    """The claims of this process, the store's `owner`, on jobs."""

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._owner = owner

    def claim(self, job_ids: Collection[str]) -> set[str]:
        """Take those of these unfinished jobs that nobody alive works on; gives all that are now our own."""
        own: set[str] = set()
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                free = self._free(connection, some, jobs.c.status.in_(UNFINISHED))
                connection.execute(update(jobs).where(jobs.c.id.in_(free)).values(owner=self._owner.id))
                own.update(free)
        return own

    def release(self, job_id: str) -> None:
        """Let go of a job, so that any process may take it up."""
        with self._database.writing() as connection:
            mine = (jobs.c.id == job_id) & (jobs.c.owner == self._owner.id)
            connection.execute(update(jobs).where(mine).values(owner=None))

    def begin_submit(self, job_id: str, *, body: str, submitted_at: float) -> bool:
        """Write down the exact body, which may leave then; False where the job was stopped or taken over."""
        still = (jobs.c.id == job_id) & (jobs.c.owner == self._owner.id) & jobs.c.status.in_(UNSENT)
        values = {"status": "submitting", "body": body, "submitted_at": submitted_at}
        with self._database.writing() as connection:
            return connection.execute(update(jobs).where(still).values(values)).rowcount == 1

    def withdraw_submit(self, job_id: str) -> None:
        """Let a job whose submit was certainly not taken wait as planned."""
        still = (jobs.c.id == job_id) & (jobs.c.owner == self._owner.id) & (jobs.c.status == "submitting")
        values = {"status": "planned", "body": None, "submitted_at": None}
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(still).values(values))

    def put_back(self, job_id: str) -> None:
        """Let a job that is held back wait as planned; nothing is changed where it was stopped, or is sent."""
        still = (jobs.c.id == job_id) & (jobs.c.owner == self._owner.id) & jobs.c.status.in_(UNSENT)
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(still).values(status="planned"))

    def reopen(self, job: JobRecord, status: str) -> bool:
        """Put a job that had ended back to a step; False where it is no longer as `job` says: another kernel
        was faster."""
        still = (jobs.c.id == job.id) & (jobs.c.status == job.status)
        values = {"status": status, "error_code": None, "error_message": None}
        with self._database.writing() as connection:
            return connection.execute(update(jobs).where(still).values(values)).rowcount == 1

    def stop(self, job_ids: Collection[str]) -> set[str]:
        """Give up those of these jobs that were never sent, and that no other process works on."""
        stopped: set[str] = set()
        with self._database.writing() as connection:
            for some in portions(list(job_ids)):
                free = self._free(connection, some, jobs.c.status.in_(UNSENT))
                stop = update(jobs).where(jobs.c.id.in_(free)).values(status="stopped", owner=None)
                connection.execute(stop)
                stopped.update(free)
        return stopped

    def is_taken(self, record: JobRecord) -> bool:
        """Whether another living process works on the job."""
        return bool(self.taken([record]))

    def taken(self, records: Iterable[JobRecord]) -> set[str]:
        """The ids of those of these jobs that another living process works on."""
        owners = {record.id: record.owner for record in records if record.owner is not None}
        alive = self._alive(owners.values())
        return {job_id for job_id, owner in owners.items() if owner in alive}

    def _alive(self, owners: Iterable[str | None]) -> set[str]:
        """Those of these owners that are other processes, and alive."""
        others = {owner for owner in owners if owner is not None and owner != self._owner.id}
        return {owner for owner in others if self._owner.is_alive(owner)}

    def _free(
        self, connection: Connection, job_ids: Sequence[str], condition: ColumnElement[bool]
    ) -> list[str]:
        """Those that meet the condition and are nobody's, our own or a dead process'."""
        statement = select(jobs.c.id, jobs.c.owner).where(jobs.c.id.in_(job_ids), condition)
        found = connection.execute(statement.with_for_update()).all()
        alive = self._alive(owner for _, owner in found)
        return [job_id for job_id, owner in found if owner not in alive]
