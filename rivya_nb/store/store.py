"""The store: one folder with a database of runs and jobs, and their picture files.

Several kernels may have the same store open. Every method is synchronous, may be called from any thread, and
raises StoreError if the disk or the database fails; earlier data are not changed then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from rivya_nb.errors import StoreError
from rivya_nb.store import job_settings, search, spending, tombstones, writing
from rivya_nb.store.answers import Search
from rivya_nb.store.asking import Asking
from rivya_nb.store.canaries import CanaryBook
from rivya_nb.store.claims import Claims
from rivya_nb.store.credit_limits import CreditLimits
from rivya_nb.store.database import Database
from rivya_nb.store.deferrals import Deferrals
from rivya_nb.store.deletion import delete_pictures, sweep
from rivya_nb.store.durations import DurationBook
from rivya_nb.store.facts import FactBook
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.limits import LimitBook
from rivya_nb.store.lookup import jobs_of, load_jobs, load_numbered_jobs, unknown_job
from rivya_nb.store.marks import MarkBook
from rivya_nb.store.measurements import MeasurementBook
from rivya_nb.store.model_lists import ModelLists
from rivya_nb.store.news import News
from rivya_nb.store.opening import open_folder, open_on_server
from rivya_nb.store.ownership import Owner
from rivya_nb.store.panel_states import PanelStates
from rivya_nb.store.persisting import OnWait
from rivya_nb.store.picture_places import read_pictures
from rivya_nb.store.places import ServerAddress, StorePlace
from rivya_nb.store.presence import DATABASE
from rivya_nb.store.questions import Counted, Question
from rivya_nb.store.records import UNFINISHED, JobChanges, JobRecord, PictureRecord, Spent
from rivya_nb.store.runs import RunBook
from rivya_nb.store.schema import jobs, pictures
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.uploads import UploadBook
from rivya_nb.store.users import UserBook
from rivya_nb.store.votes import VoteBook

if TYPE_CHECKING:
    from typing_extensions import Unpack


_A_SECOND = 1.0

_MOST_SWEEPING = 10.0
"""Seconds that a store that is closed waits for its sweep."""


class Store:
    """An open store.

    `place` is what opens it again, and `folder` is where it keeps files on this machine. `files` has the pictures,
    `models` the services' lists of models, `users` who works here, `runs` the runs, `marks` the user's marks,
    `votes` what raters judged, `uploads` the references that services have, `panel_states` the states of panels,
    `durations` how long tasks took, `facts` what tables say of pictures, `measurements` the numbers of measures,
    `limits` what services allow, `credit_limits` what users may spend, `deferrals` what is left to workers,
    `canaries` what is asked again and again. `asking` writes what is asked for now, `claims` knows the owners of
    jobs, and `owner` is this process. `arrivals` notifies of delivered pictures, `deletions` of deleted ones, and
    `steps` of what other processes do with jobs. `database` knows whether it is still in its place, and when much
    is going to be written.
    """

    def __init__(
        self, place: StorePlace, folder: Path, database: Database, files: ContentFiles, owner: Owner
    ) -> None:
        self.place = place
        self.folder = folder
        self.files = files
        self.models = ModelLists(folder / "models")
        self.owner = owner
        self.steps = News()
        self.users = UserBook(database)
        self.runs = RunBook(database, self.users)
        self.asking = Asking(database, files, owner, self.users, self.runs, self.steps)
        self.claims = Claims(database, owner, self.users.me, self.steps)
        self.marks = MarkBook(database, owner, self.users.me)
        self.votes = VoteBook(database)
        self.canaries = CanaryBook(database)
        self.uploads = UploadBook(database)
        self.panel_states = PanelStates(database, self.users.me)
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
        self._is_new = False
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
            if self._is_new and not self.runs.count():
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
        with self.users.reading() as connection:
            return jobs_of(connection, ids)

    def pictured(self, sha256: str) -> JobRecord | None:
        """The newest job with this picture, None if there is none."""
        having = select(func.max(pictures.c.job_number)).where(pictures.c.sha256 == sha256).scalar_subquery()
        with self.database.reading() as connection:
            found = load_jobs(connection, select(jobs).where(jobs.c.number == having))
        return next(iter(found), None)

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
        with self.users.reading() as connection:
            numbers = self._search.page(connection, jobs.c.number, question, limit, offset)
            return load_numbered_jobs(connection, numbers)

    def history_ids(self, question: Question, limit: int | None = None, offset: int = 0) -> list[str]:
        """The ids of these jobs; reading them is much faster than reading the records."""
        with self.database.reading() as connection:
            return self._search.page(connection, jobs.c.id, question, limit, offset)

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
        freed = delete_pictures(self.database, self.files, list(job_ids))
        self.deletions.tell()
        return freed

    def sweep(self) -> None:
        """Remove the files of pictures that were deleted some time ago, as far as that is possible now."""
        sweep(self.database, self.files)

    def services(self) -> list[str]:
        """The names of all services that this store has jobs of."""
        with self.database.reading() as connection:
            return spending.services(connection)

    def spent(self, service: str, since: float | None = None) -> Spent:
        """What the jobs of a service have cost; of those submitted since `since`, in seconds since the epoch."""
        with self.database.reading() as connection:
            return spending.spent(connection, service, since)
