"""Whole studies to and from other stores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, file_size, listing, printable
from rivya_nb.errors import PictureError, StoreError, UsageError
from rivya_nb.files import user_path
from rivya_nb.session.showing.written import SavedPictures
from rivya_nb.store.bundles import merge, numbers_among
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.store.vote_records import Judgements
from rivya_nb.study.bundle import MeasureNumbers, Study, file_name, study_json
from rivya_nb.study.bundle_files import TEXT, BundleFiles, opened, write_bundle
from rivya_nb.study.bundle_reading import LARGEST_FILE, read_bundle
from rivya_nb.views.words import noun_of_files

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.store.store import Store

_NAME_LENGTH = 60


def export_bundle(
    path: str | os.PathLike[str], store: Store, record: RunRecord, job_ids: Collection[str]
) -> SavedPictures:
    """Write a whole study into a folder or a zip; see `Pictures.export`."""
    if not job_ids:
        raise UsageError("There is nothing to export: no request is in this.")
    target = user_path(path)
    study, lost = _study(store, record, store.jobs(job_ids))
    files = {
        file_name(sha256, mime_type): partial(store.files.local, sha256, mime_type)
        for sha256, mime_type in study.files.items()
    }
    write_bundle(target, study_json(study), files)
    notes = [
        count(len(study.runs), "run"),
        f"{count(lost, 'picture')} whose file is gone left out" if lost else "",
    ]
    pictures = {each.sha256: each for job in study.jobs for each in job.pictures}.values()
    note = listing(filter(None, notes))
    if target.suffix.lower() == ".zip":
        number = count(len(pictures), noun_of_files(pictures))
        return SavedPictures([], target, note=f"{number}; {note}")
    paths = [target / file_name(each.sha256, each.mime_type) for each in pictures]
    return SavedPictures(paths, target, (target / TEXT,), note)


def _study(store: Store, record: RunRecord, jobs: Mapping[str, JobRecord]) -> tuple[Study, int]:
    """What is known of these jobs, and how many of their pictures have no file any more."""
    kept, lost = [], 0
    for job in jobs.values():
        pictures = tuple(each for each in job.pictures if store.files.has_all([each]))
        lost += len(job.pictures) - len(pictures)
        kept.append(replace(job, pictures=pictures))
    runs = [store.runs.get(record.id)] if record.id else store.runs.of(jobs)[::-1]
    whole = [replace(run, cells=tuple(cell for cell in run.cells if cell.job_id in jobs)) for run in runs]
    contents = {picture.sha256 for job in kept for picture in job.pictures}
    numbers = numbers_among(store, contents, {job.identity for job in kept})
    measures = [MeasureNumbers(*measure, tuple(found.items())) for measure, found in numbers.items()]
    return Study(kept, whole, store.marks.of(jobs), measures, store.votes.judgements(jobs)), lost


@dataclass(frozen=True, repr=False)
class Imported:
    """What an import has brought: `runs` are those of the bundle as they are in this store, under numbers of its
    own. `new` and `known` count requests that are new here, and that were here already; `notes` say what else."""

    runs: Sequence[Run]
    new: int
    known: int
    notes: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """What came, as text."""
        runs = listing(f"run {run.id}{_named(run)}" for run in self.runs) or "no run"
        came = f"{count(self.new, 'request')} came, at no cost" if self.new else "nothing is new"
        return ". ".join([f"{runs}: {came}, and {self.known:,} were here already", *self.notes]) + "."

    def __repr__(self) -> str:
        return self.summary

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.summary, "text/html": f"<div><bdi>{escape(self.summary)}</bdi></div>"}


def _named(run: Run) -> str:
    return f" ({printable(run.name, _NAME_LENGTH)})" if run.name else ""


def import_bundle(session: Session, path: str | os.PathLike[str]) -> Imported:
    """Take a study into the session's store; see `rv.import_bundle`."""
    return session.work_loop.aside(lambda: _imported(session, path))


def _imported(session: Session, path: str | os.PathLike[str]) -> Imported:
    store = session.store
    store.make_ready()
    with opened(path) as files:
        study = read_bundle(files.text())
        _take_files(store, files, study)
        merged = merge(store, study.jobs, study.runs, study.marks)
    for each in study.measures:
        store.measurements.keep(each.name, each.version, each.source, each.numbers)
    notes, votes = list[str](), 0
    try:
        votes = store.votes.merge(study.judged) if study.judged != Judgements() else 0
    except UsageError as error:
        notes.append(f"Its votes were left out: {error}")
    if merged.marked or votes:
        notes.append(f"{count(merged.marked, 'mark')} and {count(votes, 'vote')} came with them")
    runs = [session.run(run_id) for run_id, _ in merged.runs]
    return Imported(runs, len(merged.new), merged.known, notes)


def _take_files(store: Store, files: BundleFiles, study: Study) -> None:
    """Copy what the store lacks of a bundle's pictures and references into it.

    Raises:
        UsageError: a file is missing, is not what its name says, is no picture, or belongs to nothing.
    """
    from rivya_nb.api.inspection import examine

    sizes = {each.sha256: each.size for job in study.jobs for each in job.references}
    sizes |= {each.sha256: each.size for job in study.jobs for each in job.pictures}
    wanted = {file_name(sha256, mime_type): (sha256, mime_type) for sha256, mime_type in study.files.items()}
    found = files.names()
    for name in sorted(found - wanted.keys())[:1]:
        raise files.wrong(name, "no request of the bundle has it")
    missing = {name: each for name, each in wanted.items() if store.files.size(*each) is None}
    needed, disk = sum(sizes[sha256] for sha256, _ in missing.values()), store.files.folder
    free = shutil.disk_usage(disk).free
    if needed > free:
        raise StoreError(
            f"The bundle needs {file_size(needed)}, and {file_size(free)} are free on the disk of {disk}; "
            "nothing of it was imported."
        )
    for name in sorted(wanted.keys() - found)[:1]:
        raise files.wrong(name, "the bundle does not have it")
    for name, (sha256, mime_type) in missing.items():
        with store.files.arriving() as part:
            files.copy(name, sha256, min(sizes[sha256], LARGEST_FILE), part)
            try:
                kind = examine(part).kind
            except PictureError as error:
                raise files.wrong(name, f"it is no picture, video or sound: {error}") from None
            if kind.mime_type != mime_type:
                raise files.wrong(name, f"it is {kind.article} {kind.name}, and not what the bundle says")
            store.files.adopt(part, mime_type, sha256)
