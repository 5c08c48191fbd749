"""The pictures of a run, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivya_nb.session.history import Selection
from rivya_nb.session.showing.run_looks import page_call
from rivya_nb.views.words import joined

if TYPE_CHECKING:
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.run import Run


class RunPictures(Selection):
    """The jobs of a run that have pictures by now, in the order of the run."""

    def __init__(self, run: Run, live_records: LiveRecords) -> None:
        ids = [job.id for job in run.jobs if job.record.pictures]
        super().__init__(live_records, ids, joined([f"run {run.id}", run.name or ""]))
        self._run = run

    def _page_call(self, number: int) -> str:
        return page_call(self._run, number)
