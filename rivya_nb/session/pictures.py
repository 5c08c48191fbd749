"""What a run and a history have in common: pictures that can be laid out, viewed and saved."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, overload

from rivya_nb.errors import StoreError
from rivya_nb.files import user_path
from rivya_nb.media.frames import read_choice
from rivya_nb.session.job import Job, python_params
from rivya_nb.session.leaving import Leaving
from rivya_nb.session.marking import Markable
from rivya_nb.session.showing.looks import records
from rivya_nb.session.showing.tables import fact_columns, free_name, table
from rivya_nb.session.studying import Studying
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import JobRecord, Marks, RunRecord
from rivya_nb.study.kept_measures import kept_columns, kept_number
from rivya_nb.views.words import joined, lost_words

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL.Image import Image

    from rivya_nb.contract.catalogue import Model
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import Selection
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.ranking import Ranking
    from rivya_nb.session.showing.measures import Measurements, Wanted
    from rivya_nb.session.showing.written import SavedPictures, WrittenFile
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.widgets.viewer import Viewer


class Pictures(Leaving, Studying, Markable):
    """An ordered collection of jobs, and what can be done with their pictures. Indexing and iteration give jobs.

    `files` are the files of the store.
    """

    def __init__(self, live_records: LiveRecords) -> None:
        self._live_records = live_records
        self._store = live_records.store
        self.files = self._store.files

    @property
    @abstractmethod
    def jobs(self) -> Sequence[Job]:
        """The jobs, in the order in which they are shown."""

    @property
    def job_ids(self) -> Sequence[str]:
        """The ids of the jobs, in the same order."""
        return [job.id for job in self.jobs]

    def _meant(self) -> Sequence[Job]:
        return self.jobs

    def _kept(self) -> Pictures:
        """A copy of this collection that does not change while it is saved or laid out."""
        return self

    @abstractmethod
    def _laid_out(self, rows: str | None, cols: str | None) -> RunRecord:
        """The axes, and each job's place on them."""

    def _wholly_placed(self, names: Sequence[str]) -> RunRecord:  # noqa: ARG002 - for heirs
        """Each job's place on the axes of these names, and on all others that there are."""
        return self._laid_out(None, None)

    def _studied(self) -> tuple[RunRecord, Mapping[str, JobRecord]]:
        # A history's pictures have their places in their runs.
        return RunRecord(0, None, "", 0.0, (), ()), records({job.id: job for job in self._kept().jobs})

    def _notes(self, rows: str | None, cols: str | None) -> tuple[str, ...]:  # noqa: ARG002 - for heirs
        """Notes for the reader of a grid with these rows and columns."""
        return ()

    def _facts(self) -> Mapping[str, Mapping[str, str]]:
        """By job id, what a table of prompts says of its pictures here, by column."""
        return self._store.facts.of(self.job_ids)

    @property
    def images(self) -> list[Image]:
        """The pictures, decoded, in the order of the jobs; jobs without one are skipped.

        Raises:
            StoreError: a picture's file is gone or cannot be read.
        """
        return [image for job in self.jobs for image in job.images]

    def grid(
        self,
        rows: str | None = None,
        cols: str | None = None,
        *,
        measure: Wanted | None = None,
        at: float | None = None,
        frames: int | None = None,
    ) -> Grid:
        """The pictures as they are now, laid out by two axes; more axes make pages, one axis wraps.

        With a `measure`, each picture has its number as a figure, on a colour: blue below the median of all,
        orange above. `at` and `frames` are for videos, as in `measure`.

        Raises:
            UsageError: there is no axis of that name; or as `measure`.
        """
        from rivya_nb.session.grid import Grid

        kept = self._kept()
        jobs = {job.id: job for job in kept.jobs}
        record = kept._laid_out(rows, cols)
        notes = kept._notes(rows, cols)
        wanted = None if measure is None else (measure, read_choice(at, frames))
        return Grid(record, jobs, self._live_records, rows=rows, cols=cols, notes=notes, measure=wanted)

    def measure(self, *measures: Wanted, at: float | None = None, frames: int | None = None) -> Measurements:
        """What measures give for the pictures, in a notebook with histograms and the grid; `to_pandas()` has all.

        A measure is a name, of a bundled one or of one that `rv.measure` made; `"palette.hue"` is one part of
        it. Bundled are brightness, contrast, colourfulness, sharpness, entropy, and for each two pictures that
        share every value but one ssim, ciede2000 and phash. A function that `rv.measure` would take may be given
        itself.

        Of a video a frame is measured, as a picture: the one in its middle, or `at` another place, a part of its
        length from 0 (the first frame) to 1 (the last one). With `frames=8`, 8 frames are, the middles of as many
        equal parts, and the number is their mean. Pairs compare the same frame of both. A picture is measured as
        it is. Sounds are left out.

        What was measured before is taken from the store. The rest is computed in worker threads while runs go on;
        an interrupt keeps what is done. A picture for which a measure fails is left out, and told with the reason.

        Raises:
            UsageError: there is no such measure, place or number of frames, there is nothing to measure, or a
                package is missing; for videos, ffmpeg (the extra `video`).
            StoreError: the store cannot be read or written.
            WaitInterruptedError: the kernel was interrupted.
        """
        from rivya_nb.session.showing.looks import records
        from rivya_nb.session.showing.measures import Ground, measure_pictures
        from rivya_nb.views.layout import arrange

        kept = self._kept()
        jobs = records({job.id: job for job in kept.jobs})
        record = kept._laid_out(None, None)
        ground = Ground(record, jobs, arrange(record, jobs), self._store)
        return measure_pictures(ground, measures, read_choice(at, frames))

    def rank(self, by: str | Sequence[str], *, rater: str = "A") -> Ranking:
        """Judge the pictures (or videos, or sounds) blind, in pairs, to order the values of an axis:
        `run.rank(by="seed")`.

        As a cell's value it shows two pictures of one prompt, with nothing that tells which they are. `by`
        names an axis, or several whose values are ranked together. The pairs are drawn once, so that all values
        are compared equally often, also where pictures have other axes, whose values are the same within a pair
        where possible; no vote changes the list. Of a job with several pictures the first one is judged. Votes are
        kept under the name `rater`, and it goes on after a restart. `strengths` of what this gives has the result,
        and `write_page` makes a file for somebody without a kernel.

        Two videos play muted and in step, and begin again together where the shorter one ends. Sounds are heard
        one at a time, with the keys 1 and 2.

        Raises:
            UsageError: there is no such axis, or there are no two pictures of one prompt that differ in it.
        """
        from rivya_nb.session.ranked import open_ranking

        kept = self._kept()
        jobs = {job.id: job for job in kept.jobs}
        names = [by] if isinstance(by, str) else list(by)
        return open_ranking(kept._wholly_placed(names), jobs, self._live_records, names, rater)

    def view(self) -> Viewer:
        """Open the viewer: a widget in which all pictures zoom together and can be compared and rated."""
        return self.grid().view()

    def save(self, folder: str | os.PathLike[str]) -> SavedPictures:
        """Copy the pictures into a folder (made if absent), each with its request, seed, task and time inside.

        The pixels are the originals', to the byte; `recall` reads the request back. A file that takes no text
        gets a `.json` beside it. A file is named after its job and its params, so that pictures of several runs
        can share a folder; `run-41.json` and `run-41.csv`, or `history.…`, tell of all of them. Gives the
        list of the pictures' absolute paths, which a notebook shows with links.

        Raises:
            StoreError: an original is gone, and the others are saved; or the folder cannot be written.
        """
        from rivya_nb.session.showing.lists import write_lists
        from rivya_nb.session.showing.saving import save_copies
        from rivya_nb.session.showing.written import SavedPictures

        kept = self._kept()
        jobs = [job for job in kept.jobs if all(path.is_file() for path in job.paths)]
        copies = save_copies(jobs, folder)
        marks = self._store.marks.of([job.id for job in jobs])
        lists = write_lists(folder, kept._laid_out(None, None), jobs, copies, marks, kept._facts())
        lost = {path.name: path for job in kept.jobs for path in job.paths if not path.is_file()}
        if lost:
            raise StoreError(f"{lost_words(lost)}; the others are saved in {os.fspath(folder)}.")
        return SavedPictures([copy.path for copy in copies], user_path(folder), lists)

    def report(self, path: str | os.PathLike[str], *, title: str | None = None) -> WrittenFile:
        """Write one self-contained HTML file with pictures, params and prices; its absolute path, which a notebook
        shows with a link that opens it.

        In a browser its pictures zoom and are compared; `title` is its heading, the prompt if none is given.

        Raises:
            UsageError: `path` can be no file's.
            StoreError: the file cannot be written; what was there before stays.
        """
        from rivya_nb.session.showing.report import write_report

        kept = self._kept()
        jobs = {job.id: job for job in kept.jobs}
        return write_report(kept._laid_out(None, None), jobs, self._store, path, title)

    def to_pandas(self) -> DataFrame:
        """One row for each job: its id, model, prompt, params, status, credits, marks, runs and path, and the
        facts of its row in a table of prompts; a fact with the name of another column begins with `fact_`.

        Then a column for each number that was measured of these pictures: of a job's first one, NaN where it was
        not.

        `picture_duration` is that of the job's first video or sound, in seconds. `credits_known` is False where
        the service did not say the credits: they are the documented price, or 0 where nobody knows how the job
        ended.

        Raises:
            UsageError: pandas is not installed.
        """
        jobs = self.jobs
        ids = [job.id for job in jobs]
        marks, runs = self._store.marks.of(ids), self._store.runs.ids_of(ids)
        catalogue_of = cache(self._store.models.catalogue)
        kept = kept_columns(
            self._store, [(job.record, job.record.pictures[0]) for job in jobs if job.record.pictures]
        )
        rows = [
            _row(
                job, catalogue_of(job.record.service).get(job.model), marks[job.id], runs[job.id], self.files
            )
            for job in jobs
        ]
        facts = self._facts()
        columns = fact_columns(
            (name for job in jobs for name in facts.get(job.id, ())), {key for row in rows for key in row}
        )
        for job, row in zip(jobs, rows, strict=True):
            row.update({column: facts.get(job.id, {}).get(name) for name, column in columns.items()})
            row.update(_numbers(job, kept, row))
        return table(rows)

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> Selection: ...
    def __getitem__(self, index: int | slice) -> Job | Selection:
        from rivya_nb.session.history import Selection

        jobs = self.jobs[index]
        if isinstance(jobs, Job):
            return jobs
        whole = self._laid_out(None, None)
        title = joined([f"run {whole.id}" if whole.id else "", whole.name or ""])
        return Selection(self._live_records, [job.id for job in jobs], title)


def _numbers(
    job: Job, columns: Mapping[str, Mapping[Subject, float]], row: Mapping[str, object]
) -> dict[str, float | None]:
    pictures = job.record.pictures
    return {
        free_name(name, row): kept_number(found, job.record, pictures[0]) if pictures else None
        for name, found in columns.items()
    }


def _row(
    job: Job, model: Model | None, marks: Marks, runs: Sequence[int], files: ContentFiles
) -> dict[str, Any]:
    picture = next(iter(job.record.pictures), None)
    path = None if picture is None else files.path(picture.sha256, picture.mime_type)
    return {
        "job": job.id,
        "model": job.model,
        "prompt": job.prompt,
        **python_params(model, job.record.params),
        "replicate": job.replicate,
        "status": job.status,
        "credits": job.credits,
        "credits_known": job.record.credits_known,
        "rating": marks.rating,
        "favourite": marks.favourite,
        "hidden": marks.hidden,
        "excluded": marks.excluded,
        "tags": ", ".join(marks.tags),
        "note": marks.note,
        "runs": ", ".join(map(str, runs)),
        "task_id": job.task_id,
        "path": None if path is None else str(path),
        "picture_duration": None if picture is None else picture.duration,
        "error": job.error,
    }
