"""Computes what the store does not have yet, in worker threads, and keeps it while it goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby, islice
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, TypeAlias

from filelock import FileLock, Timeout

from rivya_nb.contract.text import listing
from rivya_nb.errors import Mistake, PictureError, UsageError
from rivya_nb.measures.definition import Measure
from rivya_nb.media.frames import require_frames
from rivya_nb.store.measurements import Numbers, Subject
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.trouble import disk_trouble
from rivya_nb.study.calling import (
    Result,
    Single,
    calls_of,
    calls_of_pair,
    is_measuring,
    of_batch,
    outcome,
    together_of,
)
from rivya_nb.study.originals import Originals

if TYPE_CHECKING:
    from PIL.Image import Image

    from rivya_nb.contract.request import Request
    from rivya_nb.media.frames import Frames
    from rivya_nb.store.store import Store

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many numbers of how many are there, in the thread that measures."""

WORKERS = os.cpu_count() or 1

BATCH = 16
"""The most pictures of a batch."""

_KEEP_SECONDS = 0.5
"""Seconds after which what was computed is written to the store."""


@dataclass(frozen=True)
class Task:
    """A subject to measure by the measure with this number, and the pictures that its function gets."""

    measure: int
    subject: Subject
    pictures: tuple[PictureRecord, ...]
    job: JobRecord | None = None

    @property
    def is_moving(self) -> bool:
        """Whether a video is in it."""
        return any(picture.medium == "video" for picture in self.pictures)

    @property
    def request(self) -> Request | None:
        return None if self.job is None else self.job.request


@dataclass
class Found:
    """What there is of one measure; `spreads` are over several frames of a video.

    `note` tells if older numbers are of another source under the same version.
    """

    version: str
    numbers: dict[Subject, Numbers] = field(default_factory=dict)
    spreads: dict[Subject, Numbers] = field(default_factory=dict)
    failures: dict[Subject, str] = field(default_factory=dict)
    note: str = ""


def compute(
    store: Store,
    measures: Sequence[Measure],
    tasks: Sequence[Task],
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[Found]:
    """What each measure gives for its tasks: from the store, and computed where it has nothing.

    Two processes do not compute the same: the second one waits for the first, and takes what it kept.

    Raises:
        UsageError: a package that a measure needs is missing, or a measure's function asks for this.
        StoreError: the store cannot be read or written.
    """
    if is_measuring():
        # It would wait for itself.
        names = listing(measure.name for measure in measures)
        what = f"a measure's function asks for {names} of pictures, and cannot while it measures"
        raise UsageError([Mistake("measure", f"{what}; call the other measure itself, as mine(image)")])
    work = _Work(store, measures, tasks, progress or (lambda _done, _all: None), stop or threading.Event())
    work.take_known()
    if work.missing():
        for measure in {task.measure: measures[task.measure] for task in work.missing()}.values():
            if measure.require is not None:
                measure.require()
        if any(task.is_moving for task in work.missing()):
            require_frames()
        with work.alone():
            work.take_known()
            work.run()
    return work.found


class _Work:
    def __init__(
        self,
        store: Store,
        measures: Sequence[Measure],
        tasks: Sequence[Task],
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._measures = measures
        self._tasks = list({(task.measure, task.subject): task for task in tasks}.values())
        self._progress = progress
        self._stop = stop
        self._fresh: dict[int, list[tuple[Subject, Numbers]]] = {}
        self._due = 0.0
        # A version may change while it is computed: what is kept is of the one that it had before.
        self.found = [Found(measure.version) for measure in measures]

    def take_known(self) -> None:
        """Take what the store has by now."""
        for number, (measure, found) in enumerate(zip(self._measures, self.found, strict=True)):
            wanted = [task.subject for task in self._tasks if task.measure == number]
            book = self._store.measurements
            found.numbers.update(book.known(measure.name, found.version, wanted))
            spreads = {_spread_of(measure, each): each for each in wanted if each.frames}
            for each, numbers in book.known(measure.name, found.version, spreads).items():
                found.spreads[spreads[each]] = numbers
            kept = book.find(measure.name, found.version)
            if kept is not None and found.numbers and kept.source != measure.source_hash:
                found.note = (
                    f"the source of {measure.name} has changed, and its version is still {found.version!r}: "
                    "what was measured before is shown as it was; another version measures it anew"
                )

    def missing(self) -> list[Task]:
        return [task for task in self._tasks if not self._is_done(task)]

    def _is_done(self, task: Task) -> bool:
        found = self.found[task.measure]
        return task.subject in found.numbers or task.subject in found.failures

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold other processes back from measuring the same; where they measure it already, wait for them."""
        folder = self._store.folder / "measuring"
        if self._store.is_read_only:
            yield
            return
        with disk_trouble(folder):
            folder.mkdir(exist_ok=True)
        names = {
            sha256(f"{measure.name}\0{found.version}".encode()).hexdigest()[:32]
            for measure, found in zip(self._measures, self.found, strict=True)
        }
        with ExitStack() as locks:
            # In one order, so that no two wait for each other.
            for name in sorted(names):
                lock = FileLock(folder / f"{name}.lock", thread_local=False)
                while not self._stop.is_set():
                    try:
                        locks.enter_context(lock.acquire(timeout=_KEEP_SECONDS))
                        break
                    except Timeout:
                        self.take_known()
                        self._tell()
            yield

    def run(self) -> None:
        """Compute what is missing; what is there is kept, also if this is stopped or fails."""
        self._tell()
        single, batches = [], dict[int, list[Task]]()
        for task in self.missing():
            if self._measures[task.measure].kind == "batch":
                batches.setdefault(task.measure, []).append(task)
            else:
                single.append(task)
        reader = Originals(self._store.files, self._stop, self._most_frames())
        try:
            with ThreadPoolExecutor(WORKERS, thread_name_prefix="rivya-measure") as workers:
                self._run_single(single, reader, workers)
                for number, tasks in batches.items():
                    self._run_batches(self._measures[number], tasks, reader, workers)
        finally:
            self._keep()

    def _most_frames(self) -> int:
        """The most frames of one video that are looked at."""
        tasks = [task for task in self._tasks if task.is_moving]
        return max((self._measures[task.measure].frames.number for task in tasks), default=1)

    def _run_single(self, tasks: Sequence[Task], reader: Originals, workers: ThreadPoolExecutor) -> None:
        """One piece of work for each picture or video, with all that is measured of it, or for each pair."""
        pieces: dict[tuple[tuple[PictureRecord, ...], Frames], list[Task]] = {}
        for task in tasks:
            pieces.setdefault((task.pictures, self._measures[task.measure].frames), []).append(task)

        def piece(some: Sequence[Task]) -> list[tuple[Task, Result]]:
            results = [] if self._stop.is_set() else self._results(some, reader)
            # What was stopped has not failed.
            return [each for each in results if not (isinstance(each[1], str) and self._stop.is_set())]

        left = iter(pieces.values())
        # A few at a time, so that a stop or an error ends it soon.
        going = {workers.submit(piece, some) for some in islice(left, 2 * WORKERS)}
        while going:
            done: set[Future[list[tuple[Task, Result]]]]
            done, going = wait(going, timeout=_KEEP_SECONDS, return_when=FIRST_COMPLETED)
            for each in done:
                self._note(each.result())
            self._tell()
            going |= {workers.submit(piece, some) for some in islice(left, len(done))}

    def _results(self, tasks: Sequence[Task], reader: Originals) -> list[tuple[Task, Result]]:
        """What is measured of one picture or video, or of one pair."""
        results: list[tuple[Task, Result]] = []
        try:
            first, *others = tasks[0].pictures
            images = None if others else reader.load(first, self._measures[tasks[0].measure].frames)
            for task in tasks:
                measure = self._measures[task.measure]
                if images is None:
                    calls = calls_of_pair(
                        measure, *(reader.compared(measure, each) for each in task.pictures)
                    )
                else:
                    calls = calls_of(measure, images, task.request)
                results.append((task, outcome(measure, calls)))
        except PictureError as error:
            results += [(task, str(error)) for task in tasks[len(results) :]]
        return results

    def _run_batches(
        self, measure: Measure, tasks: Sequence[Task], reader: Originals, workers: ThreadPoolExecutor
    ) -> None:
        def loaded(task: Task) -> Sequence[Image] | str:
            try:
                return reader.load(task.pictures[0], measure.frames)
            except PictureError as error:
                return str(error)

        together = max(1, BATCH // self._most_frames())
        for start in range(0, len(tasks), together):
            some = tasks[start : start + together]
            images = list(zip(some, workers.map(loaded, some), strict=True))
            if self._stop.is_set():
                return
            if lost := [(task, each) for task, each in images if isinstance(each, str)]:
                self._note(lost)
            whole = [(task, image) for task, each in images if not isinstance(each, str) for image in each]
            results: list[tuple[Task, Single]] = []
            for at in range(0, len(whole), BATCH):
                part = whole[at : at + BATCH]
                work = workers.submit(of_batch, measure, [(image, task.request) for task, image in part])
                while not wait([work], timeout=_KEEP_SECONDS).done:
                    self._tell()
                results += zip((task for task, _ in part), work.result(), strict=True)
            groups = (list(group) for _, group in groupby(results, key=lambda each: id(each[0])))
            self._note([(group[0][0], together_of([single for _, single in group])) for group in groups])

    def _note(self, results: Sequence[tuple[Task, Result]]) -> None:
        for task, result in results:
            found = self.found[task.measure]
            if isinstance(result, str):
                found.failures[task.subject] = result
                continue
            fresh = self._fresh.setdefault(task.measure, [])
            values = {part: [each[part] for each in result] for part in result[0]}
            found.numbers[task.subject] = {part: fmean(each) for part, each in values.items()}
            fresh.append((task.subject, found.numbers[task.subject]))
            if len(result) > 1:
                found.spreads[task.subject] = {part: pstdev(each) for part, each in values.items()}
                spread = _spread_of(self._measures[task.measure], task.subject)
                fresh.append((spread, found.spreads[task.subject]))
        if time.monotonic() >= self._due:
            self._keep()
        self._tell()

    def _keep(self) -> None:
        self._due = time.monotonic() + _KEEP_SECONDS
        if self._store.is_read_only:
            return
        for number, fresh in self._fresh.items():
            measure, version = self._measures[number], self.found[number].version
            self._store.measurements.keep(measure.name, version, measure.source_hash, fresh)
        self._fresh.clear()

    def _tell(self) -> None:
        done = sum(len(found.numbers) + len(found.failures) for found in self.found)
        self._progress(done, len(self._tasks))


def _spread_of(measure: Measure, subject: Subject) -> Subject:
    """Under which the spread over the frames of a subject is kept."""
    return subject._replace(frames=measure.frames.spread_key)
