"""What is asked for: runs with new jobs, and jobs that are asked for once more.

Each call is one transaction, which decides for all kernels that nobody buys what another has bought meanwhile, and
that the credit limits allow it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, select, update

from rivya_nb.store import reuse, writing
from rivya_nb.store.billing import DAY
from rivya_nb.store.credit_limits import ask_for, held
from rivya_nb.store.database import Database
from rivya_nb.store.deferrals import committed, defer
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.lookup import numbers_of
from rivya_nb.store.news import News
from rivya_nb.store.ownership import Owner
from rivya_nb.store.persisting import persist
from rivya_nb.store.records import AxisRecord, CellRecord, Deferral, JobRecord, RunRecord
from rivya_nb.store.runs import RunBook
from rivya_nb.store.schema import jobs, run_jobs, runs
from rivya_nb.store.sums import forget_old
from rivya_nb.store.users import UserBook


class Asking:
    """What the user who works here asks for. New jobs become those of this process, the store's `owner`; others
    hear of them by `steps`."""

    def __init__(
        self,
        database: Database,
        files: ContentFiles,
        owner: Owner,
        users: UserBook,
        runs: RunBook,
        steps: News,
    ) -> None:
        self._database = database
        self._files = files
        self._owner = owner
        self._users = users
        self._runs = runs
        self._steps = steps
        self._tidied_on = 0

    def add_run(
        self,
        *,
        name: str | None,
        service: str,
        axes: Sequence[AxisRecord],
        cells: Sequence[CellRecord],
        jobs: Sequence[JobRecord],
        ask: str | None = None,
        idle: Collection[str] = (),
        unanswered: Collection[str] = (),
        deferral: Deferral | None = None,
    ) -> RunRecord | None:
        """Store a run, what was asked and its new `jobs` in one transaction, durably on disk on return.

        `cells` point at the new jobs and at those of earlier runs. New jobs without an owner become this
        process' own; with a `deferral`, what is not sent yet is left to workers. `idle` are the ids of jobs that
        earlier runs planned and never sent: they are asked for now. None, and nothing is stored, where a job
        stands for one of the `unanswered` identities by now (see `reuse`): another kernel was faster.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is stored.
        """
        now = self._database.now()
        run = RunRecord(0, name, service, now, tuple(axes), tuple(cells), ask, self._users.me)

        def add(*, is_again: bool) -> int | None:
            with self._database.writing() as connection:
                writing.take_turns(connection, service, unanswered)
                if is_again and (known := _find_run(connection, run, jobs)):
                    return known
                if self._reusable(connection, service, unanswered):
                    return None
                self._ask(connection, None if deferral else self._owner.id, jobs, idle, now)
                run_id = writing.insert_run(connection, run)
                writing.let_pay(connection, run_id, numbers_of(connection, idle).values())
                if deferral is not None:
                    defer(connection, run_id, deferral, before=0)
            return run_id

        run_id = persist(add)
        if run_id is None:
            return None
        self._users.look_again()
        self._steps.tell_others()
        return replace(run, id=run_id)

    def extend_run(
        self,
        run: RunRecord,
        *,
        cells: Sequence[CellRecord],
        jobs: Sequence[JobRecord],
        idle: Collection[str] = (),
        unanswered: Collection[str] = (),
        deferral: Deferral | None = None,
    ) -> RunRecord | None:
        """Add `cells` to a run, after those it has, and their new `jobs`, in one transaction.

        `idle` is as in `add_run`. None, and nothing is added, where the run is no longer as `run` says, or a job
        stands for one of the `unanswered` identities by now: another kernel was faster.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is stored.
        """
        now = self._database.now()

        def extend(*, is_again: bool) -> bool:
            with self._database.writing() as connection:
                connection.execute(select(runs.c.id).where(runs.c.id == run.id).with_for_update())
                writing.take_turns(connection, run.service, unanswered)
                if is_again and numbers_of(connection, [job.id for job in jobs[:1]]):
                    return True
                count = select(func.count()).select_from(run_jobs).where(run_jobs.c.run_id == run.id)
                if connection.execute(count).scalar_one() != len(run.cells):
                    return False
                if self._reusable(connection, run.service, unanswered):
                    return False
                before = committed(connection, run.id) if deferral else 0
                self._ask(connection, None if deferral else self._owner.id, jobs, idle, now)
                writing.append_cells(connection, run.id, run.axes, cells)
                writing.let_pay(connection, run.id, numbers_of(connection, idle).values())
                if deferral is not None:
                    defer(connection, run.id, deferral, before)
            return True

        if not persist(extend):
            return None
        self._steps.tell_others()
        return persist(lambda *, is_again: self._runs.get(run.id))  # noqa: ARG005

    def take_cells(self, run_id: int, job_ids: Sequence[str]) -> RunRecord:
        """Mark these jobs of a run as its own; another run was to pay for them."""
        with self._database.writing() as connection:
            writing.let_pay(connection, run_id, numbers_of(connection, job_ids).values())
        return self._runs.get(run_id)

    def replace_job(self, job_id: str, replacement: JobRecord) -> JobRecord:
        """Replace a job by a new one in every run, in one transaction; returns the job that is there now.

        If the replacement is known again, that may be a job that another kernel has asked for meanwhile. The
        replaced job stays in the store, in no run. It may be repeated with the same replacement.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is stored.
        """
        now = self._database.now()
        with self._database.writing() as connection:
            known_again = [replacement.identity] if replacement.is_known_again else []
            writing.take_turns(connection, replacement.service, known_again)
            if numbers_of(connection, [replacement.id]):
                return replacement
            found = self._reusable(connection, replacement.service, known_again)
            if found:
                replacement = found[replacement.identity]
            else:
                self._ask(connection, self._owner.id, [replacement], (), now)
            numbers = numbers_of(connection, [job_id, replacement.id])
            statement = update(run_jobs).where(run_jobs.c.job_number == numbers[job_id])
            connection.execute(statement.values(job_number=numbers[replacement.id]))
        return replacement

    def ask_for(self, job_ids: Collection[str]) -> None:
        """Let these jobs, which were planned earlier and not sent, be asked for now by the user who works here.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is changed.
        """
        now = self._database.now()
        with self._database.writing() as connection:
            self._ask(connection, None, (), job_ids, now)

    def find_reusable(self, service: str, identities: Collection[str]) -> dict[str, JobRecord]:
        """By identity, the job that an identical request may use instead of a new one (see `reuse`)."""
        with self._database.reading() as connection:
            return self._reusable(connection, service, identities)

    def _reusable(
        self, connection: Connection, service: str, identities: Collection[str]
    ) -> dict[str, JobRecord]:
        return reuse.find(connection, self._files.has_all, service, identities)

    def _ask(
        self,
        connection: Connection,
        owner: str | None,
        new: Sequence[JobRecord],
        idle: Collection[str],
        now: float,
    ) -> None:
        """Insert new jobs, of the user who works here unless they say whose, and ask for the idle ones, too."""
        me = self._users.me
        mine = [record if record.asked_by else replace(record, asked_by=me) for record in new]
        if not mine and not idle:
            return
        today = int(now // DAY)
        if today != self._tidied_on:
            forget_old(connection, now)
            self._tidied_on = today
        with held(connection, {me, *(record.asked_by for record in mine)}, now):
            writing.insert_jobs(connection, owner, mine, now=now)
            ask_for(connection, idle, me, now)


def _find_run(connection: Connection, run: RunRecord, new: Sequence[JobRecord]) -> int | None:
    """The run that was added at this moment, with these new jobs; None if there is none."""
    added = (
        (runs.c.service == run.service)
        & (runs.c.created_at == run.created_at)
        & (runs.c.asked_by == run.asked_by)
    )
    if new:
        number = select(jobs.c.number).where(jobs.c.id == new[0].id)
        added &= runs.c.id.in_(select(run_jobs.c.run_id).where(run_jobs.c.job_number.in_(number)))
    return connection.execute(select(runs.c.id).where(added).limit(1)).scalar_one_or_none()
