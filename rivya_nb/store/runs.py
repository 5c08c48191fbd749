"""The runs of a store, to be shown and gone on with. `asking.py` writes them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from rivya_nb.contract.text import did_you_mean, short_repr
from rivya_nb.errors import UsageError
from rivya_nb.store import rows
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import load_runs
from rivya_nb.store.records import RunRecord, RunSummary
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, run_jobs, runs
from rivya_nb.store.summaries import summaries
from rivya_nb.store.users import UserBook


class RunBook:
    """The runs of one store."""

    def __init__(self, database: Database, users: UserBook) -> None:
        self._database = database
        self._users = users

    def get(self, run_id: int) -> RunRecord:
        """One run.

        Raises:
            UsageError: there is none with this id; the message says which there are.
        """
        with self._users.reading() as connection:
            # No database has a larger number, and so no run of that id.
            if run_id <= rows.HIGHEST:
                for found in load_runs(connection, select(runs).where(runs.c.id == run_id)):
                    return found
            first, last = connection.execute(select(func.min(runs.c.id), func.max(runs.c.id))).one()
        known = "this store has no runs yet" if first is None else f"this store has runs {first} to {last}"
        raise UsageError(f"There is no run {run_id}; {known}.")

    def named(self, name: str) -> RunRecord:
        """The newest run of this name.

        Raises:
            UsageError: there is none.
        """
        with self._users.reading() as connection:
            newest = select(runs).where(runs.c.name == name).order_by(runs.c.id.desc()).limit(1)
            for found in load_runs(connection, newest):
                return found
            names = [each for (each,) in connection.execute(select(runs.c.name).distinct()) if each]
        hint = did_you_mean(name, names) or "; rv.runs() lists the runs with their names."
        raise UsageError(f"There is no run named {short_repr(name)}{hint}")

    def newest(self, limit: int | None = None, offset: int = 0, before: int | None = None) -> list[RunRecord]:
        """All runs, or a page of them, newest first; with `before`, those with a lower id."""
        statement = select(runs).order_by(runs.c.id.desc()).limit(limit).offset(offset)
        if before is not None:
            statement = statement.where(runs.c.id < before)
        with self._users.reading() as connection:
            return load_runs(connection, statement)

    def count(self) -> int:
        """The number of all runs."""
        with self._database.reading() as connection:
            total: int = connection.execute(select(func.count()).select_from(runs)).scalar_one()
        return total

    def summaries(self, limit: int, offset: int = 0) -> list[RunSummary]:
        """How far the runs of a page are, newest first; much faster than their records and jobs."""
        with self._users.reading() as connection:
            return summaries(connection, limit, offset)

    def of(self, job_ids: Iterable[str]) -> list[RunRecord]:
        """The runs with any of these jobs, newest first."""
        found: dict[int, RunRecord] = {}
        with self._users.reading() as connection:
            for some in portions(list(job_ids)):
                having = (
                    select(run_jobs.c.run_id)
                    .join(jobs, jobs.c.number == run_jobs.c.job_number)
                    .where(jobs.c.id.in_(some))
                )
                records = load_runs(connection, select(runs).where(runs.c.id.in_(having)))
                found.update((record.id, record) for record in records)
        return [found[run_id] for run_id in sorted(found, reverse=True)]

    def ids_of(self, job_ids: Iterable[str]) -> dict[str, list[int]]:
        """By job id, the ids of its runs, oldest first; for every id."""
        found: dict[str, list[int]] = {job_id: [] for job_id in job_ids}
        with self._database.reading() as connection:
            for some in portions(list(found)):
                having = (
                    select(jobs.c.id, run_jobs.c.run_id)
                    .distinct()
                    .join(run_jobs, run_jobs.c.job_number == jobs.c.number)
                    .where(jobs.c.id.in_(some))
                    .order_by(run_jobs.c.run_id)
                )
                for job_id, run_id in connection.execute(having):
                    found[job_id].append(run_id)
        return found

    def reference_labels(self, job_ids: Iterable[str]) -> dict[str, str]:
        """By job id, what the newest run that has references as an axis calls those of the job."""
        found: dict[str, str] = {}
        with self._database.reading() as connection:
            for some in portions(list(job_ids)):
                having = (
                    select(jobs.c.id, run_jobs.c.coordinates, runs.c.axes)
                    .join(run_jobs, run_jobs.c.job_number == jobs.c.number)
                    .join(runs, runs.c.id == run_jobs.c.run_id)
                    .where(jobs.c.id.in_(some), runs.c.axes.contains('"references"'))
                    .order_by(runs.c.id)
                )
                for job_id, coordinates, axes in connection.execute(having):
                    if labels := rows.labels_on("references", axes, coordinates):
                        found[job_id] = labels[0]
        return found
