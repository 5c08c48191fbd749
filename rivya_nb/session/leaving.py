"""How pictures and what is known of them leave for other tools; shared by runs, histories and grids."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import count as count_up
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.contract.text import count, did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, StoreError, UsageError, WaitInterruptedError
from rivya_nb.files import target_file, user_path
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.session.job import python_params
from rivya_nb.session.showing.progress import with_progress
from rivya_nb.store.marks import excluded
from rivya_nb.views.words import lost_words, noun_of, noun_of_files

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.showing.paragraph import Paragraph
    from rivya_nb.session.showing.written import SavedPictures, WrittenFile
    from rivya_nb.store.records import JobRecord, PictureRecord, RunRecord
    from rivya_nb.store.store import Store
    from rivya_nb.study.places import PicturedPlace
    from rivya_nb.study.rows import PictureTable

FORMATS = ("imagefolder", "bundle")


class Leaving(ABC):
    """Has pictures that other tools can take over. Excluded ones stay behind."""

    _live_records: LiveRecords
    _store: Store

    @abstractmethod
    def _studied(self) -> tuple[RunRecord, Mapping[str, JobRecord]]:
        """The axes with each job's place on them, and the jobs by their ids. The record of a history has the id 0
        and no axes."""

    def export(self, folder: str | os.PathLike[str], *, format: str = "imagefolder") -> SavedPictures:  # noqa: A002
        """Write the results and what is known of them into a folder (made if absent), for other tools.

        `imagefolder` is the form of Hugging Face's `datasets`: `load_dataset("imagefolder", data_dir=folder)`. The
        files are the originals, byte for byte; `metadata.jsonl` has a row for each picture at each place, with
        prompt, model, params, the axes' values, facts, measures, seed, replicate, run, marks and price; of videos
        and sounds also the duration in seconds. They are loaded as "videofolder" and "audiofolder"; where there
        are several media, with `filters=[("medium", "=", "video")]`, and "image" or "audio". An earlier export in
        the folder is replaced, other files stay. Excluded pictures are left out, and the result says so.

        `bundle` is a whole study for a colleague's store, as a folder or, where the name ends with `.zip`, as one
        file: pictures, references, the runs with what was asked, facts, marks (exclusions too), measures and
        votes; `rv.import_bundle` takes it in. It holds no key and no path of this machine. An earlier bundle in
        its place is replaced.

        Raises:
            UsageError: an unknown format, or the folder has something of another origin.
            StoreError: an original is gone, and the others are exported; or the folder cannot be written.
            WaitInterruptedError: the kernel was interrupted; what was copied by then is kept for the next call.
        """
        if format not in FORMATS:
            hint = did_you_mean(format, FORMATS) if isinstance(format, str) else ""
            message = f"{short_repr(format)} is no format; it takes {listing(FORMATS)}{hint}"
            raise UsageError([Mistake("format", message)])
        if format == "bundle":
            from rivya_nb.session.bundles import export_bundle

            record, jobs = self._studied()
            return WorkLoop.find().aside(lambda: export_bundle(folder, self._store, record, jobs))
        gather = self._gatherer()
        return with_progress(
            "Export",
            noun_of(self._studied()[1].values()),
            lambda tell, stop: _imagefolder(folder, gather(), self._store, tell, stop),
        )

    def to_parquet(self, path: str | os.PathLike[str]) -> WrittenFile:
        """Write a Parquet file with a row for each result at each place, as `export` writes them, with types; its
        absolute path. Excluded ones are left out, and the result says so.

        Raises:
            UsageError: pyarrow is not installed (the extra `parquet`), `path` can be no file's, or there is no
                picture.
            StoreError: an original is gone, and the others are written; or the file cannot be written.
        """
        from rivya_nb.session.showing.written import WrittenFile
        from rivya_nb.study.parquet import write_parquet

        target, gather = target_file(path), self._gatherer()

        def write() -> Gathered:
            leaving = gather()
            _require(leaving)
            write_parquet(target, leaving.table.rows)
            return leaving

        leaving = WorkLoop.find().aside(write)
        if leaving.lost:
            raise StoreError(f"{lost_words(leaving.lost)}; the others are in {target}.")
        written = WrittenFile(target)
        written.note = leaving.note
        return written

    def log_to(self, tracker: str, *, project: str = "rivya_nb") -> Paragraph:
        """Log to an experiment tracker: "mlflow", "wandb" or "trackio"; one run there for each run here.

        It gets the params, the means of the measures, a table with a row for each result, and pictures of at most
        512 pixels a side, of videos their posters and of sounds their waveforms; `export` gives the originals.
        Excluded results are left out. mlflow logs where `MLFLOW_TRACKING_URI` says. wandb stays offline unless
        `WANDB_MODE` says otherwise; `wandb sync` sends it. `project` is the experiment or project there. Each call
        logs anew, and its text says where.

        Raises:
            UsageError: the tracker is unknown or not installed (the extra of its name), or there is no picture.
            StoreError: a picture's file is gone; nothing was logged.
            WaitInterruptedError: the kernel was interrupted; what the tracker got is not whole.
        """
        from rivya_nb.session.showing.paragraph import Paragraph
        from rivya_nb.study.tracking import find_tracker, tracked_runs

        log, gather, files = find_tracker(tracker), self._gatherer(), self._store.files

        def work(tell: Callable[[int, int], None], stop: threading.Event) -> Paragraph:
            leaving = gather()
            _require(leaving)
            if leaving.lost:
                raise StoreError(f"{lost_words(leaving.lost)}; nothing was logged.")
            names = {run.id: f"run {run.id} {run.name or ''}".strip() for run in leaving.runs}
            numbers = count_up(1)

            def small(picture: PictureRecord, box: tuple[int, int]) -> Image:
                if stop.is_set():
                    raise WaitInterruptedError("The kernel was interrupted.")
                tell(next(numbers), len(leaving.places))
                return files.thumbnails.load(files.path(picture.sha256, picture.mime_type), box)

            told = log(project, tracked_runs(leaving.places, leaving.table, names, small))
            note = f" {leaving.note[:1].upper()}{leaving.note[1:]}." if leaving.note else ""
            return Paragraph(f"{told}{note}")

        try:
            return with_progress(f"Log to {tracker}", noun_of(self._studied()[1].values()), work)
        except WaitInterruptedError:
            raise WaitInterruptedError(
                f"Interrupted: what {tracker} got is not whole, and marked as failed where it can be; the same "
                "call logs anew."
            ) from None

    def methods(self) -> Paragraph:
        """The paragraph of a paper that says how the pictures were made, as plain text that shows itself.

        It has the models, the dates, the prompts with their number in each category, the seeds, params and
        replicates, what failed, what was excluded for which reason, the price, and the versions. Pictures of the
        sandbox are called what they are.

        Raises:
            UsageError: nothing was asked for.
        """
        from rivya_nb.session.showing.paragraph import Paragraph
        from rivya_nb.study.methods import Studied, methods_text

        record, jobs = self._studied()
        if not jobs:
            raise UsageError("There is nothing to tell of: no request is in this.")
        runs, places = in_runs(record, jobs, self._store)
        marks = self._store.marks.of(jobs)
        studied = Studied(
            runs=sorted(set(_runs_of(record, runs, jobs).values())),
            jobs=list(jobs.values()),
            places=list(places),
            reasons={job_id: each.excluded for job_id, each in marks.items() if each.excluded},
            models=cache(self._store.models.catalogue),
        )
        return Paragraph(methods_text(studied))

    def _gatherer(self) -> Callable[[], Gathered]:
        """Gives what may leave: every picture but the excluded ones, with its row. A thread may call it."""
        record, jobs = self._studied()
        return lambda: gather(record, jobs, self._store)


class Gathered(NamedTuple):
    """Pictures that may leave: their places with a row for each, and the runs that they come from, oldest first.

    `lost` are files that are gone, and `note` says what is left out.
    """

    places: list[PicturedPlace]
    table: PictureTable
    runs: list[RunRecord]
    lost: dict[str, Path]
    note: str


def gather(record: RunRecord, jobs: Mapping[str, JobRecord], store: Store) -> Gathered:
    """The pictures of a run or a history (`record.id` is 0) whose files are there, less the excluded ones."""
    from rivya_nb.study.kept_measures import kept_columns
    from rivya_nb.study.rows import Known, picture_table

    without = excluded(store, jobs)
    runs, found = in_runs(record, jobs, store, without)
    places: list[PicturedPlace] = []
    lost: dict[str, Path] = {}
    for place in found:
        content = place.picture.sha256, place.picture.mime_type
        if store.files.has(*content):
            places.append(place)
        else:
            path = store.files.path(*content)
            lost[path.name] = path
    catalogue_of = cache(store.models.catalogue)
    known = Known(
        params=lambda job: python_params(catalogue_of(job.service).get(job.model), job.params),
        runs=_runs_of(record, runs, jobs),
        marks=store.marks.of(jobs),
        measures=kept_columns(store, [(place.job, place.picture) for place in places]),
    )
    left_out = [each for job_id in without for each in jobs[job_id].pictures]
    note = f"{count(len(left_out), f'excluded {noun_of_files(left_out)}')} left out" if left_out else ""
    return Gathered(places, picture_table(places, known), runs, lost, note)


def in_runs(
    record: RunRecord, jobs: Mapping[str, JobRecord], store: Store, without: Collection[str] = ()
) -> tuple[list[RunRecord], Iterator[PicturedPlace]]:
    """The runs, the oldest first, and the places of the pictures: of a history (`record.id` is 0) in all the runs
    that its jobs stand in."""
    from rivya_nb.study.places import pictured_places, places_in_runs

    if record.id:
        return [record], pictured_places(record, jobs, without)
    runs = store.runs.of(jobs)[::-1]
    return runs, places_in_runs(runs, jobs, without)


def _runs_of(record: RunRecord, runs: Sequence[RunRecord], jobs: Mapping[str, JobRecord]) -> dict[str, int]:
    """By a job's id, the run that is asked, or else the run that the job was made in."""
    if record.id:
        return dict.fromkeys(jobs, record.id)
    made: dict[str, int] = {}
    for run in runs:
        for cell in run.cells:
            if cell.job_id in jobs and not cell.reused:
                made.setdefault(cell.job_id, run.id)
    return made


def _imagefolder(
    folder: str | os.PathLike[str],
    leaving: Gathered,
    store: Store,
    tell: Callable[[int, int], None],
    stop: threading.Event,
) -> SavedPictures:
    from rivya_nb.session.showing.looks import fetcher
    from rivya_nb.session.showing.written import SavedPictures
    from rivya_nb.study.imagefolder import write_imagefolder

    _require(leaving)
    paths, metadata = write_imagefolder(
        folder, leaving.places, leaving.table.rows, fetcher(store.files), tell, stop
    )
    if leaving.lost:
        raise StoreError(f"{lost_words(leaving.lost)}; the others are in {os.fspath(folder)}.")
    return SavedPictures(paths, user_path(folder), (metadata,), leaving.note)


def _require(leaving: Gathered) -> None:
    """Raise UsageError, or StoreError where all files are gone, if there is nothing to leave."""
    if leaving.places:
        return
    if leaving.lost:
        raise StoreError(f"{lost_words(leaving.lost)}; nothing was written.")
    raise UsageError(f"There is no result to export{f': {leaving.note}' if leaving.note else ''}.")
