"""A canary with its occasions, and the list of all canaries; both show themselves as static HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count, printable
from rivya_nb.session.grid import Grid
from rivya_nb.session.placing import place
from rivya_nb.session.showing.tables import table
from rivya_nb.store.marks import excluded
from rivya_nb.store.records import AxisRecord, CellRecord, RunRecord
from rivya_nb.study.canary import Asked, asked, examine, read_finding
from rivya_nb.study.drift import KINDS, enough_replicates
from rivya_nb.study.drift_view import LIST_HEADINGS, DriftView, drift_html, drift_text, moments_words
from rivya_nb.typed import typed
from rivya_nb.views.models import text_table
from rivya_nb.views.words import moment_words

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.run import Run
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.canaries import CanaryRecord
    from rivya_nb.study.canary import Finding

CELL_AXIS, ASKED_AXIS, REPLICATE_AXIS = "cell", "asked", "replicate"


class Drift:
    """A canary: whether the service differs now from when its requests were pinned.

    `runs` are those that bring the pictures of its newest occasion.
    """

    def __init__(self, live_records: LiveRecords, name: str, runs: Sequence[Run] = ()) -> None:
        self._live_records = live_records
        self._store = live_records.store
        self.name = name
        self.runs = list(runs)
        self._view: DriftView | None = None

    def wait(self) -> Drift:
        """Wait for its pictures, compare them, and give the drift itself. In a notebook the progress shows here.

        Raises:
            RunFailedError: no picture came.
            WaitInterruptedError: the kernel was interrupted; asking again goes on with this occasion.
        """
        for run in self.runs:
            run.wait()
        self._looked_at()
        return self

    @property
    def differs(self) -> bool | None:
        """Whether the service differs from then by more than its noise floor; None if that cannot be said."""
        findings = self._looked_at().findings
        return findings[-1].differs if findings else None

    @property
    def sentence(self) -> str:
        """What the newest occasion says, in words."""
        return self._looked_at().sentence

    @property
    def findings(self) -> Sequence[Finding]:
        """What each occasion says, the oldest first."""
        return self._looked_at().findings

    def grid(self) -> Grid:
        """The pictures side by side: rows are cells, columns are occasions, pages are replicates."""
        return self._grid(asked(self._store, self._canary))

    def to_pandas(self) -> DataFrame:
        """One row for each occasion and kind of distance: the floor, the distance to then, its excess, and p.

        Raises:
            UsageError: pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        for finding in self.findings:
            for kind in KINDS:
                row = {"canary": self.name, "asked": moment_words(finding.at), "kind": kind}
                shift = {} if finding.comparison is None else asdict(finding.comparison.shifts[kind])
                rows.append({**row, "floor": finding.floor.get(kind), **shift, "differs": finding.differs})
        return table(rows)

    @property
    def _canary(self) -> CanaryRecord:
        canary = self._store.canaries.get(self.name)
        assert canary is not None  # noqa: S101 - no canary is ever deleted
        return canary

    def _looked_at(self) -> DriftView:
        """What all occasions say; it is kept once no more pictures come."""
        if self._view is not None:
            return self._view
        is_whole = not self._is_working
        view = self._live_records.work_loop.aside(self._examined)
        self._view = view if is_whole else None
        return view

    @property
    def _is_working(self) -> bool:
        return any(run.is_working for run in self.runs)

    def _examined(self) -> DriftView:
        canary = self._canary
        findings = [found for each in canary.occasions if (found := read_finding(each.finding))]
        occasions = asked(self._store, canary)
        apart = excluded(self._store, [job.id for each in occasions for job in each.jobs])
        newest = examine(self._store, canary, occasions, apart)
        if newest is not None:
            findings = [*(each for each in findings if each.at < newest.at), newest]
            if not self._is_working and not self._store.is_read_only:
                self._store.canaries.found(canary, newest.at, newest.to_json())
        cells = len(canary.cells)
        return DriftView(canary.name, cells, canary.replicates, enough_replicates(cells), findings)

    def _grid(self, occasions: Sequence[Asked]) -> Grid:
        canary = self._canary
        pinned = [self._live_records.job(record) for record in self._store.jobs(canary.cells).values()]
        called = self._store.runs.reference_labels(canary.cells)
        labels = place(pinned, [], self._store.models.catalogue, references=called).axes[0].labels
        axes = [
            AxisRecord(CELL_AXIS, labels),
            AxisRecord(ASKED_AXIS, tuple(moments_words([each.at for each in occasions]))),
            AxisRecord(REPLICATE_AXIS, tuple(str(number + 1) for number in range(canary.replicates))),
        ]
        cells = [
            CellRecord(job.id, (number // canary.replicates, column, number % canary.replicates))
            for column, each in enumerate(occasions)
            for number, job in enumerate(each.jobs)
        ]
        jobs = {job.id: self._live_records.job(job) for each in occasions for job in each.jobs}
        record = RunRecord(0, f"canary {self.name}", "", canary.created_at, tuple(axes), tuple(cells))
        return Grid(record, jobs, self._live_records, rows=CELL_AXIS, cols=ASKED_AXIS)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        view = self._looked_at()
        occasions = asked(self._store, self._canary)
        # What the sentence compares; grid() shows the others too.
        shown = occasions if len(occasions) < 2 else [occasions[0], occasions[-1]]
        pictures = self._grid(shown)._repr_mimebundle_()["text/html"] if shown else ""
        return {"text/html": f"{drift_html(view)}{pictures}", "text/plain": drift_text(view)}

    def __repr__(self) -> str:
        return drift_text(self._looked_at())


class Canaries:
    """All canaries of a store, with what each says; a notebook shows them as a table."""

    def __init__(self, live_records: LiveRecords) -> None:
        self._live_records = live_records
        self._canaries = live_records.store.canaries.all()

    def __len__(self) -> int:
        return len(self._canaries)

    def __iter__(self) -> Iterator[Drift]:
        return (Drift(self._live_records, canary.name) for canary in self._canaries)

    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(canary) for canary in self._canaries]

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_html import environment

        template = environment().get_template("models.html")
        html = template.render(headings=LIST_HEADINGS, rows=self._rows(), foot=_list_foot())
        return {"text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        rows = self._rows()
        return "\n".join([*(text_table(LIST_HEADINGS, rows) if rows else ["no canary yet"]), _list_foot()])


def _list_foot() -> str:
    again = typed("drift NAME", 'rv.drift("name")')
    return f'rv.drift("name", run, max_credits=…) pins the requests of a run; {again} asks them anew'


def _row(canary: CanaryRecord) -> tuple[str, ...]:
    findings = [found for each in canary.occasions if (found := read_finding(each.finding))]
    cells = len(canary.cells)
    view = DriftView(canary.name, cells, canary.replicates, enough_replicates(cells), findings)
    return (
        printable(canary.name, 40),
        str(canary.run_id),
        f"{cells:,} × {canary.replicates}",
        count(len(canary.occasions), "time"),
        moment_words(canary.occasions[-1].at),
        view.sentence.partition(": ")[2],
    )
