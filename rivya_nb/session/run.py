"""The run that a user works with: the jobs of one cell, one call or one click."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.text import count, short_repr
from rivya_nb.errors import (
    Mistake,
    RivyaError,
    UsageError,
    WaitInterruptedError,
    put_in_words,
)
from rivya_nb.planning.ask import read_ask
from rivya_nb.session.adding import plan_extension
from rivya_nb.session.job import Job
from rivya_nb.session.pictures import Pictures
from rivya_nb.session.showing.known_marks import KnownMarks
from rivya_nb.session.showing.live import LiveDisplay, in_notebook
from rivya_nb.session.showing.looks import Bundle, notice_of, records
from rivya_nb.session.showing.run_ends import ended_without, wait_interrupted, ways_on
from rivya_nb.session.showing.run_looks import is_large, run_bundle, run_text
from rivya_nb.session.showing.standing import Standing
from rivya_nb.session.showing.terminal import follow_in_terminal, follows_in_terminal
from rivya_nb.store.persisting import once
from rivya_nb.store.records import FINAL, UNFINISHED, UNSENT, Spent
from rivya_nb.views.layout import arrange
from rivya_nb.views.run_view import progress_words
from rivya_nb.views.words import joined, reason

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.session.history import Selection
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.together import Together
    from rivya_nb.store.records import JobRecord, Marks, RunRecord
    from rivya_nb.widgets.viewer import Viewer


class Run(Pictures):
    """The jobs of one cell or call, in grid order. It has started already, and goes on whether one waits or not.

    `await run` and `run.wait()` give the run itself, finished. Interrupting `wait` also holds back what is not
    submitted yet; a cancelled `await` changes nothing in the run.

    `record` is the run as it is in the store, and its work happens on `work_loop`. `rows` and `cols` are the axes
    that `arrange` chose, and `variable` is the notebook's name for the run; each is None where nobody chose one.
    """

    def __init__(self, record: RunRecord, jobs: Mapping[str, Job], live_records: LiveRecords) -> None:
        super().__init__(live_records)
        self.update(record, jobs)
        self.work_loop = live_records.work_loop
        self.displays = live_records.displays
        self.known_marks = KnownMarks(self.marks_of)
        self.rows: str | None = None
        self.cols: str | None = None
        self.variable: str | None = None
        self._lock = threading.Lock()
        self._settling: concurrent.futures.Future[None] | None = None
        self._display = LiveDisplay(self)

    def update(self, record: RunRecord, jobs: Mapping[str, Job]) -> None:
        """Take the newest record and its jobs; a retry adds jobs."""
        self.record = record
        self._jobs = dict(jobs)
        last = {cell.coordinates: cell for cell in record.cells}
        self._earlier = [cell.job_id for cell in record.cells if last[cell.coordinates] is not cell]
        self._standing: tuple[list[bool], Standing] | None = None

    @property
    def id(self) -> int:
        """The run's number in its store."""
        return self.record.id

    @property
    def name(self) -> str | None:
        """The name it was given, if any."""
        return self.record.name

    @property
    def asked_by(self) -> str:
        """The user who asked for it: the name on JupyterHub, else the login; empty where that is not known."""
        return self.record.asked_by

    @cached_property
    def names_users(self) -> bool:
        """Whether it says who asked: others ask in this store, too. Found out once, since a run is drawn often."""
        return self._store.users.are_several

    @property
    def drawn_seeds(self) -> tuple[ParamValue, ...]:
        """All its seeds, where any was drawn and they are not a column of a table; where each prompt has its
        own, those of all prompts."""
        ask = read_ask(self.record.ask)
        if ask is None or not ask.draws or SEED_KEY in ask.couplings:
            return ()
        return cast("tuple[ParamValue, ...]", ask.params.get(SEED_KEY, ask.all_drawn))

    @property
    def pairs_seeds(self) -> bool:
        """Whether every prompt has the same drawn seeds."""
        ask = read_ask(self.record.ask)
        return ask is None or ask.pair_seeds

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs in grid order: one that several places share stands there once, and one that failed and was
        asked for again does not."""
        return list(self.standing.jobs)

    @property
    def jobs_by_id(self) -> Mapping[str, Job]:
        """Every job that the run ever had, by id."""
        return self._jobs

    @property
    def marks(self) -> Mapping[str, Marks]:
        """The marks on the pictures, by job id."""
        return self.marks_of(self._jobs)

    def marks_of(self, job_ids: Iterable[str]) -> Mapping[str, Marks]:
        """The marks on the pictures of some of its jobs, by job id."""
        return self._store.marks.of(job_ids)

    @property
    def credits(self) -> int:
        """What this run has cost, in credits. A job from the history costs it nothing."""
        return self.spent.credits

    @property
    def spent(self) -> Spent:
        """What the jobs have cost that were made for this run, also those that failed."""
        if not self._earlier:
            return self.standing.tally(time.time(), live=False).spent
        own = {cell.job_id for cell in self.record.cells if not cell.reused}
        return Spent.by(self._jobs[job_id].record for job_id in own)

    @property
    def is_working(self) -> bool:
        """Whether this process is still working on one of its jobs."""
        return self.standing.is_working

    def wait(self, timeout: float | None = None) -> Run:
        """Wait, at most `timeout` seconds, and give the run itself. In a notebook its progress shows here.

        Raises:
            TimeoutError: it is not finished yet; the jobs go on.
            RunFailedError: it ended without a single picture.
            WaitInterruptedError: the kernel was interrupted; what was submitted goes on, the rest is held.
        """
        self._display.show(whole=False)
        try:
            if follows_in_terminal():
                follow_in_terminal(self, timeout)
            else:
                self.work_loop.wait(self.finished(), timeout)
        except KeyboardInterrupt:
            raise self._interrupted() from None
        return self.checked()

    def __await__(self) -> Generator[Any, None, Run]:
        return self._joined().__await__()

    async def _joined(self) -> Run:
        try:
            await self._display.prepare()
            self._display.show(whole=False)
            await self.work_loop.join(self.finished())
        except asyncio.CancelledError as cancelled:
            ways = ways_on(self.id)
            put_in_words(
                cancelled,
                f"Waiting for run {self.id} ended; it goes on. {ways.wait} waits on, and {ways.stop} gives up "
                "what is not sent yet.",
            )
            raise
        return self.checked()

    def finished(self) -> concurrent.futures.Future[None]:
        """A future that is done when the run has ended and the notebook shows its end."""
        if not self.work_loop.is_here():
            self._watch()
        with self._lock:
            if self._settling is None or (self._settling.done() and (self.is_working or self.is_left)):
                self._settling = self.work_loop.start(self._settle())
            return self._settling

    @property
    def is_left(self) -> bool:
        """Whether other processes may be working on one of its jobs."""
        return any(job.status in UNFINISHED and not job.live.is_working for job in self.jobs)

    async def watched(self) -> None:
        """Show also what other processes do for this run. Who that is has to be read first."""
        if self.is_left:
            await asyncio.to_thread(once, self._watch)

    def _watch(self) -> None:
        """Show also what other processes do for this run. Nothing is sent for that."""
        # What is kept can also be shown where nothing can be followed.
        with suppress(RivyaError):
            self._live_records.watch(self)

    async def _settle(self) -> None:
        await self.watched()
        # A retry may add jobs meanwhile.
        while self.is_working:
            for job in self.jobs:
                await job.live.settled()
        await self._display.finished()
        for job in self.jobs:
            if job.live.failure is not None:
                raise job.live.failure

    def checked(self) -> Run:
        """The run itself; the notebook shows how it ended.

        Raises:
            RunFailedError: nobody works on it any more, and there is no picture.
        """
        self._display.conclude()
        jobs = self.jobs
        if any(job.record.pictures or job.record.deleted_at for job in jobs) or self.is_working:
            return self
        raise ended_without(self)

    @property
    def stoppable(self) -> list[Job]:
        """The jobs that `stop` would stop, as far as this process knows: never sent, and not part of another
        working run."""
        return [job for job in self.jobs if job.status in UNSENT and job.live.wanted_by <= {self.id}]

    def stop(self) -> Run:
        """Stop the jobs that were not submitted yet. What was submitted cannot be called back, and goes on.

        Jobs that another run needs too, or that another kernel works on, are not stopped.
        """
        self.hold()
        deferred = [job.id for job in self.jobs if job.record.is_deferred and job.record.deferred == self.id]
        if deferred:
            self._store.deferrals.take_back(deferred)
        mine = [job for job in self.jobs if job.live.is_held and job.status in UNSENT]
        stopped = self._store.claims.stop([job.id for job in mine])
        for job in mine:
            if job.id in stopped:
                job.live.changed(replace(job.record, status="stopped"))
        return self

    def extend(
        self,
        *,
        repeat: int = 0,
        replicates: int = 0,
        max_credits: int | None = None,
        params: Mapping[str, object] | None = None,
        **axes: object,
    ) -> Plan:
        """The plan of this run with more values on its axes; nothing is sent, and only what is new costs.

        `seed=range(5, 9)` adds four seeds to the axis, or makes one of the seed that all pictures share;
        so does `model=…`, `prompt=…`, `references={label: …}`, any param, and an axis of the prompt by its
        name. `repeat` draws that many more seeds, and `replicates` asks that many more times for the very same.
        The plan's `run()` gives a new run that has all of it; this one stays as it is. `params={…}` is for keys
        that collide with the arguments here. A run that is a sample takes more replicates only.

        Raises:
            InvalidRequestError, UsageError: with every mistake that was found.
        """
        wanted = {**(params or {}), **axes}
        for name, number in (("repeat", repeat), ("replicates", replicates)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise UsageError([Mistake(name, f"{short_repr(number)} is no number of how many more")])
        if not wanted and not repeat and not replicates:
            raise UsageError("Which values are to be added? extend(seed=[5, 6]) adds two seeds.")
        session = self._live_records.current_session()
        return plan_extension(
            session, self.record, wanted, repeat=repeat, replicates=replicates, max_credits=max_credits
        )

    def __add__(self, other: Run | Together) -> Together:
        """This run and another one as one: a grid with the axes of both."""
        from rivya_nb.session.together import together

        return together(self, other)

    def hold(self) -> None:
        """Do not submit the rest of this run; `resume(unsent=True)` submits it."""
        for job in self.jobs:
            # A submit under way may meet a rate limit, and would wait for its turn to be sent.
            if job.status in UNSENT or job.status == "submitting":
                job.live.wanted_by.discard(self.id)

    def give_up_waiting(self) -> str:
        """Hold back what is not submitted; gives a text that says what goes on, what is held, and what to do."""
        return str(self._interrupted())

    def _interrupted(self) -> WaitInterruptedError:
        self.hold()
        # What the message counts is what the cell shows above it.
        self._display.renew_now()
        return wait_interrupted(self)

    def _facts(self) -> Mapping[str, Mapping[str, str]]:
        return self._store.facts.of(self._jobs, [self.id])

    def _laid_out(self, *_: str | None) -> RunRecord:
        return self.shown

    def _studied(self) -> tuple[RunRecord, Mapping[str, JobRecord]]:
        return self.shown, records({job.id: job for job in self.jobs})

    @property
    def shown(self) -> RunRecord:
        """The record without failed jobs that were asked for again; grids and texts show this."""
        return self.standing.run

    @property
    def noun(self) -> str:
        """What one of its results is called: `picture`, `video`, …"""
        return self.standing.noun

    @property
    def standing(self) -> Standing:
        """How the jobs that are shown stand together."""
        # Nothing but these decides which of the jobs are shown.
        kept = [self._jobs[job_id].record.is_there for job_id in self._earlier]
        if self._standing is None or self._standing[0] != kept:
            cells = self.record.current(records(self._jobs)) if kept else self.record.cells
            self._standing = kept, Standing(replace(self.record, cells=cells), self._jobs)
        return self._standing[1]

    @contextmanager
    def followed(self, listener: Callable[[], None]) -> Iterator[None]:
        """Within this block, call `listener` after each change of a job, on the thread of the change."""
        followed = self.jobs
        for job in followed:
            job.live.subscribe(listener)
        try:
            yield
        finally:
            for job in followed:
                job.live.unsubscribe(listener)

    def show(self, *, variable: str | None = None) -> None:
        """Show the run in the executing cell and keep it current there; once for each cell.

        `variable` is the name that the notebook has for the run; the hints below it use the name.
        """
        self.variable = variable
        self._display.show(whole=False)

    def arrange(self, *, rows: str | None = None, cols: str | None = None) -> Run:
        """Show it with these axes as rows and columns from now on; None leaves the choice to the grid.

        Raises:
            UsageError: `rows` or `cols` is no axis of the run.
        """
        arrange(self.record, records(self._jobs), rows=rows, cols=cols)
        self.rows, self.cols = rows, cols
        return self

    def page(self, number: int) -> Selection:
        """The pictures of one page, which has 24, in the order of the run; the first page is 1.

        Raises:
            UsageError: there is no such page.
        """
        return self._pages().page(number)

    def view(self) -> Viewer:
        """Open the viewer: a widget in which pictures zoom together and can be compared and rated; of a large run,
        one page of its pictures at a time."""
        self.work_loop.start(self.watched())
        return self._pages().view() if is_large(self) else super().view()

    def _pages(self) -> Selection:
        from rivya_nb.session.run_pages import RunPictures

        return RunPictures(self, self._live_records)

    def look(self) -> Bundle:
        """The run as it is now, as display data. This decodes pictures: call it off the event loop."""
        return run_bundle(self)

    def text(self) -> str:
        """The run as it is now, in a few lines of plain text."""
        return run_text(self)

    def line(self) -> str:
        """The state of the run, on one line of plain text."""
        live = self.is_working
        return progress_words(self.standing.tally(time.time(), live=live), live=live)

    def why(self) -> str:
        """What the run waits for, or why pictures are missing, as far as that is known; otherwise empty."""
        if notice := notice_of(self.jobs):
            return notice
        missing = [job.record for job in self.jobs if job.status in FINAL and not job.record.pictures]
        alike = {(record.error_code, record.error_message): record for record in missing}
        return joined(list(dict.fromkeys(map(reason, alike.values())))[:2])

    def _ipython_display_(self) -> None:
        if in_notebook():
            self._display.show()
        else:
            self._watch()
            print(run_text(self, paths=True))

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        # For front ends that are no kernels' and know nothing of IPython.
        self._watch()
        return self.work_loop.aside(self.look)

    def __repr__(self) -> str:
        done = sum(bool(job.record.pictures) for job in self.jobs)
        name = f" {short_repr(self.name)}" if self.name else ""
        spent = self.spent
        cost = f"{'about ' if spent.costs_about else ''}{spent.credits} credits"
        return f"<Run {self.id}{name}: {done} of {count(len(self.jobs), self.noun)}, {cost}>"
