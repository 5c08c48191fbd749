"""The worker: it carries the runs that were deferred, in a process that does nothing else.

It takes jobs in small portions, as places come free, so that several workers share one run.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count
from rivya_nb.errors import CreditLimitError, DatabaseUnreachableError
from rivya_nb.jobs.runner import MOST_JOBS
from rivya_nb.store.records import UNSENT, DeferredRun
from rivya_nb.views.words import joined, noun_of

if TYPE_CHECKING:
    from rivya_nb.jobs.job import LiveJob
    from rivya_nb.session.session import Session

PORTION = 32
"""Jobs that one worker has taken and not sent yet, at most."""

LOOK = 1.0
"""Seconds between two looks for deferred runs, at least; where nothing is heard of others, also at most."""

LONGEST_LOOK = 10.0
"""Seconds after which it looks although nothing was heard."""

LATER = 60.0
"""Seconds after which a run is tried again that the balance did not cover."""


class Worker:
    """Carries the deferred runs of a session's service, within the session's limits.

    It carries what the session's user deferred, and with `for_all` what any user did; the key is the session's.
    `tell` gets a line for each event; `show` gets the progress again and again: a line of text, and the part that
    is done, from 0 to 1. Only `drain` may be called while `work` runs, also by a signal's handler.
    """

    def __init__(
        self,
        session: Session,
        tell: Callable[[str], None],
        show: Callable[[str, float], None],
        *,
        for_all: bool = False,
    ) -> None:
        self._session = session
        self._user = None if for_all else session.store.users.me
        self._spending = session.spending
        self._tell = tell
        self._show = show
        self._most_jobs = session.spending.max_parallel or MOST_JOBS
        self._mine: dict[str, tuple[int, LiveJob]] = {}
        self._begun: set[int] = set()
        self._aside: dict[int, float] = {}
        self._reasons: dict[int, str] = {}
        self._untold: set[int] = set()
        self._trouble = ""
        self._done = self._failed = 0
        # A signal's handler may put something into this queue while its thread waits there.
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiting: Sequence[DeferredRun] = ()
        self._left = 0
        self._looked = float("-inf")
        self._is_stirred = False
        self.is_draining = False
        session.store.steps.subscribe(self._hear)

    @property
    def whose(self) -> str:
        """Whose runs it carries, in words."""
        if self._user is None:
            return "what all users deferred, with this worker's key"
        return f"what {self._user or 'a user without a name'} deferred"

    def drain(self) -> None:
        """Take nothing more; collect what was sent."""
        self.is_draining = True
        self._news.put(None)

    def work(self, *, until_idle: bool) -> bool:
        """Work until `drain`, or `until_idle` if there is nothing left that this worker may do.

        Gives False if it left something deferred for which a limit or the service was the reason.
        """
        with suppress(DatabaseUnreachableError):  # the first look tells it
            self._tell_of_others()
        while not self.is_draining:
            try:
                self._note_ended()
                if until_idle or self._has_to_look():
                    self._look()
            except DatabaseUnreachableError as error:
                self._looked = float("-inf")
                self._tell_trouble(error)
                continue
            self._trouble = ""
            self._report(self._left)
            if until_idle and not self._mine and not self._open(self._waiting):
                break
            self._pause(is_behind=self._left > 0)
        self._collect()
        return self.is_draining or not self._waiting

    def _has_to_look(self) -> bool:
        """Whether there may be something to take that was not there at the last look."""
        is_old = time.monotonic() - self._looked >= LONGEST_LOOK
        return self._is_stirred or self._left > 0 or is_old or not self._session.store.owner.hears_others

    def _look(self) -> None:
        """Take what waits, as far as there is room."""
        self._is_stirred = False
        self._waiting = self._session.store.deferrals.waiting(self._session.service, self._user)
        self._left = sum(run.waiting for run in self._open(self._waiting)) - self._take(self._waiting)
        self._looked = time.monotonic()

    def _tell_trouble(self, error: DatabaseUnreachableError) -> None:
        """Tell that the store's server does not answer, once for each reason, and wait a moment."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._tell(f"{error} This goes on when it can.")
        self._report(0)
        time.sleep(LOOK)

    def _tell_of_others(self) -> None:
        """Tell what waits for the workers of other users."""
        if self._user is not None:
            deferrals, service = self._session.store.deferrals, self._session.service
            mine = {run.id for run in deferrals.waiting(service, self._user)}
            others = [run.id for run in deferrals.waiting(service) if run.id not in mine]
            if others:
                runs = count(len(others), "run")
                verb = "is" if len(others) == 1 else "are"
                self._tell(
                    f"{runs} that other users deferred {verb} left to their workers; --for-all sends all."
                )

    def _open(self, waiting: Sequence[DeferredRun]) -> list[DeferredRun]:
        """The runs that are not set aside."""
        now = time.monotonic()
        return [run for run in waiting if self._aside.get(run.id, now) <= now]

    @property
    def _room(self) -> int:
        """How many more jobs may be taken now."""
        going = [job for _, job in self._mine.values() if job.is_working]
        unsent = sum(job.record.status in UNSENT for job in going)
        return max(0, min(PORTION - unsent, self._most_jobs - len(going)))

    def _take(self, waiting: Sequence[DeferredRun]) -> int:
        """Take some jobs of each run, as far as there is room; gives their number."""
        took = 0
        left = self._open(waiting)
        while left and (room := self._room):
            run, share = left[0], -(-room // len(left))
            left = left[1:]
            try:
                if run.id not in self._begun and (lack := self._spending.lacking(run.price)):
                    self._leave(run.id, lack, LATER)
                    continue
                jobs = self._spending.carry(run, share, self._user)
            except CreditLimitError as error:
                # A limit of the store ends with its period, and may be raised before.
                self._leave(run.id, str(error), float("inf") if error.until is None else LATER)
                continue
            if jobs and run.id not in self._begun:
                self._begun.add(run.id)
                self._tell(f"Run {run.id}: {count(run.waiting, noun_of(job.record for job in jobs))} to do")
            for job in jobs:
                self._mine[job.id] = run.id, job
                job.subscribe(self._wake)
            took += len(jobs)
        return took

    def _leave(self, run_id: int, reason: str, seconds: float = float("inf")) -> None:
        """Leave a run deferred for so long, and tell why."""
        self._begun.discard(run_id)
        self._aside[run_id] = time.monotonic() + seconds
        if self._reasons.get(run_id) != reason:
            self._reasons[run_id] = reason
            self._tell(f"Run {run_id} stays deferred: {reason.rstrip('.')}.")

    def _wake(self) -> None:
        self._news.put(None)

    def _hear(self) -> None:
        self._is_stirred = True
        self._news.put(None)

    def _pause(self, *, is_behind: bool) -> None:
        """Wait until it is time for a look: sooner where jobs wait and there is room for many of them, where all
        that was taken has ended, or where others have done something."""
        end = time.monotonic() + LOOK
        while not self.is_draining and (left := end - time.monotonic()) > 0:
            is_busy = any(job.is_working for _, job in self._mine.values())
            if self._is_stirred and time.monotonic() - self._looked >= LOOK:
                return
            if self._mine and not is_busy:
                return
            if is_busy and is_behind and self._room >= min(PORTION, self._most_jobs) / 2:
                return
            with suppress(queue.Empty):
                self._news.get(timeout=left)
                while True:
                    self._news.get_nowait()

    def _note_ended(self) -> None:
        """Count the jobs that have ended, and set the runs aside whose jobs were held back."""
        ended = {job_id: pair for job_id, pair in self._mine.items() if not pair[1].is_working}
        if ended:
            # What was given back may be taken again.
            self._is_stirred = True
        for job_id, (run_id, job) in ended.items():
            del self._mine[job_id]
            job.unsubscribe(self._wake)
            self._done += job.record.status == "succeeded"
            self._failed += job.record.is_final and job.record.status != "succeeded"
            if (
                not job.record.is_final
                and not self.is_draining
                and self._aside.get(run_id, 0.0) < float("inf")
            ):
                self._leave(run_id, job.notice or str(job.failure or "it was held back"))
        self._untold |= {run_id for run_id, _ in ended.values()}
        busy = {run_id for run_id, _ in self._mine.values()}
        for run_id in sorted(self._untold - busy):
            run = self._session.run(run_id)
            self._untold.discard(run_id)
            if not any(job.record.is_deferred for job in run.jobs):
                self._begun.discard(run_id)
                self._tell(f"Run {run_id}: {run.line()}")

    def _collect(self) -> None:
        """Hold back what was not sent, and wait for the rest."""
        for _, job in self._mine.values():
            # A submit under way may meet a rate limit, and would wait for its turn to be sent.
            if job.record.status in UNSENT or job.record.status == "submitting":
                job.wanted_by.clear()
        if any(job.is_working for _, job in self._mine.values()):
            self._tell(
                "Ending: what was sent is collected, and the rest stays deferred. Once more ends at once."
            )
        while True:
            try:
                self._note_ended()
            except DatabaseUnreachableError as error:
                self._tell_trouble(error)
                continue
            if not self._mine:
                return
            self._report(0)
            with suppress(queue.Empty):
                self._news.get(timeout=LOOK)

    def _report(self, left: int) -> None:
        """Show the progress; `left` jobs wait that nobody has taken."""
        going = [job for _, job in self._mine.values() if job.is_working]
        unsent = sum(job.record.status in UNSENT for job in going)
        total = self._done + self._failed + len(going) + left
        notices = dict.fromkeys(job.notice for job in going if job.notice)
        line = joined(
            [
                f"{self._done:,} done",
                f"{self._failed:,} without a result" if self._failed else "",
                f"{len(going) - unsent:,} under way",
                f"{left + unsent:,} waiting" if left + unsent else "",
                *list(notices)[:1],
            ]
        )
        self._show(line, (self._done + self._failed) / total if total else 1.0)
