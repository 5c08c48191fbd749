"""A plan as a user holds it: what would be asked and what it would cost, with nothing sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import count
from rivya_nb.planning.expansion import Expansion
from rivya_nb.session.showing.looks import Bundle, thumbnails
from rivya_nb.store.records import UNFINISHED, AxisRecord, CellRecord, JobRecord, RunRecord, planned_job
from rivya_nb.views.layout import Layout, arrange
from rivya_nb.views.run_view import Hint, RunView

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.store.files import ContentFiles


MOST_SHOWN = 200
"""Requests of a plan that is shown as a grid; a larger one is told in words."""


@dataclass(frozen=True)
class Draft:
    """A run before it exists: its axes, a cell for each request, and the jobs, new or from the history.

    `new` are the jobs that do not exist yet; `idle` those that an earlier run planned and that were never
    sent; `reused` those that cost nothing more. All in grid order. `unanswered` are the identities of the new
    jobs that another job could stand for, were there one. Where something is added to what is there,
    `kept` are the cells that stand beside the new ones, `kept_jobs` their jobs as far as they are not idle, and
    `run` is the run that all of it goes into, if that is no new one.
    """

    axes: tuple[AxisRecord, ...]
    cells: tuple[CellRecord, ...]
    new: tuple[JobRecord, ...]
    idle: tuple[JobRecord, ...]
    reused: tuple[JobRecord, ...]
    unanswered: frozenset[str] = frozenset()
    kept: tuple[CellRecord, ...] = ()
    kept_jobs: tuple[JobRecord, ...] = ()
    run: RunRecord | None = None

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
    find_idle: Callable[[Sequence[JobRecord]], set[str]],
) -> Draft:
    """Give each request a job: twins share one, and an identical job that `find` knows is taken as it is."""
    reusable = {item.request.identity for item in expansion.requests if item.reusable}
    known = find(list(reusable))
    idle_ids = find_idle(list(known.values()))
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
            (idle if job.id in idle_ids else earlier)[job.id] = job
        cells.append(CellRecord(job.id, item.coordinates, reused=job.id in earlier))
    axes = tuple(AxisRecord(axis.name, axis.labels) for axis in expansion.axes)
    return Draft(
        axes,
        tuple(cells),
        tuple(new.values()),
        tuple(idle.values()),
        tuple(earlier.values()),
        frozenset(reusable - known.keys()),
    )


def draft_addition(
    added: Draft,
    kept: Sequence[CellRecord],
    jobs: Mapping[str, JobRecord],
    run: RunRecord | None,
    find_idle: Callable[[Sequence[JobRecord]], set[str]],
) -> Draft:
    """The draft of what is new, beside the cells of what is there already."""
    standing = [jobs[job_id] for job_id in dict.fromkeys(cell.job_id for cell in kept)]
    known = {job.id for job in added.idle}
    idle_ids = find_idle(standing)
    idle = {job.id: job for job in standing if job.id not in known and job.id in idle_ids}
    rest = tuple(job for job in standing if job.id not in idle and job.id not in known)
    return replace(added, idle=(*idle.values(), *added.idle), kept=tuple(kept), kept_jobs=rest, run=run)


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
        files: ContentFiles,
        start: Callable[[Plan], Run],
        check: Callable[[Plan], None],
    ) -> None:
        self.expansion = expansion
        self.draft = current
        self.name = name
        self.max_credits = max_credits
        self.fresh = fresh
        self.notes = tuple(notes)
        self._files = files
        self._start = start
        self._started: list[Callable[[Run], None]] = []
        self._check = check
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

    def when_started(self, tell: Callable[[Run], None]) -> None:
        """Have somebody told of the run, as soon as there is one."""
        self._started.append(tell)

    def check(self) -> None:
        """Raise what `run()` would raise; nothing is sent."""
        self._check(self)

    def run(self) -> Run:
        """Send exactly these requests.

        Raises:
            CreditLimitError: it costs more than is allowed.
            NotConnectedError: there is no key for the service.
        """
        run = self._start(self)
        if self._rows or self._cols:
            run.arrange(rows=self._rows, cols=self._cols)
        for tell in self._started:
            tell(run)
        return run

    def __len__(self) -> int:
        return len(self.expansion.requests)

    @property
    def summary(self) -> str:
        """Count and price, in words."""
        parts = [count(len(self), "picture"), count(self.credits, "credit")]
        if self.draft.idle:
            parts.append(f"{len(self.draft.idle)} that an earlier run planned and never sent")
        doubtful = sum(job.status == "unknown" for job in self.draft.reused)
        going = sum(job.status in UNFINISHED for job in self.draft.reused)
        if known := len(self.draft.reused) - doubtful - going:
            parts.append(f"{known} from the history at no cost")
        if going:
            parts.append(f"{going} already asked for, at no more cost")
        if doubtful:
            parts.append(f"{doubtful} that may be paid for already, collected at no more cost")
        if there := sum(job.is_there for job in self.draft.kept_jobs):
            parts.append(f"beside {there} that {'is' if there == 1 else 'are'} there already")
        if self.draft.unpriced:
            parts.append(f"{self.draft.unpriced} without a documented price")
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
        """The drawn seeds, where every request takes one."""
        seeded = all(request.seed is not None for request in self.requests)
        return self.expansion.ask.drawn if seeded else ()

    def _layout(self) -> Layout:
        return arrange(self._record, self._jobs, rows=self._rows, cols=self._cols)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import render_run
        from rivya_nb.views.run_text import render_text

        layout = self._layout()
        shows_all = len(layout.cells) <= MOST_SHOWN
        view = RunView(
            run=self._record,
            jobs=self._jobs,
            layout=layout,
            thumbnails=thumbnails(layout, self._files) if self.draft.kept and shows_all else {},
            now=time.time(),
            live=False,
            progress=f"{self.summary} · nothing is sent yet",
            hints=(
                *(Hint(f"seed={seed}", "keeps this one") for seed in self._seeds_to_keep[:1]),
                *(Hint("", note) for note in self.notes),
            ),
        )
        text = render_text(view)
        if not shows_all:
            return {"text/plain": text}
        return {"text/html": render_run(view), "text/plain": text}

    def __repr__(self) -> str:
        return f"<Plan: {self.summary}>"
