"""The jobs and runs of a store as objects of this process: exactly one object for each.

Several sessions may use one store. They have to share the object of a job, or both would work on it.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from rivya_nb.errors import UsageError
from rivya_nb.jobs.job import LiveJob
from rivya_nb.session.job import Job
from rivya_nb.session.run import Run
from rivya_nb.session.showing.displays import Displays
from rivya_nb.session.showing.waiting import WaitLine
from rivya_nb.store.persisting import turn
from rivya_nb.store.records import UNSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rivya_nb.jobs.work_loop import WorkLoop
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord, RunRecord
    from rivya_nb.store.store import Store


class LiveRecords:
    """A store, and its jobs and runs as objects. Every method may be called from any thread.

    `session` is the process's current session, which plans what is asked of these jobs and runs; it may work
    with another store. `displays` are what cells show of all this.
    """

    session: Session | None = None

    def __init__(self, store: Store, work_loop: WorkLoop) -> None:
        self.store = store
        self.work_loop = work_loop
        self._jobs: WeakValueDictionary[str, LiveJob] = WeakValueDictionary()
        self._runs: WeakValueDictionary[int, Run] = WeakValueDictionary()
        self._touched: dict[int, Run] = {}
        self._lock = threading.RLock()
        self._dispatching = threading.RLock()
        self.displays = Displays(self)

    def dispatching(self) -> AbstractContextManager[None]:
        """Hold the lock for deciding what is bought: two clicks never buy the same.

        Raises:
            WaitInterruptedError: the user has had enough of waiting for another call that holds it.
        """
        words = (
            f"Another call of this kernel has not yet written to {self.store.place} what it starts; this waits "
            "until it has."
        )
        return turn(self._dispatching, words, WaitLine().show)

    def current_session(self) -> Session:
        """The current session, if it works with this store.

        Raises:
            UsageError: there is none, or it works with another one.
        """
        if self.session is None:
            raise UsageError("Nothing is connected; rv.connect() comes first.")
        if self.session.live_records is not self:
            raise UsageError(
                f"These results are in the store {self.store.place}, and the session works with "
                f"{self.session.store.place}; rv.connect(store=…) changes that."
            )
        return self.session

    def run(self, record: RunRecord) -> Run:
        """The run of a record, with the newest of its jobs."""
        ids = [cell.job_id for cell in record.cells]
        busy = {job_id for job_id in ids if self.is_working(job_id)}
        known = self.store.jobs(ids)
        with self._lock:
            # If a job was being worked on while its record was read, the object is newer than that record.
            jobs = {
                job_id: self._known(job_id) or self.job(job) if job_id in busy else self.job(job)
                for job_id, job in known.items()
            }
            run = self._runs.setdefault(record.id, Run(record, jobs, self))
            run.update(record, jobs)
        return run

    def job(self, record: JobRecord) -> Job:
        """The job of a record. While a job is being worked on, its object is newer than any record."""
        with self._lock:
            live = self._jobs.setdefault(record.id, LiveJob(record))
            if not live.is_working:
                live.record = record
        return Job(live, self)

    def _known(self, job_id: str) -> Job | None:
        live = self._jobs.get(job_id)
        return None if live is None else Job(live, self)

    def watch(self, run: Run) -> None:
        """Follow what others work on of a run, if the session's service is the run's; nothing is sent."""
        if self.session is not None and self.session.live_records is self:
            self.session.spending.watch(run)

    def touch(self, run: Run) -> None:
        """Note that this process started a run, or went on with it."""
        self._touched[run.id] = run

    def touched(self) -> list[Run]:
        """The runs that this process started or went on with, oldest first."""
        return list(self._touched.values())

    def working(self) -> list[Run]:
        """The runs that this process is working on, newest first."""
        return [run for run in reversed(self._touched.values()) if run.is_working]

    def is_wanted(self, job_id: str) -> bool:
        """Whether this process is working on the job and will submit it."""
        live = self._jobs.get(job_id)
        return live is not None and live.is_working and not live.is_held

    def idle(self, records: Sequence[JobRecord]) -> set[str]:
        """The ids of those of these jobs that were never sent and that no process is about to send."""
        unsent = [job for job in records if job.status in UNSENT and not self.is_wanted(job.id)]
        return {job.id for job in unsent} - self.store.claims.taken(unsent)

    def is_working(self, job_id: str) -> bool:
        """Whether this process is working on the job."""
        live = self._jobs.get(job_id)
        return live is not None and live.is_working
