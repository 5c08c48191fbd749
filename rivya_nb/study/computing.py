"""Computes what the store does not have yet, in worker threads, and keeps it while it goes on."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from filelock import FileLock, Timeout

from rivya_nb.contract.text import listing, printable
from rivya_nb.errors import Mistake, PictureError, StoreError, UsageError
from rivya_nb.imaging.decoding import decoded
from rivya_nb.imaging.modes import eight_bits, orientation, turned
from rivya_nb.measures.definition import Measure
from rivya_nb.measures.numbers import NoNumberError, read_numbers, read_several
from rivya_nb.store.measurements import Numbers, Subject
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.trouble import disk_trouble

if TYPE_CHECKING:
    from PIL.Image import Image

    from rivya_nb.contract.request import Request
    from rivya_nb.store.store import Store

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many numbers of how many are there, in the thread that measures."""

WORKERS = os.cpu_count() or 1

BATCH = 16
"""The most pictures of a batch."""

_HELD = 8
"""Decoded pictures that are held for the next pairs."""

_PREPARED = 2048
"""What the bundled measures of pairs compare, held for the next pairs: some 60 kB for each picture."""

_KEEP_SECONDS = 0.5
"""Seconds after which what was computed is written to the store."""

_REASON_LENGTH = 200

_calling = threading.local()
"""Whether a measure's function runs in this thread."""


@dataclass(frozen=True)
class Task:
    """A subject to measure by the measure with this number, and the pictures that its function gets."""

    measure: int
    subject: Subject
    pictures: tuple[PictureRecord, ...]
    job: JobRecord | None = None

    @property
    def request(self) -> Request | None:
        return None if self.job is None else self.job.request


@dataclass
class Found:
    """What there is of one measure. `note` tells if older numbers are of another source under the same version."""

    version: str
    numbers: dict[Subject, Numbers] = field(default_factory=dict)
    failures: dict[Subject, str] = field(default_factory=dict)
    note: str = ""


Result: TypeAlias = "Numbers | str"
"""The numbers of a subject, or why there are none."""


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
    if getattr(_calling, "now", False):
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
        reader = _Reader(self._store)
        try:
            with ThreadPoolExecutor(WORKERS, thread_name_prefix="rivya-measure") as workers:
                self._run_single(single, reader, workers)
                for number, tasks in batches.items():
                    self._run_batches(self._measures[number], tasks, reader, workers)
        finally:
            self._keep()

    def _run_single(self, tasks: Sequence[Task], reader: _Reader, workers: ThreadPoolExecutor) -> None:
        """One piece of work for each picture, with all that is measured of it, or for each pair."""
        pieces: dict[tuple[PictureRecord, ...], list[Task]] = {}
        for task in tasks:
            pieces.setdefault(task.pictures, []).append(task)

        def piece(some: Sequence[Task]) -> list[tuple[Task, Result]]:
            return [] if self._stop.is_set() else self._results(some, reader)

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

    def _results(self, tasks: Sequence[Task], reader: _Reader) -> list[tuple[Task, Result]]:
        """What is measured of one picture, or of one pair."""
        results: list[tuple[Task, Result]] = []
        try:
            image = reader.load(tasks[0].pictures[0]) if len(tasks[0].pictures) == 1 else None
            for task in tasks:
                measure = self._measures[task.measure]
                if image is None:
                    arguments = [reader.prepared(measure, picture) for picture in task.pictures]
                else:
                    # A function may change its picture; the bundled ones do not.
                    its = image if measure.is_bundled else image.copy()
                    arguments = [its, task.request] if measure.takes_request else [its]
                results.append((task, _outcome(measure, partial(measure.function, *arguments))))
        except PictureError as error:
            results += [(task, str(error)) for task in tasks[len(results) :]]
        return results

    def _run_batches(
        self, measure: Measure, tasks: Sequence[Task], reader: _Reader, workers: ThreadPoolExecutor
    ) -> None:
        def loaded(task: Task) -> Image | str:
            try:
                return reader.load(task.pictures[0])
            except PictureError as error:
                return str(error)

        for start in range(0, len(tasks), BATCH):
            if self._stop.is_set():
                return
            some = tasks[start : start + BATCH]
            images = list(zip(some, workers.map(loaded, some), strict=True))
            if lost := [(task, image) for task, image in images if isinstance(image, str)]:
                self._note(lost)
            whole = [(task, image) for task, image in images if not isinstance(image, str)]
            if whole:
                work = workers.submit(_of_batch, measure, whole)
                while not wait([work], timeout=_KEEP_SECONDS).done:
                    self._tell()
                self._note(work.result())

    def _note(self, results: Sequence[tuple[Task, Result]]) -> None:
        for task, result in results:
            found = self.found[task.measure]
            if isinstance(result, str):
                found.failures[task.subject] = result
            else:
                found.numbers[task.subject] = result
                self._fresh.setdefault(task.measure, []).append((task.subject, result))
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


class _Reader:
    """Decodes originals, for all that is measured of them."""

    def __init__(self, store: Store) -> None:
        self._files = store.files
        self._held = lru_cache(maxsize=_HELD)(self.load)
        self._prepared = lru_cache(maxsize=_PREPARED)(
            lambda prepare, picture: _Once(lambda: prepare(self.load(picture)))
        )

    def load(self, picture: PictureRecord) -> Image:
        """The picture upright in RGB, above white.

        Raises:
            PictureError: its file is gone, or is no whole picture.
        """
        path = self._files.path(picture.sha256, picture.mime_type)
        try:
            self._files.local(picture.sha256, picture.mime_type)
            with decoded(path) as image:
                return _plain(image)
        except FileNotFoundError:
            raise PictureError(f"its file is gone: {path}") from None
        except (OSError, PictureError, StoreError) as error:
            raise PictureError(f"its file cannot be read: {error}") from error

    def prepared(self, measure: Measure, picture: PictureRecord) -> object:
        """What a measure of pairs compares of a picture."""
        if measure.prepare is None:
            return self._held(picture).copy()
        return self._prepared(measure.prepare, picture).value()


class _Once:
    """A value that is made once, also where several threads want it at the same time."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[object] = []

    def value(self) -> object:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


def _plain(image: Image) -> Image:
    """A decoded picture upright in RGB; what is transparent is laid over white."""
    from PIL import Image as Pillow

    colours = eight_bits(image)
    if colours.mode == "RGBA":
        colours = Pillow.alpha_composite(Pillow.new("RGBA", colours.size, "white"), colours)
    # A picture that needs nothing is not copied.
    return turned(colours if colours.mode == "RGB" else colours.convert("RGB"), orientation(image))


def _outcome(measure: Measure, give: Callable[[], object]) -> Result:
    """The numbers that a function gives, or why there are none."""
    try:
        with _as_measure():
            return read_numbers(give())
    except (Exception, SystemExit) as error:
        return _reason(measure, error)


def _of_batch(measure: Measure, loaded: Sequence[tuple[Task, Image]]) -> list[tuple[Task, Result]]:
    """The results of a batch; where the function fails for all, it is called for each picture alone."""
    images = [image.copy() for _, image in loaded]
    requests = [task.request for task, _ in loaded]
    try:
        with _as_measure():
            given = measure.function(*([images, requests] if measure.takes_request else [images]))
            # A generator runs here, too.
            several = read_several(given, len(loaded))
    except (Exception, SystemExit) as error:
        if len(loaded) > 1 and not isinstance(error, NoNumberError):
            return [result for each in loaded for result in _of_batch(measure, [each])]
        return [(task, _reason(measure, error)) for task, _ in loaded]
    return [
        (task, _outcome(measure, partial(lambda each: each, each)))
        for (task, _), each in zip(loaded, several, strict=True)
    ]


@contextmanager
def _as_measure() -> Iterator[None]:
    _calling.now = True
    try:
        yield
    finally:
        _calling.now = False


def _reason(measure: Measure, error: BaseException) -> str:
    """An error of a function in one line, with the line of its source where it happened."""
    if isinstance(error, NoNumberError):
        return str(error)
    code = getattr(measure.function, "__code__", None)
    steps = traceback.extract_tb(error.__traceback__)
    lines = [step.lineno for step in steps if code is not None and step.filename == code.co_filename]
    where = f" (line {lines[-1]})" if lines else ""
    try:
        said = str(error)
    except Exception:  # its text is a function of somebody else, too
        said = ""
    return printable(f"{type(error).__name__}: {said}".rstrip(": "), _REASON_LENGTH) + where
