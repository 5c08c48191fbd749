"""The plan that a user works with: the requests and their price. Nothing is sent before `run()`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import count, printable
from rivya_nb.planning.expansion import Expansion
from rivya_nb.session.ceiling import checked_ceiling
from rivya_nb.session.draft import Draft, draft, draft_addition
from rivya_nb.session.showing.looks import Bundle, thumbnails
from rivya_nb.store.records import UNFINISHED, AxisRecord, CellRecord, JobRecord, RunRecord
from rivya_nb.views.headline import headline_of, subject_of
from rivya_nb.views.layout import MOST_CELLS, Layout, arrange, evenly, place_label
from rivya_nb.views.overview import Overview, overview_html, overview_text
from rivya_nb.views.run_text import render_text
from rivya_nb.views.run_view import Hint, RunView

if TYPE_CHECKING:
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session


_SAMPLE = 6
"""Requests of a large plan that are named."""

_MOST_NOTES = 8
_MOST_VALUES = 5
_VALUE_LENGTH = 60
"""Notes and values of an axis that are told there, and characters of each value."""


class Plan:
    """Requests with their place in the grid and their price. Nothing is sent until `run()`.

    `max_credits` limits what it may cost, and `max_parallel` how many of its jobs are worked on at a time; None
    sets no limit. `kept` are the cells of earlier pictures that the requests are added to, and `run_id` the run
    that the requests go into; without it, the plan makes a new run. `fills` is the grid that shows the new
    pictures too.
    """

    def __init__(
        self,
        session: Session,
        expansion: Expansion,
        *,
        name: str | None,
        max_credits: int | None,
        max_parallel: int | None = None,
        fresh: bool = False,
        notes: Sequence[str] = (),
        kept: Sequence[CellRecord] = (),
        run_id: int | None = None,
    ) -> None:
        self._session = session
        self._kept = tuple(kept)
        self._run_id = run_id
        self.expansion = expansion
        self.name = name
        self.max_credits = max_credits
        self.max_parallel = checked_ceiling(max_parallel)
        self.fresh = fresh
        self.notes = tuple(notes)
        self.draft = self.drafted()
        self.fills: Grid | None = None
        self._rows: str | None = None
        self._cols: str | None = None

    def drafted(self) -> Draft:
        """A job for each request, as the store is now."""
        session, service = self._session, self._session.service
        expansion = self.expansion.asked_anew() if self.fresh else self.expansion
        if self._kept or self._run_id is not None:
            return draft_addition(session.live_records, service, expansion, self._kept, self._run_id)
        return draft(session.live_records, service, expansion)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests in grid order; equal ones are repeated."""
        return tuple(item.request for item in self.expansion.requests)

    @property
    def credits(self) -> int:
        """What `run()` would cost now, in credits; what the history has costs nothing."""
        return self.draft.price

    def arranged(self, rows: str | None, cols: str | None) -> Plan:
        """The plan itself, shown with these axes as rows and columns. UsageError if it has no such axis."""
        self._rows, self._cols = rows, cols
        self._layout()
        return self

    def check(self) -> None:
        """Raise what `run()` would raise; nothing is sent."""
        self._session.spending.check(self)

    def run(self) -> Run:
        """Send exactly these requests.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        return self._arranged(self._session.start(self))

    def defer(self) -> Run:
        """Keep exactly these requests in the store, for `rivya-nb work` to send them; nothing is sent now.

        Raises:
            CreditLimitError, NotConnectedError: like `run()`.
        """
        return self._arranged(self._session.defer(self))

    def _arranged(self, run: Run) -> Run:
        if self._rows or self._cols:
            run.arrange(rows=self._rows, cols=self._cols)
        if self.fills is not None:
            self.fills.join(run, {item.coordinates for item in self.expansion.requests})
        return run

    def __len__(self) -> int:
        return len(self.expansion.requests)

    @property
    def summary(self) -> str:
        """The number of pictures and their price, as text."""
        parts = [count(len(self), "picture"), count(self.credits, "credit")]
        if self.draft.idle:
            parts.append(f"{len(self.draft.idle):,} that an earlier run planned and never sent")
        doubtful = sum(job.status == "unknown" for job in self.draft.reused)
        going = sum(job.status in UNFINISHED for job in self.draft.reused)
        if known := len(self.draft.reused) - doubtful - going:
            parts.append(f"{known:,} from the history at no cost")
        if going:
            parts.append(f"{going:,} already asked for, at no more cost")
        if doubtful:
            parts.append(f"{doubtful:,} that may be paid for already, collected at no more cost")
        if there := sum(job.is_there for job in self.draft.kept_jobs):
            parts.append(f"beside {there:,} that {'is' if there == 1 else 'are'} there already")
        if self.draft.unpriced:
            parts.append(f"{self.draft.unpriced:,} without a documented price")
        return " · ".join(parts)

    @property
    def _jobs(self) -> dict[str, JobRecord]:
        return {job.id: job for job in (*self.draft.costing, *self.draft.reused, *self.draft.kept_jobs)}

    @property
    def _record(self) -> RunRecord:
        cells = (*self.draft.kept, *self.draft.cells)
        ask = self.expansion.ask.to_json()
        record = RunRecord(0, self.name, "", time.time(), self.draft.axes, cells, ask)
        return replace(record, cells=record.current(self._jobs))

    @property
    def _seeds_to_keep(self) -> tuple[ParamValue, ...]:
        """The drawn seeds of a plan that adds to nothing, where every request takes one."""
        seeded = not self._kept and all(request.seed is not None for request in self.requests)
        return self.expansion.ask.drawn if seeded else ()

    def _layout(self) -> Layout:
        return arrange(self._record, self._jobs, rows=self._rows, cols=self._cols)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import render_run

        hints = (
            *(Hint(f"seed={seed}", "keeps this one") for seed in self._seeds_to_keep[:1]),
            *(Hint("", note) for note in self.notes),
        )
        if len(self.draft.kept) + len(self.draft.cells) > MOST_CELLS:
            whole = self._overview(hints)
            return {"text/html": overview_html(whole), "text/plain": overview_text(whole)}
        layout = self._layout()
        view = RunView(
            run=self._record,
            jobs=self._jobs,
            layout=layout,
            thumbnails=thumbnails(layout, self._session.store.files) if self.draft.kept else {},
            now=time.time(),
            live=False,
            progress=self._progress,
            hints=hints,
        )
        return {"text/html": render_run(view), "text/plain": render_text(view)}

    @property
    def _progress(self) -> str:
        return f"{self.summary} · nothing is sent yet"

    def _overview(self, hints: Sequence[Hint]) -> Overview:
        """What a plan of many requests shows of itself: its axes, and a sample of the requests."""
        record = self._record
        cells = self.draft.cells or self.draft.kept
        some = [cells[place] for place in evenly(len(cells), _SAMPLE)]
        sample = [place_label(record.axes, cell.coordinates).text for cell in some]
        return Overview(
            headline=headline_of(record, subject_of(record, self._jobs), None),
            progress=self._progress,
            notes=[*map(_axis_words, record.axes), f"for example {'; '.join(sample)}"],
            hints=hints[:_MOST_NOTES],
        )

    def __repr__(self) -> str:
        return f"<Plan: {self.summary}>"


def _axis_words(axis: AxisRecord) -> str:
    """`seed: 1, 2, 3, 4 … 100 (100)`."""
    values = [printable(label, _VALUE_LENGTH) for label in (*axis.labels[:_MOST_VALUES], axis.labels[-1])]
    if len(axis.labels) <= _MOST_VALUES:
        return f"{axis.name}: {', '.join(values[:-1])}"
    return f"{axis.name}: {', '.join(values[:-2])} … {values[-1]} ({len(axis.labels):,})"
