"""The control panel: the form on the left, runs and pictures on the right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets

from rivya_nb.contract.text import short_repr
from rivya_nb.control_panel import markup
from rivya_nb.control_panel.answer_watch import AnswerWatch
from rivya_nb.control_panel.form import Form
from rivya_nb.control_panel.generate_button import GenerateButton
from rivya_nb.control_panel.laid_out import RunTab
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.model import PanelModel
from rivya_nb.control_panel.run_rows import RunRow
from rivya_nb.control_panel.tabs import Tabs
from rivya_nb.session.history import Selection
from rivya_nb.session.showing.displays import Kept
from rivya_nb.session.showing.live import in_notebook
from rivya_nb.store.questions import Question
from rivya_nb.views.run_view import Hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rivya_nb.control_panel.runs import PanelRun
    from rivya_nb.session.job import Job
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.store.questions import Counted
    from rivya_nb.views.gallery import GalleryPage

GAVE_WAY = "This panel has been opened again by another cell. {} in a cell opens it there."

_INSTEAD = "Where there are none, rv.generate(…) asks, run.grid() compares and rv.history() finds."

DEFAULT_NAME = "main"

LAST = 8
"""Pictures that stay in the panel's cell for pages without a kernel."""


class _Last(Selection):
    """The last pictures; how many there are is no matter."""

    def _gallery(self, first: int, total: Counted, jobs: Sequence[Job], following: int) -> GalleryPage:
        return replace(super()._gallery(first, total, jobs, following), tells_span=False)


class Panel:
    """What `rv.panel()` gives: it shows itself in a notebook. Runs belong to the session and outlive it.

    `model` holds all that it shows. Its state is kept in the store under `name`, and is there again in another
    kernel.
    """

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.name = name
        self.model = PanelModel(session, name)
        self.form = Form(self.model)
        self._foot = GenerateButton(self.model)
        self.generate = self._foot.button
        self.tabs = Tabs(self.model)
        self.gallery = self.tabs.gallery
        self.rows: list[RunRow] = []
        self._run_tabs: dict[PanelRun, RunTab] = {}
        self._rows = make(ipywidgets.VBox)
        self._watch = make(AnswerWatch, session.work_loop, form=self.form.widget.model_id)
        self.widget = self._composed()
        self._kept = Kept(
            session.live_records,
            Hint(self.call, f"The control panel of {session.service} opens with"),
            self._last,
        )
        self.model.observe(self._show_runs, "runs")
        self.model.observe(self._check_kept, "ended")
        self.model.open()

    def _composed(self) -> Any:
        left = make(ipywidgets.VBox, [self.form.widget, self._foot.widget], classes="rivya-left")
        right = make(
            ipywidgets.VBox, [self._rows, self.tabs.widget, self.tabs.viewer_place], classes="rivya-right"
        )
        both = make(ipywidgets.Box, [left, right], classes="rivya-both")
        # Its layout is its own: whoever shows the panel may want it smaller.
        panel = ipywidgets.VBox([self._watch, both])
        panel.add_class("rivya-panel")
        return panel

    @property
    def call(self) -> str:
        """What opens this panel in a cell."""
        return "rv.panel()" if self.name == DEFAULT_NAME else f"rv.panel({self.name!r})"

    @property
    def runs(self) -> list[Run]:
        """The runs that the panel shows, newest first."""
        return [row.run.run for row in self.rows]

    @property
    def summary(self) -> str:
        """What Generate would do, and what it would cost, as HTML."""
        return str(self._foot.summary.value)

    @property
    def reason(self) -> str:
        """Why Generate cannot be pressed, as HTML; empty where it can."""
        return str(self._foot.reason.value)

    @property
    def notice(self) -> str:
        """What became of a click that sent nothing, as HTML; empty where there is nothing to say."""
        return str(self._foot.notice.value)

    def close(self) -> None:
        """Take the panel away; runs go on, and its state stays in the store."""
        self._end()
        give_up(self.widget)

    def give_way(self) -> None:
        """Close, since another panel has its name now; where this one is shown, that is said."""
        if not self.model.closed:
            inside = self.widget.children
            self.widget.children = [ipywidgets.HTML(markup.quiet_html(GAVE_WAY.format(self.call)))]
            self._end()
            for each in inside:
                give_up(each)

    def _end(self) -> None:
        if self.model.closed:
            return
        self.model.close()
        self.model.unobserve_all()
        for row in self.rows:
            row.close()
        self.tabs.close()
        self.form.close()

    def _show_runs(self, _: object = None) -> None:
        """A row and a tab for each run; the newest one is chosen. A tab that was closed stays so."""
        before = {row.run: row for row in self.rows}
        self.rows = [before.pop(run) if run in before else self._row_of(run) for run in self.model.runs]
        for run, row in before.items():
            self.tabs.close_tabs([self._run_tabs.pop(run)])
            row.close()
        self._rows.children = [row.widget for row in self.rows]

    def _row_of(self, run: PanelRun) -> RunRow:
        self._open(run)
        return RunRow(run, lambda: self.model.on_loop(self._open, run))

    def _open(self, run: PanelRun) -> None:
        """Show the run's tab, a new one where it was closed."""
        tab = self._run_tabs.get(run)
        if tab is None or tab.closed:
            tab = self._run_tabs[run] = RunTab(self.tabs, self.model, run)
        self.tabs.open(tab)

    def _last(self) -> Selection:
        """The last pictures, which stay in the cell."""
        ids = self.session.store.history_ids(Question(), limit=LAST)
        return _Last(self.session.live_records, ids, "last results")

    def _check_kept(self, _: object) -> None:
        self.session.live_records.displays.check()

    def _ipython_display_(self) -> None:
        self._kept._ipython_display_()
        # IPython shows the widget itself then.
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        words = f"The control panel needs Jupyter widgets. {_INSTEAD}"
        if not in_notebook():
            return {"text/html": markup.quiet_html(words), "text/plain": words}
        # Where no widget can be shown, its text is; ipywidgets would take its time to write every child there.
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        # Colab has to be told where the manager of such widgets is: anywidget knows for each of its own.
        _, told = self._watch._repr_mimebundle_()
        return {"application/vnd.jupyter.widget-view+json": view, "text/plain": words}, told

    def __repr__(self) -> str:
        return f"<Panel {short_repr(self.name)} with {self.session.service}. It needs Jupyter widgets. {_INSTEAD}>"
