"""The store: one folder with a database of runs and jobs, and their picture files.

Several kernels may have the same store open. Every method is synchronous, may be called from any thread, and
raises StoreError if the disk or the database fails; earlier data are not changed then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select, update

from rivya_nb.contract.text import did_you_mean, short_repr
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import job_settings, reuse, rows, search, spending, tombstones, writing
from rivya_nb.store.answers import Search
from rivya_nb.store.canaries import CanaryBook
from rivya_nb.store.claims import Claims
from rivya_nb.store.columns import insert_for
from rivya_nb.store.credit_limits import CreditLimits, ask_for, held
from rivya_nb.store.database import Database
from rivya_nb.store.deferrals import Deferrals, committed, defer
from rivya_nb.store.deletion import delete_pictures, sweep
from rivya_nb.store.durations import DurationBook
from rivya_nb.store.facts import FactBook
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.limits import LimitBook
from rivya_nb.store.lookup import (
    insert_one,
    load_jobs,
    load_numbered_jobs,
    load_runs,
    numbers_of,
    unknown_job,
)
from rivya_nb.store.marks import MarkBook
from rivya_nb.store.measurements import MeasurementBook
from rivya_nb.store.model_lists import ModelLists
from rivya_nb.store.news import News
from rivya_nb.store.opening import open_folder, open_on_server
from rivya_nb.store.ownership import Owner
from rivya_nb.store.panel_states import PanelStates
from rivya_nb.store.persisting import OnWait, persist
from rivya_nb.store.picture_places import read_pictures
from rivya_nb.store.places import ServerAddress, StorePlace
from rivya_nb.store.presence import DATABASE
from rivya_nb.store.records import (
    UNFINISHED,
    AxisRecord,
    CellRecord,
    Counted,
    Deferral,
    JobChanges,
    JobRecord,
    PictureRecord,
    Question,
    RunRecord,
    RunSummary,
    Spent,
)
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, pictures, run_jobs, runs, uploads
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.summaries import summaries
from rivya_nb.store.uploads import UploadBook
from rivya_nb.store.users import are_several, user_name, users
from rivya_nb.store.votes import VoteBook

if TYPE_CHECKING:
    from typing_extensions import Unpack


_A_SECOND = 1.0

_MOST_SWEEPING = 10.0
"""Seconds that a store that is closed waits for its sweep."""


class Store:
    """An open store.

    `place` is what opens it again, `folder` is where it keeps files on this machine, and `user` is who works here.
    `files` has the pictures, `models` the services' lists of models, `marks` the user's marks, `votes` what raters
    judged, `uploads` the references that services have, `panel_states` the states of panels, `durations` how long
    tasks took, `facts` what tables say of pictures, `measurements` the numbers of measures, `limits` what services
    allow, `credit_limits` what users may spend, `deferrals` what is left to workers, `canaries` what is asked
    again and again. `claims` knows the owners of jobs, and `owner` is this process. `arrivals` notifies of
    delivered pictures, `deletions` of deleted ones, and `steps` of what other processes do with jobs. `database`
    knows whether it is still in its place, and when much is going to be written.
    """

    def __init__(
        self, place: StorePlace, folder: Path, database: Database, files: ContentFiles, owner: Owner
    ) -> None:
        self.place = place
        self.user = user_name()
        self.folder = folder
        self.files = files
        self.models = ModelLists(folder / "models")
        self.owner = owner
        self.steps = News()
        self.claims = Claims(database, owner, self.user, self.steps)
        self.marks = MarkBook(database, owner, self.user)
        self.votes = VoteBook(database)
        self.canaries = CanaryBook(database)
        self.uploads = UploadBook(database)
        self.panel_states = PanelStates(database, self.user)
        self.durations = DurationBook(database)
        self.facts = FactBook(database)
        self.measurements = MeasurementBook(database)
        self.deferrals = Deferrals(database, owner, self.steps)
        self.limits = LimitBook(database)
        self.credit_limits = CreditLimits(database)
        self.arrivals = News()
        self.deletions = News()
        owner.share(
            {
                "arrivals": self.arrivals,
                "deletions": self.deletions,
                "jobs": self.steps,
                "marks": self.marks.changes,
                "votes": self.votes.changes,
            }
        )
        self.database = database
        self._search: Search = search.SEARCH
        if not isinstance(database, SqliteDatabase):
            from rivya_nb.store.postgresql import search as on_server

            self._search = on_server.SEARCH
        self._is_new = self._is_shared = False
        self._asked_at = float("-inf")
        self._sweeping: threading.Thread | None = None
        self._temporary: TemporaryDirectory[str] | None = None

    @classmethod
    def open(cls, place: StorePlace, pictures: str | None = None, on_wait: OnWait = bool) -> Store:
        """Open the store in a folder, which is created if necessary, or on a server. A store without write access
        is only read. `pictures` is the address of a bucket or a folder for its pictures (see `read_pictures`); by
        default, they are in the store's folder. A store on a server keeps this address, and needs it once.
        `on_wait` hears of it where a call has to wait for that server.

        Raises:
            UsageError: the folder can be no path, or `pictures` is no such address.
            StoreError: the folder or the server cannot be used, or the database is damaged, of something else,
                newer than this code, or of an earlier development state. It is left as it is. Or a store on a
                server has no address for its pictures, or another one.
        """
        # What is wrong with the address is told before anything is made.
        if pictures:
            read_pictures(pictures)
        if isinstance(place, ServerAddress):
            opened = open_on_server(place, pictures, on_wait)
        else:
            opened = open_folder(place, pictures)
        store = cls(opened.place, opened.folder, opened.database, opened.files, opened.owner)
        store._is_new = opened.is_new
        if store.files.are_elsewhere and not store.is_read_only:
            store._sweeping = threading.Thread(target=store.sweep, name="rivya-sweep", daemon=True)
            store._sweeping.start()
        return store

    @staticmethod
    def is_in(place: StorePlace) -> bool:
        """Whether there is a store; it is not known of a server, which tells when it is opened."""
        try:
            return isinstance(place, ServerAddress) or (place / DATABASE).exists()
        except OSError:  # the name is too long
            return False

    def describe(self) -> str:
        """Where it is, whether it is read-only or new, and where its pictures are if that is elsewhere."""
        elsewhere = "" if self.files.place == str(self.folder) else f", pictures in {self.files.place}"
        return f"{self.place}{self._state()}{elsewhere}"

    def __str__(self) -> str:
        """Its name and its state, without its place, for what a notebook saves."""
        name = self.place.name if isinstance(self.place, Path) else self.place.database
        return f"{name}{self._state()}"

    def _state(self) -> str:
        if self.is_read_only:
            return " (may only be read)"
        with suppress(StoreError):  # a lost store cannot be read
            if self._is_new and not self.runs(limit=1):
                return " (new, empty)"
        return ""

    @property
    def is_read_only(self) -> bool:
        """True if it may only be read; then everything that writes raises a StoreError."""
        return self.database.obstacle is not None

    @cached_property
    def workspace(self) -> Path:
        """A folder that may be written: the store's own, or a temporary one if the store is read-only."""
        if not self.is_read_only:
            return self.folder
        self._temporary = TemporaryDirectory(prefix="rivya_nb-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def make_ready(self) -> None:
        """Check that new pictures can be kept; folders that are gone are created again.

        Called before a plan, and before each submit: it takes some hundred microseconds.

        Raises:
            StoreError: the store was moved, deleted or replaced, is read-only, or its disk is full.
        """
        self.database.check_writable()
        self.files.try_out()
        self.owner.renew()

    def close(self) -> None:
        """Close the database and release the ownership of jobs; later calls raise StoreError."""
        if self._sweeping is not None:
            self._sweeping.join(_MOST_SWEEPING)
        self.database.close()
        self.owner.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    # Runs

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
        now = self.database.now()

        def add(*, is_again: bool) -> int | None:
            with self.database.writing() as connection:
                writing.take_turns(connection, service, unanswered)
                if is_again and (known := writing.find_run(connection, service, now, self.user, jobs)):
                    return known
                if self._find_reusable(connection, service, unanswered):
                    return None
                self._ask(connection, None if deferral else self.owner.id, jobs, idle, now)
                values = {
                    "name": name,
                    "service": service,
                    "created_at": now,
                    "axes": rows.axes_text(axes),
                    "ask": ask,
                    "asked_by": self.user,
                }
                run_id = insert_one(connection, runs, values)
                writing.append_cells(connection, run_id, axes, cells)
                writing.let_pay(connection, run_id, numbers_of(connection, idle).values())
                if deferral is not None:
                    defer(connection, run_id, deferral, before=0)
            return run_id

        run_id = persist(add)
        if run_id is None:
            return None
        self._asked_at = float("-inf")
        self.steps.tell_others()
        return RunRecord(run_id, name, service, now, tuple(axes), tuple(cells), ask, self.user)

    def run(self, run_id: int) -> RunRecord:
        """One run.

        Raises:
            UsageError: there is none with this id; the message says which there are.
        """
        with self._reading() as connection:
            # No database has a larger number, and so no run of that id.
            if run_id <= rows.HIGHEST:
                for found in load_runs(connection, select(runs).where(runs.c.id == run_id)):
                    return found
            first, last = connection.execute(select(func.min(runs.c.id), func.max(runs.c.id))).one()
        known = "this store has no runs yet" if first is None else f"this store has runs {first} to {last}"
        raise UsageError(f"There is no run {run_id}; {known}.")

    def run_named(self, name: str) -> RunRecord:
        """The newest run of this name.

        Raises:
            UsageError: there is none.
        """
        with self._reading() as connection:
            newest = select(runs).where(runs.c.name == name).order_by(runs.c.id.desc()).limit(1)
            for found in load_runs(connection, newest):
                return found
            names = [each for (each,) in connection.execute(select(runs.c.name).distinct()) if each]
        hint = did_you_mean(name, names) or "; rv.runs() lists the runs with their names."
        raise UsageError(f"There is no run named {short_repr(name)}{hint}")

    def runs(self, limit: int | None = None, offset: int = 0, before: int | None = None) -> list[RunRecord]:
        """All runs, or a page of them, newest first; with `before`, those with a lower id."""
        statement = select(runs).order_by(runs.c.id.desc()).limit(limit).offset(offset)
        if before is not None:
            statement = statement.where(runs.c.id < before)
        with self._reading() as connection:
            return load_runs(connection, statement)

    def count_runs(self) -> int:
        """The number of all runs."""
        with self.database.reading() as connection:
            total: int = connection.execute(select(func.count()).select_from(runs)).scalar_one()
        return total

    def run_summaries(self, limit: int, offset: int = 0) -> list[RunSummary]:
        """How far the runs of a page are, newest first; much faster than their records and jobs."""
        with self._reading() as connection:
            return summaries(connection, limit, offset)

    def runs_of(self, job_ids: Iterable[str]) -> list[RunRecord]:
        """The runs with any of these jobs, newest first."""
        found: dict[int, RunRecord] = {}
        with self._reading() as connection:
            for some in portions(list(job_ids)):
                having = (
                    select(run_jobs.c.run_id)
                    .join(jobs, jobs.c.number == run_jobs.c.job_number)
                    .where(jobs.c.id.in_(some))
                )
                records = load_runs(connection, select(runs).where(runs.c.id.in_(having)))
                found.update((record.id, record) for record in records)
        return [found[run_id] for run_id in sorted(found, reverse=True)]

    def reference_labels(self, job_ids: Iterable[str]) -> dict[str, str]:
        """By job id, what the newest run that has references as an axis calls those of the job."""
        found: dict[str, str] = {}
        with self.database.reading() as connection:
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

    def run_ids_of(self, job_ids: Iterable[str]) -> dict[str, list[int]]:
        """By job id, the ids of its runs, oldest first; for every id."""
        found: dict[str, list[int]] = {job_id: [] for job_id in job_ids}
        with self.database.reading() as connection:
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
        now = self.database.now()

        def extend(*, is_again: bool) -> bool:
            with self.database.writing() as connection:
                connection.execute(select(runs.c.id).where(runs.c.id == run.id).with_for_update())
                writing.take_turns(connection, run.service, unanswered)
                if is_again and numbers_of(connection, [job.id for job in jobs[:1]]):
                    return True
                count = select(func.count()).select_from(run_jobs).where(run_jobs.c.run_id == run.id)
                if connection.execute(count).scalar_one() != len(run.cells):
                    return False
                if self._find_reusable(connection, run.service, unanswered):
                    return False
                before = committed(connection, run.id) if deferral else 0
                self._ask(connection, None if deferral else self.owner.id, jobs, idle, now)
                writing.append_cells(connection, run.id, run.axes, cells)
                writing.let_pay(connection, run.id, numbers_of(connection, idle).values())
                if deferral is not None:
                    defer(connection, run.id, deferral, before)
            return True

        if not persist(extend):
            return None
        self.steps.tell_others()
        return persist(lambda *, is_again: self.run(run.id))  # noqa: ARG005

    def take_cells(self, run_id: int, job_ids: Sequence[str]) -> RunRecord:
        """Mark these jobs of a run as its own; another run was to pay for them."""
        with self.database.writing() as connection:
            writing.let_pay(connection, run_id, numbers_of(connection, job_ids).values())
        return self.run(run_id)

    def replace_job(self, job_id: str, replacement: JobRecord) -> JobRecord:
        """Replace a job by a new one in every run, in one transaction; returns the job that is there now.

        If the replacement is known again, that may be a job that another kernel has asked for meanwhile. The
        replaced job stays in the store, in no run. It may be repeated with the same replacement.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is stored.
        """
        now = self.database.now()
        with self.database.writing() as connection:
            known_again = [replacement.identity] if replacement.is_known_again else []
            writing.take_turns(connection, replacement.service, known_again)
            if numbers_of(connection, [replacement.id]):
                return replacement
            found = self._find_reusable(connection, replacement.service, known_again)
            if found:
                replacement = found[replacement.identity]
            else:
                self._ask(connection, self.owner.id, [replacement], (), now)
            numbers = numbers_of(connection, [job_id, replacement.id])
            statement = update(run_jobs).where(run_jobs.c.job_number == numbers[job_id])
            connection.execute(statement.values(job_number=numbers[replacement.id]))
        return replacement

    # Jobs

    def update_job(self, job_id: str, **changes: Unpack[JobChanges]) -> None:
        """Change a job, durably on disk on return.

        Raises:
            JobTakenError: another process has taken it; nothing is changed.
            StoreError: the store has no such job.
        """
        with self.database.changing() as connection:
            writing.change(connection, self.owner.id, job_id, changes)
        self.steps.tell_others()

    def finish_job(
        self,
        job_id: str,
        pictures: Sequence[PictureRecord],
        *,
        secured_at: float | None = None,
        **changes: Unpack[JobChanges],
    ) -> bool:
        """Change a job and replace its pictures, in one transaction.

        False, and nothing is changed, if a picture's file is gone: the same picture of another job was
        deleted just now. It has to be fetched again. The same if its file was secured too long ago
        (`secured_at`, seconds since the epoch): this machine may have slept, and others may have deleted it.

        Raises:
            JobTakenError: another process has taken the job; nothing is changed.
        """
        with self.database.writing() as connection:
            # First: it waits for a sweep that removes such a file.
            tombstones.lift(connection, {each.sha256 for each in pictures})
            if not self.files.has_all(pictures):
                return False
            if secured_at is not None and abs(time.time() - secured_at) > tombstones.PATIENCE / 2:
                return False
            writing.finish(connection, self.owner.id, job_id, changes, pictures)
        self.steps.tell_others()
        self.arrivals.tell()
        return True

    def job(self, job_id: str) -> JobRecord:
        """One job. StoreError when the store has no such job."""
        found = self.jobs([job_id])
        if job_id not in found:
            raise unknown_job(job_id)
        return found[job_id]

    def jobs(self, ids: Iterable[str]) -> dict[str, JobRecord]:
        """The jobs with these ids, in their order; unknown ids are left out."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, JobRecord] = {}
        with self._reading() as connection:
            for some in portions(wanted):
                records = load_jobs(connection, select(jobs).where(jobs.c.id.in_(some)))
                found.update((record.id, record) for record in records)
        return {job_id: found[job_id] for job_id in wanted if job_id in found}

    def pictured(self, sha256: str) -> JobRecord | None:
        """The newest job with this picture, None if there is none."""
        having = select(func.max(pictures.c.job_number)).where(pictures.c.sha256 == sha256).scalar_subquery()
        with self.database.reading() as connection:
            found = load_jobs(connection, select(jobs).where(jobs.c.number == having))
        return next(iter(found), None)

    def find_reusable(self, service: str, identities: Collection[str]) -> dict[str, JobRecord]:
        """By identity, the job that an identical request may use instead of a new one (see `reuse`)."""
        with self.database.reading() as connection:
            return self._find_reusable(connection, service, identities)

    def unfinished(
        self, service: str | None = None, statuses: Collection[str] = UNFINISHED
    ) -> list[JobRecord]:
        """All jobs whose status is one of `statuses`, by default those that have not ended; oldest first."""
        statement = select(jobs).where(jobs.c.status.in_(statuses)).order_by(jobs.c.number)
        if service is not None:
            statement = statement.where(jobs.c.service == service)
        with self.database.reading() as connection:
            return load_jobs(connection, statement)

    def history(self, question: Question, limit: int | None = None, offset: int = 0) -> list[JobRecord]:
        """The jobs that answer a question, each once, in the order of the question."""
        with self._reading() as connection:
            return load_numbered_jobs(connection, self._search.find(connection, question, limit, offset))

    def history_ids(self, question: Question, limit: int | None = None, offset: int = 0) -> list[str]:
        """The ids of these jobs; reading them is much faster than reading the records."""
        with self.database.reading() as connection:
            return self._search.find_ids(connection, question, limit, offset)

    def count(self, question: Question) -> int:
        """The number of jobs that answer a question."""
        with self.database.reading() as connection:
            return self._search.count(connection, question)

    def counted(self, question: Question) -> Counted:
        """This number where it is only shown: of very many jobs, not all are counted."""
        with self.database.reading() as connection:
            return self._search.counted(connection, question)

    def param_values(self, limit: int) -> list[tuple[str, str]]:
        """Params, but the seed, with a value as text that some jobs have; at most so many."""
        with self.database.reading() as connection:
            return job_settings.values(connection, limit)

    def delete_pictures(self, job_ids: Iterable[str]) -> int:
        """Delete the pictures of finished jobs and return the bytes that were freed.

        The jobs stay in their runs and in what was spent, with `deleted_at`. A file that is also another
        job's picture or any job's reference stays, too. Jobs without pictures are skipped.

        Raises:
            UsageError: one of the jobs has not ended; nothing is deleted.
        """
        freed = delete_pictures(self.database, self.files, list(job_ids), self._patience)
        self.deletions.tell()
        return freed

    def sweep(self) -> None:
        """Remove the files of pictures that were deleted some time ago, as far as that is possible now."""
        sweep(self.database, self.files, self._patience)

    @property
    def _patience(self) -> float:
        """How old a tombstone has to be before its file is removed."""
        return tombstones.PATIENCE if self.files.are_elsewhere else 0.0

    def services(self) -> list[str]:
        """The names of all services that this store has jobs of."""
        with self.database.reading() as connection:
            return spending.services(connection)

    def rename_services(self, name_of: Callable[[str], str]) -> None:
        """Rename every service of this store whose name differs from what `name_of` returns for it."""
        with self.database.reading() as connection:
            named = select(runs.c.service).union(select(uploads.c.service))
            old = [name for name in connection.execute(named).scalars() if name_of(name) != name]
        if not old:
            return
        with self.database.writing() as connection:
            writing.take_turns(connection, "names of services", [""])
            for name in old:
                for table in (jobs, runs):
                    change = update(table).where(table.c.service == name)
                    connection.execute(change.values(service=name_of(name)))
                # If both spellings have the same upload, either may be kept.
                gone = delete(uploads).where(uploads.c.service == name).returning(*uploads.c)
                moved = [
                    {**row, "service": name_of(name)} for row in connection.execute(gone).mappings().all()
                ]
                if moved:
                    connection.execute(insert_for(connection, uploads).on_conflict_do_nothing(), moved)

    def spent(self, service: str, since: float | None = None) -> Spent:
        """What the jobs of a service have cost; of those submitted since `since`, in seconds since the epoch."""
        with self.database.reading() as connection:
            return spending.spent(connection, service, since)

    @property
    def has_several_users(self) -> bool:
        """Whether more than one user has asked for something here, as far as is known from what was read.

        Everything that shows a picture wants to know, perhaps on a thread that must not wait for a database.
        """
        return self._is_shared

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Read what may be shown; now and then, see whether there are several users."""
        with self.database.reading() as connection:
            now = time.monotonic()
            if not self._is_shared and now > self._asked_at + _A_SECOND:
                self._asked_at = now
                self._is_shared = are_several(connection)
            yield connection

    def ask_for(self, job_ids: Collection[str]) -> None:
        """Let these jobs, which were planned earlier and not sent, be asked for now by the user who works here.

        Raises:
            CreditLimitError: a credit limit does not allow it; nothing is changed.
        """
        now = self.database.now()
        with self.database.writing() as connection:
            self._ask(connection, None, (), job_ids, now)

    def _ask(
        self,
        connection: Connection,
        owner: str | None,
        new: Sequence[JobRecord],
        idle: Collection[str],
        now: float,
    ) -> None:
        """Insert new jobs, of the user who works here unless they say whose, and ask for the idle ones, too."""
        mine = [record if record.asked_by else replace(record, asked_by=self.user) for record in new]
        if not mine and not idle:
            return
        self.credit_limits.tidy(connection, now)
        with held(connection, {self.user, *(record.asked_by for record in mine)}, now):
            writing.insert_jobs(connection, owner, mine, now=now)
            ask_for(connection, idle, self.user, now)

    def users(self) -> list[str]:
        """The names of all who asked for something here, in their order; unknown ones are left out."""
        with self.database.reading() as connection:
            return users(connection)

    def _find_reusable(
        self, connection: Connection, service: str, identities: Collection[str]
    ) -> dict[str, JobRecord]:
        return reuse.find(connection, self.files.has_all, service, identities)
