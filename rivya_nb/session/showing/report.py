"""Writing a report as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rivya_nb.files import target_file
from rivya_nb.session.showing.looks import look_at, path_finder, records
from rivya_nb.session.showing.written import WrittenFile
from rivya_nb.store.files import write_whole
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble
from rivya_nb.views.layout import arrange
from rivya_nb.views.report import render_report, report_thumbnails

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.store.records import RunRecord
    from rivya_nb.store.store import Store


def write_report(
    run: RunRecord,
    jobs: Mapping[str, Job],
    store: Store,
    path: str | os.PathLike[str],
    title: str | None = None,
) -> WrittenFile:
    """Write one self-contained HTML file, UTF-8; its absolute path. Without a title, the prompt is its heading.

    Raises:
        UsageError: `path` can be no file's.
        StoreError: the file cannot be written; what was there before stays.
    """
    target = target_file(path)
    files = store.files
    layout = arrange(run, records(jobs), every=True)
    pictures = report_thumbnails(layout, path_finder(files), load=files.thumbnails.load)
    view = look_at(run, jobs, layout, pictures)
    html = render_report(view, title=title, marks=store.marks.of(list(jobs)))
    with disk_trouble(target, ANOTHER_PLACE):
        target.parent.mkdir(parents=True, exist_ok=True)
    # What is no text, half of a surrogate pair, becomes a question mark.
    write_whole(target, html.encode("utf-8", "replace"))
    return WrittenFile(target)
