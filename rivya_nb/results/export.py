"""Leaving the notebook: a report as one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.results.looks import look_at, path_finder, records
from rivya_nb.views.layout import arrange
from rivya_nb.views.report import render_report, report_thumbnails

if TYPE_CHECKING:
    from rivya_nb.results.job import Job
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.store.records import RunRecord


def write_report(
    run: RunRecord, jobs: Mapping[str, Job], files: ContentFiles, path: str | os.PathLike[str]
) -> Path:
    """Write one self-contained HTML file, UTF-8; its absolute path."""
    target = Path(path).expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    layout = arrange(run, records(jobs), every=True)
    pictures = report_thumbnails(layout, path_finder(files))
    target.write_text(render_report([look_at(run, jobs, layout, pictures)]), encoding="utf-8")
    return target
