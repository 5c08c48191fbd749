"""Opens the viewer. The widget library is imported only then."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rivya_nb.planning.ask import label
from rivya_nb.session.placing import place
from rivya_nb.session.showing.displays import Kept
from rivya_nb.session.showing.looks import records
from rivya_nb.store.records import RunRecord
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.run_view import Hint

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import Album
    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.store.store import Store
    from rivya_nb.widgets.scene import Look
    from rivya_nb.widgets.viewer import Viewer

PAGE = 60
"""Pictures of a long row that the viewer holds at a time; the next ones come when one turns the page."""


_OPENS = Hint("", "Run this cell again for the viewer of these results.")
"""What is left of the viewer where it cannot be."""


def view_grid(
    record: RunRecord,
    jobs: Mapping[str, Job],
    grid: Grid,
    live_records: LiveRecords,
    *,
    rows: str | None = None,
    cols: str | None = None,
) -> Viewer:
    """The viewer of a grid, with all pictures of all its jobs. What stays in its cell is the grid itself."""
    from rivya_nb.widgets.viewer import Viewer

    store = live_records.store

    def look(_page: int) -> Look:
        layout = arrange(record, records(jobs), rows=rows, cols=cols, every=True)
        return _look(layout, jobs, store, record.name or (f"run {record.id}" if record.id else "pictures"))

    viewer = Viewer(look, store.files, store.marks, store.deletions)
    working = [job for job in jobs.values() if not job.is_final]
    for job in working:
        job.live.subscribe(viewer.refresh)
        job.live.subscribe(live_records.displays.check)
    if working:
        viewer.refresh()
    viewer.keep = Kept(live_records, _OPENS, lambda: grid)._ipython_display_
    return viewer


def view_row(album: Album, live_records: LiveRecords) -> Viewer:
    """The viewer of an album, one page at a time."""
    from rivya_nb.widgets.viewer import Viewer

    store = live_records.store

    def look(page: int) -> Look:
        total, first = len(album), page * PAGE
        jobs: Sequence[Job] = album[first : first + PAGE].jobs
        called = store.runs.reference_labels(job.id for job in jobs)
        axes, cells = place(jobs, [], store.models.catalogue, references=called)
        by_id = {job.id: job for job in jobs}
        layout = arrange(RunRecord(0, album.title, "", time.time(), axes, cells), records(by_id))
        return _look(layout, by_id, store, album.title, page=page, first=first + 1, total=total)

    viewer = Viewer(look, store.files, store.marks, store.deletions)
    viewer.keep = Kept(live_records, _OPENS, lambda: album)._ipython_display_
    return viewer


def _look(
    layout: Layout,
    jobs: Mapping[str, Job],
    store: Store,
    title: str,
    *,
    page: int = 0,
    first: int = 1,
    total: int = 0,
) -> Look:
    from rivya_nb.widgets.scene import Look

    shown = dict.fromkeys(cell.job.id for cell in layout.cells)
    return Look(
        layout=layout,
        params={job_id: _as_shown(jobs[job_id].params) for job_id in shown},
        title=title,
        runs=store.runs.ids_of(shown),
        names_users=store.users.are_several,
        page=page,
        pages=max(1, -(-total // PAGE)),
        first=first,
        total=total,
    )


def _as_shown(params: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    """The params with switches as they are sent, and written on a line."""
    return {key: label(value) if isinstance(value, bool) else value for key, value in params.items()}
