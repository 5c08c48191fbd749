"""A plan as a user holds it: what would be asked and what it would cost, with nothing sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rivya_nb.contract.request import Request
from rivya_nb.jobs.plan import Expansion
from rivya_nb.results.looks import Bundle
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, RunRecord, planned_job
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.run_view import Hint, RunView

if TYPE_CHECKING:
    from rivya_nb.results.run import Run


MOST_SHOWN = 200
"""Requests of a plan that is shown as a grid; a larger one is told in words."""


@dataclass(frozen=True)
class Draft:
    """A run before it exists: its axes, a cell for each request, and the jobs, new or from the history.

    `new` are the jobs that do not exist yet; `idle` those that an earlier run planned and that were never
    sent; `reused` those that cost nothing more. All in grid order.
    """

    axes: tuple[AxisRecord, ...]
    cells: tuple[CellRecord, ...]
    new: tuple[JobRecord, ...]
    idle: tuple[JobRecord, ...]
    reused: tuple[JobRecord, ...]

    @property
    def costing(self) -> tuple[JobRecord, ...]:
        """The jobs that are still to be submitted."""
        return self.new + self.idle

    @property
    def price(self) -> int:
        """Credits that the jobs to be submitted cost by their documented prices."""
        return sum(job.price or 0 for job in self.costing)

    @property
    def unpriced(self) -> int:
        """How many of them have no documented price."""
        return sum(job.price is None for job in self.costing)


def draft(
    expansion: Expansion,
    service: str,
    find: Callable[[Sequence[str]], dict[str, JobRecord]],
    is_idle: Callable[[JobRecord], bool],
) -> Draft:
    """Give each request a job: twins share one, and an identical job that `find` knows is taken as it is."""
    known = find(list({item.request.identity for item in expansion.requests if item.reusable}))
    now = time.time()
    new: dict[tuple[str, int], JobRecord] = {}
    earlier: dict[str, JobRecord] = {}
    idle: dict[str, JobRecord] = {}
    cells = []
    for item in expansion.requests:
        job = known.get(item.request.identity) if item.reusable else None
        if job is None:
            job = new.setdefault(item.key, planned_job(item.request, service, now))
        elif job.id not in earlier and job.id not in idle:
            (idle if is_idle(job) else earlier)[job.id] = job
        cells.append(CellRecord(job.id, item.coordinates, reused=job.id in earlier))
    axes = tuple(AxisRecord(axis.name, axis.labels) for axis in expansion.axes)
    return Draft(axes, tuple(cells), tuple(new.values()), tuple(idle.values()), tuple(earlier.values()))


class Plan:
    """Requests with their place in the grid and their price. Nothing is sent until `run()`."""

    def __init__(
        self,
        expansion: Expansion,
        current: Draft,
        *,
        name: str | None,
        max_credits: int | None,
        fresh: bool,
        notes: Sequence[str] = (),
        start: Callable[[Plan], Run],
    ) -> None:
        self.expansion = expansion
        self.draft = current
        self.name = name
        self.max_credits = max_credits
        self.fresh = fresh
        self.notes = tuple(notes)
        self._start = start
        self._rows: str | None = None
        self._cols: str | None = None

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests in grid order, twins included."""
        return tuple(item.request for item in self.expansion.requests)

    @property
    def credits(self) -> int:
        """What running it would cost now, in credits; what the history already has costs nothing."""
        return self.draft.price

    def arranged(self, rows: str | None, cols: str | None) -> Plan:
        """The plan, shown with these axes as rows and columns. UsageError where it has no such axis."""
        self._rows, self._cols = rows, cols
        self._layout()
        return self

    def run(self) -> Run:
        """Send exactly these requests.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        run = self._start(self)
        # Drawn seeds are known by now: running the plan again asks for the same pictures, and buys none.
        self.expansion = self.expansion.written_down()
        return run

    def __len__(self) -> int:
        return len(self.expansion.requests)

    @property
    def summary(self) -> str:
        """Count and price, in words."""
        parts = [f"{len(self)} {'picture' if len(self) == 1 else 'pictures'}", f"{self.credits} credits"]
        if self.draft.idle:
            parts.append(f"{len(self.draft.idle)} that an earlier run planned and never sent")
        if self.draft.reused:
            parts.append(f"{len(self.draft.reused)} from the history at no cost")
        if self.draft.unpriced:
            parts.append(f"{self.draft.unpriced} without a documented price")
        return " · ".join(parts)

    @property
    def _jobs(self) -> dict[str, JobRecord]:
        return {job.id: job for job in (*self.draft.costing, *self.draft.reused)}

    @property
    def _record(self) -> RunRecord:
        return RunRecord(0, self.name, "", time.time(), self.draft.axes, self.draft.cells)

    def _layout(self) -> Layout:
        return arrange(self._record, self._jobs, rows=self._rows, cols=self._cols)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import render_run
        from rivya_nb.views.run_text import render_text

        view = RunView(
            run=self._record,
            jobs=self._jobs,
            layout=self._layout(),
            now=time.time(),
            live=False,
            progress=f"{self.summary} · nothing is sent yet",
            hints=(
                *(Hint(f"seed={seed}", "keeps this one") for seed in self.expansion.drawn_seeds[:1]),
                *(Hint("", note) for note in self.notes),
            ),
        )
        text = render_text(view)
        if len(self) > MOST_SHOWN:
            return {"text/plain": text}
        return {"text/html": render_run(view), "text/plain": text}

    def __repr__(self) -> str:
        return f"<Plan: {self.summary}>"
