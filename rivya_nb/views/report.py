"""A report of runs as one HTML document that can be sent to others: it has no scripts and loads no other
files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from rivya_nb.contract.text import printable
from rivya_nb.store.records import JobRecord, Marks, PictureRecord
from rivya_nb.store.thumbnails import decode
from rivya_nb.views.cells import DrawnPage, draw
from rivya_nb.views.gallery import mark_words
from rivya_nb.views.geometry import GAP, Geometry, measure
from rivya_nb.views.headline import Headline, headline
from rivya_nb.views.layout import Layout
from rivya_nb.views.repeat import cell_text, requests_json
from rivya_nb.views.run_html import environment, left_out
from rivya_nb.views.run_view import RunView, progress_line
from rivya_nb.views.thumbnails import Load, Thumbnail, collect
from rivya_nb.views.words import cost, joined, reason, state

SCALE = 1.4
"""The scale of a report's pictures to those of a cell's output: a row of 210 CSS pixels, from 420 real ones."""

BUDGET = 12_000_000
LARGEST = 120_000
"""Bytes of base64 for all pictures of one run in a report, and for one picture."""

_PAPER_WIDTH = 670
"""CSS pixels between the margins of A4; a little more than those of a US letter."""
_LETTER_WIDTH = 8
"""CSS pixels of a letter of a label, at most, as a rule."""


@dataclass(frozen=True)
class _Line:
    """One job in a run's table."""

    label: str
    seed: str
    state: str
    credits: str
    task: str
    marks: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class _Section:
    """One run of a report."""

    headline: Headline
    when: str
    progress: str
    layout: Layout
    pages: tuple[DrawnPage, ...]
    left_out: str
    fit: float
    lines: tuple[_Line, ...]
    marked: bool
    cell: str | None
    requests: str


def report_thumbnails(
    layout: Layout, path_of: Callable[[PictureRecord], Path], *, load: Load = decode
) -> dict[str, Thumbnail | None]:
    """Pictures in a report's size, for the `thumbnails` of its views; call it off the event loop."""
    return collect(layout, path_of, load=load, scale=SCALE, budget=BUDGET, largest=LARGEST)


def render_report(
    views: Sequence[RunView], *, title: str = "Rivya runs", marks: Mapping[str, Marks] | None = None
) -> str:
    """The document: each run with its grid, its seeds, params and prices, and the cell or the requests to
    repeat it.

    `marks` are the user's marks by job id.
    """
    template = environment().get_template("report.html")
    sections = [_section(view, marks or {}) for view in views]
    return template.render(title=title, sections=sections, gap=GAP)


def _section(view: RunView, marks: Mapping[str, Marks]) -> _Section:
    lines = tuple(
        _line(cell.label.full, job, marks.get(job.id, _UNMARKED))
        for cell in view.layout.cells
        if cell.number <= 1
        for job in cell.jobs
    )
    geometry = measure(view.layout, scale=SCALE)
    return _Section(
        headline=headline(view),
        when=datetime.fromtimestamp(view.run.created_at, timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        progress=progress_line(view),
        layout=view.layout,
        pages=draw(view.layout, geometry, view.thumbnails, view.now),
        left_out=left_out(view),
        fit=_fit(view.layout, geometry),
        lines=lines,
        marked=any(line.marks for line in lines),
        cell=cell_text(view.run, view.jobs),
        requests=requests_json(view.run, view.jobs),
    )


def _fit(layout: Layout, geometry: Geometry) -> float:
    """The factor by which a grid must shrink to fit on paper; its labels keep their size."""
    labels = max((len(label.text) for label in layout.row_labels), default=0) * _LETTER_WIDTH
    room = max(_PAPER_WIDTH // 3, _PAPER_WIDTH - labels)
    return round(min(1.0, room / (sum(geometry.widths) + GAP * (len(geometry.widths) + 2))), 3)


def _line(label: str, job: JobRecord, marks: Marks) -> _Line:
    why = reason(job)
    return _Line(
        label=printable(label, 120),
        seed="" if job.seed is None else str(job.seed),
        state=printable(f"{state(job)} ({why})" if why else state(job), 200),
        credits=cost(job),
        task=job.task_id or "",
        marks=joined(mark_words(marks)),
        files=tuple(picture.sha256[:12] for picture in job.pictures),
    )


_UNMARKED = Marks()
