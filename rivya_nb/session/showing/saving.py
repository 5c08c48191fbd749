"""Saving copies of pictures, with their request and other metadata inside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rivya_nb.files import user_path
from rivya_nb.store.provenance import Provenance, Stamped, stamp
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble

if TYPE_CHECKING:
    from rivya_nb.session.job import Job


def save_copies(jobs: Iterable[Job], folder: str | os.PathLike[str]) -> list[Stamped]:
    """Copy the jobs' pictures into a folder (made if absent), each with its provenance; absolute paths.

    A file is named after its job and its params, so that pictures of several runs can share a folder; an
    existing file of the same name holds the same picture, and is replaced.

    Raises:
        UsageError: `folder` can be no path.
        StoreError: an original is gone, or the folder cannot be written.
    """
    target = user_path(folder)
    with disk_trouble(target, ANOTHER_PLACE):
        target.mkdir(parents=True, exist_ok=True)
    saved = []
    for job in jobs:
        for place, (source, picture) in enumerate(zip(job.paths, job.record.pictures, strict=True)):
            copy = target / f"{_file_stem(job, place)}{source.suffix}"
            saved.append(stamp(source, copy, Provenance(job.record, picture)))
    return saved


def _file_stem(job: Job, place: int) -> str:
    parts = [f"{key}-{value}" for key, value in job.request.params.items()]
    words = re.sub(r"[^\w.+-]+", "x", "_".join([job.model, *parts]))[:120]
    return f"{words}_{job.id[:8]}" + (f"_{place + 1}" if place else "")
