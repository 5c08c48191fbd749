"""Tabs with pictures in rows and columns: those of a run, and those that were opened as a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from rivya_nb.control_panel.picture_tab import Contents, PictureTab, Shown, page_words
from rivya_nb.session.showing.run_looks import is_large
from rivya_nb.store.questions import Counted
from rivya_nb.views.layout import Cell, Label, Layout, thinned

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.control_panel.runs import PanelRun
    from rivya_nb.control_panel.tabs import Tabs
    from rivya_nb.session.history import Selection
    from rivya_nb.store.records import JobRecord
    from rivya_nb.widgets.viewer import Viewer

PAGE = 24
"""Pictures on a page of a run that is too large for a place for each."""


class RunTab(PictureTab):
    """The pictures of a run as a cell would lay them out, below what there is to say of it."""

    kind = "run"

    def __init__(self, tabs: Tabs, model: PanelModel, run: PanelRun) -> None:
        super().__init__(tabs, model, f"run-{run.run.id}", f"Run {run.run.id}")
        self._run = run
        run.observe(self._looked, "looks")

    def close(self) -> None:
        super().close()
        self._run.unobserve(self._looked, "looks")

    def contents(self, content: Mapping[str, Any]) -> Contents:
        run = self._run.run
        if not is_large(run):
            found = laid_out(run.grid(run.rows, run.cols).layout)
        else:
            found = self._paged([job.record for job in run.jobs if job.record.pictures], content)
        self.tell({"kind": "words", "html": self._run.look})
        return found

    def _paged(self, jobs: Sequence[JobRecord], content: Mapping[str, Any]) -> Contents:
        first = min(max(0, int(content.get("place", 0))), max(0, len(jobs) - 1) // PAGE * PAGE)
        shown = [
            Shown(job.id, job, job.pictures[0], "" if job.seed is None else f"seed {job.seed}")
            for job in jobs[first : first + PAGE]
        ]
        return Contents(shown, page_words(first, Counted(len(jobs)), len(shown), PAGE))

    def viewer(self, chosen: Selection) -> Viewer:
        run = self._run.run
        return chosen.view() if is_large(run) else run.grid(run.rows, run.cols).view()

    def _looked(self, _: object) -> None:
        self.tell({"kind": "words", "html": self._run.look})
        self.check()


class GridTab(PictureTab):
    """Pictures that were chosen, as a grid of what tells them apart."""

    def __init__(self, tabs: Tabs, model: PanelModel, name: str, chosen: Selection) -> None:
        super().__init__(tabs, model, name, f"Grid ({len(chosen)})")
        self._ids = list(chosen.job_ids)

    def contents(self, _: Mapping[str, Any]) -> Contents:
        # Made anew: pictures may have been deleted, or come.
        layout, left_out = thinned(self._session.pictures(self._ids).grid().layout)
        return laid_out(layout, left_out)

    def viewer(self, _: Selection) -> Viewer:
        return self._session.pictures(self._ids).grid().view()


def laid_out(layout: Layout, said: str = "") -> Contents:
    """The places of a layout, and how they stand; headings are a text and the whole of it."""
    number = count()

    def numbers(row: tuple[Cell | None, ...]) -> list[int | None]:
        return [None if cell is None else next(number) for cell in row]

    def heading(label: Label) -> list[str]:
        return [label.text, label.full]

    pages = [{"caption": page.caption, "rows": [numbers(row) for row in page.cells]} for page in layout.pages]
    # A job may stand at several places.
    shown = [
        Shown(f"{cell.key} {cell.place}", cell.job, cell.picture, cell.caption.text) for cell in layout.cells
    ]
    return Contents(
        shown,
        {
            "layout": {
                "wraps": layout.wraps,
                "rows": [heading(label) for label in layout.row_labels],
                "columns": [heading(label) for label in layout.column_labels],
                "pages": pages,
            },
            "said": said,
        },
    )
