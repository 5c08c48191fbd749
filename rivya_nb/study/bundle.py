"""A bundle: a whole study as one JSON text and the files of its pictures, for another store.

```
study.json              {"format": "rivya_nb bundle", "version": 1, "made_by": "0.1.0", "jobs": […], "runs": […],
                         "marks": {…}, "measures": […], "rankings": […], "raters": […], "votes": […]}
pictures/ab/abcd….png   pictures and references, by the SHA-256 of their content
```

It holds no key, no owner, no path of a machine, and nothing by which a service knows an account: task ids, bodies
and the credits that were paid stay where they are. What was asked is in it as a study file (`study_file.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rivya_nb._version import __version__
from rivya_nb.contract.references import Reference
from rivya_nb.errors import UsageError
from rivya_nb.media.formats import EXTENSIONS
from rivya_nb.planning.ask import read_ask
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import JobRecord, Marks, RunRecord
from rivya_nb.store.vote_records import Judgements
from rivya_nb.study.study_file import LARGEST, study_text

FORMAT = "rivya_nb bundle"
VERSION = 1

SUCCEEDED, FAILED, STOPPED = STATUSES = ("succeeded", "failed", "stopped")
"""The statuses of jobs in a bundle. What has neither succeeded nor failed is stopped there: nobody else may go on
with it."""

JOB_TEXTS = ("id", "service", "model", "prompt", "status")
JOB_TIMES = ("created_at", "submitted_at", "finished_at", "deleted_at")


@dataclass(frozen=True)
class MeasureNumbers:
    """The numbers of one measure in one version, by what was measured; `source` is a hash of its function."""

    name: str
    version: str
    source: str
    numbers: tuple[tuple[Subject, Mapping[str, float]], ...]


@dataclass(frozen=True)
class Study:
    """A study that goes to another store. A run's `ask` is as it is stored."""

    jobs: Sequence[JobRecord] = ()
    runs: Sequence[RunRecord] = ()
    marks: Mapping[str, Marks] = field(default_factory=dict)
    measures: Sequence[MeasureNumbers] = ()
    judged: Judgements = field(default_factory=Judgements)

    @property
    def files(self) -> dict[str, str]:
        """The MIME types of pictures and references by their content."""
        return {sha256: mime_type for job in self.jobs for sha256, mime_type in contents_of(job)}


def contents_of(job: JobRecord) -> Iterable[tuple[str, str]]:
    """The SHA-256 and the MIME type of each file of a job: its pictures and references."""
    yield from ((picture.sha256, picture.mime_type) for picture in job.pictures)
    yield from ((each.sha256, each.mime_type) for each in job.references if not each.url)


def file_name(sha256: str, mime_type: str) -> str:
    """The name of a file in a bundle."""
    return f"pictures/{sha256[:2]}/{sha256}{EXTENSIONS.get(mime_type, '.bin')}"


def study_json(study: Study) -> bytes:
    """The text of a bundle."""
    record = {
        "format": FORMAT,
        "version": VERSION,
        "made_by": __version__,
        "jobs": [_job(each) for each in study.jobs],
        "runs": [_run(each) for each in study.runs],
        "marks": {job_id: asdict(marks) for job_id, marks in study.marks.items() if marks != Marks()},
        "measures": [
            {
                "name": each.name,
                "version": each.version,
                "source": each.source,
                "numbers": [_numbers(subject, numbers) for subject, numbers in each.numbers],
            }
            for each in study.measures
        ],
        **asdict(study.judged),
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _numbers(subject: Subject, numbers: Mapping[str, float]) -> list[object]:
    told: list[object] = [subject.sha256, subject.beside, dict(numbers)]
    return [*told, subject.frames] if subject.frames else told


def _job(job: JobRecord) -> dict[str, object]:
    status = job.status if job.status in STATUSES else STOPPED
    known = job.error_code is not None and status == FAILED
    return {
        **{name: getattr(job, name) for name in JOB_TEXTS if name != "status"},
        "status": status,
        **{name: value for name in JOB_TIMES if (value := getattr(job, name)) is not None},
        "params": dict(job.params),
        "price": job.price,
        "replicate": job.replicate,
        "makes": job.makes,
        # Other messages may tell of this machine.
        "error": [job.error_code, job.error_message] if known else None,
        "references": [_reference(each) for each in job.references],
        "pictures": [asdict(picture) for picture in job.pictures],
    }


def _reference(reference: Reference) -> dict[str, object]:
    names = ("sha256", "kind", "mime_type", "name", "size", "url")
    told = {name: getattr(reference, name) for name in names}
    return told if reference.duration is None else {**told, "duration": reference.duration}


def _run(run: RunRecord) -> dict[str, object]:
    ask = read_ask(run.ask)
    try:
        study = None if ask is None else study_text(ask, run.name, lambda reference: reference.name)
        if study is not None and len(study) > LARGEST:
            study = None
    except UsageError:
        study = None
    return {
        "name": run.name,
        "service": run.service,
        "created_at": run.created_at,
        "axes": [asdict(axis) for axis in run.axes],
        "cells": [[cell.job_id, list(cell.coordinates)] for cell in run.cells],
        "study": study,
    }
