"""The control panel: the form on the left, runs and pictures on the right, and what ties them together."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipywidgets

from rivya_nb.control_panel import markup
from rivya_nb.control_panel.answer_watch import AnswerWatch
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.balance import Balance
from rivya_nb.control_panel.form import Form
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.gallery import Gallery, Ways
from rivya_nb.control_panel.generating import ArrivingError, Asked, DearerError, Generating
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.control_panel.offer import Offer, RefusedError
from rivya_nb.control_panel.planner import Planner
from rivya_nb.control_panel.run_rows import RunRow, unfinished_runs
from rivya_nb.errors import InvalidRequestError, RivyaError, StoreError, UsageError

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session

GALLERY = "Gallery"

GAVE_WAY = "This panel has been opened again by another cell. {} in a cell opens it there."

DEFAULT_NAME = "main"

MOST_ENDED = 6
"""Runs that have ended and still have a row of their own; all of them are in the gallery."""


class Panel:
    """What `rv.panel()` gives: it shows itself in a notebook. Runs belong to the session and outlive it.

    Its state is kept in the store under `name`, and is there again in another kernel. Messages of widgets may
    come on any thread: what they start happens on the session's loop, and what is slow in worker threads.
    """

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.name = name
        self._closed = False
        self._shell = _notebook_shell()
        self._kept: FormState | None = None
        self._keeping = threading.RLock()
        self.rows: list[RunRow] = []
        self._background = Background(session.work_loop, self._say)
        self._planner = Planner(session.work_loop, self._plan, self._show_planned)
        # What was planned last, and what is on offer.
        self._planned: Asked | None = None
        self._offered: Asked | None = None
        self.form = Form(session, self._edited, self._arriving)
        self._watch = make(AnswerWatch, session.work_loop, form=self.form.widget.model_id)
        self._balance = Balance(session)
        self._offer = Offer(self._balance)
        self.generate = self._offer.button
        self._generating = Generating(
            session,
            self._offer,
            self._background,
            read=self._asked,
            price=self._price,
            started=self._started,
            refused=self._refused,
        )
        self._runs = make(ipywidgets.VBox)
        ways = Ways(self.form.recall, self.form.references.add, self._open, self._leave)
        self.gallery = Gallery(session, ways)
        self._opened: tuple[str, Any] | None = None
        self._tabs = make(ipywidgets.Tab, [self.gallery.widget], titles=[GALLERY])
        self.widget = self._composed()
        self._kept = FormState.from_json(session.store.panel_states.get(name) or {})
        self.form.put(self._kept)
        for run in reversed(unfinished_runs(session)):
            self._add(run)
        self._balance.open(self._weigh)
        session.store.deletions.subscribe(self._deleted)
        if self._shell is not None:
            self._shell.events.register("post_run_cell", self._catch_up)

    def _composed(self) -> Any:
        left = make(ipywidgets.VBox, [self.form.widget, self._offer.widget], classes="rivya-left")
        right = make(ipywidgets.VBox, [self._runs, self._tabs], classes="rivya-right")
        both = make(ipywidgets.Box, [left, right], classes="rivya-both")
        # Its layout is its own: whoever shows the panel may want it smaller.
        panel = ipywidgets.VBox([self._watch, both])
        panel.add_class("rivya-panel")
        return panel

    @property
    def runs(self) -> list[Run]:
        """The runs that the panel shows, newest first."""
        return [row.run for row in self.rows]

    @property
    def summary(self) -> str:
        """What Generate would do, and what it would cost, as HTML."""
        return self._offer.summary

    @property
    def reason(self) -> str:
        """Why Generate cannot be pressed, as HTML; empty where it can."""
        return self._offer.reason

    @property
    def notice(self) -> str:
        """What became of a click that sent nothing, as HTML; empty where there is nothing to say."""
        return self._offer.notice

    def close(self) -> None:
        """Take the panel away; runs go on, and its state stays in the store."""
        self._end()
        give_up(self.widget)

    def give_way(self) -> None:
        """Close, since another panel has its name now; where this one is shown, that is said."""
        if not self._closed:
            inside = self.widget.children
            call = "rv.panel()" if self.name == DEFAULT_NAME else f"rv.panel({self.name!r})"
            self.widget.children = [ipywidgets.HTML(markup.quiet_html(GAVE_WAY.format(call)))]
            self._end()
            for each in inside:
                give_up(each)

    def _end(self) -> None:
        if self._closed:
            return
        with self._keeping:
            # A store that is gone, or may only be read, keeps no panel from being closed.
            with suppress(StoreError):
                self._keep(self.form.state)
            self._closed = True
        if self._shell is not None:
            self._shell.events.unregister("post_run_cell", self._catch_up)
        self._planner.close()
        self._balance.close()
        self._background.close()
        for row in self.rows:
            row.close()
        self.gallery.close()
        self.form.close()

    # Planning: called by the planner, `_plan` in a worker thread and `_show` on the session's loop

    def _plan(self) -> Plan:
        self._planned = asked = self._asked()
        self._keep(asked.state)
        return asked.plan(self.session)

    def _show_planned(self, outcome: Plan | RivyaError) -> None:
        # The planner plans nothing else before this was shown.
        self._offered = self._planned
        self._show(outcome)

    def _price(self, asked: Asked) -> int | None:
        """The credits that are on offer for just this; None where something else is, or nothing."""
        return self._offer.price if asked == self._offered else None

    def _asked(self) -> Asked:
        """What stands in the form now; this is read on any thread."""
        variables = {} if self._shell is None else dict(self._shell.user_ns)
        return Asked(self.form.state, self.form.mistakes, variables, self.form.references.arriving)

    def _keep(self, state: FormState) -> None:
        """Keep the state for whoever opens the panel again.

        Another panel may have the same name by now, in the cell that was run again: its state is only replaced
        by what is written here, and nothing is after the last state, with which this panel closes.
        """
        with self._keeping:
            if not self._closed and state != self._kept:
                self._kept = state
                self.session.store.panel_states.put(self.name, state.as_json())

    def _show(self, outcome: Plan | RivyaError) -> None:
        if not isinstance(outcome, RivyaError):
            self.form.show((), outcome)
        elif isinstance(outcome, (InvalidRequestError, UsageError)):
            self.form.show(outcome.mistakes, None)
        elif isinstance(outcome, RefusedError):
            self.form.show((), outcome.plan)
        else:
            # Nothing in the form is wrong; beside Generate it says what is.
            self.form.show((), None)
        self._offer.show(outcome, self.form.references.names)

    # Generating

    def _edited(self) -> None:
        """Something in the form was changed; this comes on any thread."""
        self._offer.note("")
        self._planner.request()

    def _arriving(self) -> None:
        if not self._closed:
            self._offer.wait_for(self.form.references.arriving)

    def _deleted(self) -> None:
        """What the history had and has no more costs again; this comes on any thread."""
        if not self._closed:
            self._planner.request()

    def _started(self, run: Run) -> None:
        self.form.used(run.drawn_seeds)
        self._add(run)
        self._planner.request()

    def _refused(self, asked: Asked, why: RivyaError) -> None:
        """Say why what was clicked was not sent, where the form is another by now without touching it."""
        if isinstance(why, ArrivingError):
            self._offer.note(str(why))
        elif asked != self._asked():
            self._offer.note(f"What was clicked before the form changed was not sent: {why}")
        elif isinstance(why, DearerError):
            text = str(why)
            self._offer.note(f"{text[0].upper()}{text[1:]}: press Generate again")
            self._offered = asked
            self._show(why.plan)
        else:
            self._show(why)

    def _add(self, run: Run) -> None:
        """A row and a tab for a run, the newest first."""
        row = RunRow(
            self.session,
            run,
            follows=self._balance.look,
            ended=self._ended,
            lacks=self._balance.surely_lacks,
        )
        ended = [each for each in self.rows if not each.run.is_working]
        for old in ended[MOST_ENDED - 1 :]:
            self.rows.remove(old)
            old.close()
        self.rows.insert(0, row)
        self._runs.children = [each.widget for each in self.rows]
        self._show_tabs(row.pictures)

    def _open(self, title: str, widget: Any) -> None:
        """A tab for something to look at, in the place of the last such."""
        if self._opened is not None:
            give_up(self._opened[1])
        self._opened = (title, widget)
        self._show_tabs(widget)

    def _leave(self) -> None:
        """Take that away, and show the gallery."""
        if self._opened is not None:
            give_up(self._opened[1])
            self._opened = None
            self._show_tabs(self.gallery.widget)

    def _show_tabs(self, chosen: Any) -> None:
        tabs = [(GALLERY, self.gallery.widget), *((f"Run {row.run.id}", row.pictures) for row in self.rows)]
        if self._opened is not None:
            tabs.insert(1, self._opened)
        self._tabs.children = [widget for _, widget in tabs]
        self._tabs.titles = [title for title, _ in tabs]
        self._tabs.selected_index = self._tabs.children.index(chosen)

    def _ended(self, _: RunRow) -> None:
        if not self._closed:
            self.gallery.refresh()
            self._planner.request()
            self._balance.look()

    def _catch_up(self, *_: object) -> None:
        """A cell has run: the prompt's variables may be others, and it may have spent credits on new pictures."""
        if not self._closed:
            self._planner.request()
            self.gallery.check()
            self._balance.look()

    def _say(self, text: str) -> None:
        """Say why Generate did nothing."""
        self._show(RivyaError(text))

    def _weigh(self) -> None:
        """The balance is known anew, or runs will take more of it, or less."""
        if not self._closed:
            self.form.show_balance(self._balance.credits)
            self._offer.weigh()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        # Where no widget can be shown, its text is; ipywidgets would take its time to write every child there.
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"application/vnd.jupyter.widget-view+json": view, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Panel {self.name!r} with {self.session.service.name}>"


def _notebook_shell() -> Any:
    """The shell whose variables go into a prompt; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
