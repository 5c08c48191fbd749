"""Runs as one HTML document of its own, to be sent to somebody: no scripts, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.views.cells import PageView, draw
from rivya_nb.views.geometry import GAP, measure
from rivya_nb.views.headline import Headline, headline
from rivya_nb.views.layout import Layout
from rivya_nb.views.repeat import cell_text, requests_json
from rivya_nb.views.run_html import environment, left_out
from rivya_nb.views.run_view import RunView, progress_line
from rivya_nb.views.thumbnails import Thumbnail, collect
from rivya_nb.views.words import count, reason, shorten

SCALE = 1.4
"""A report's pictures against those of a cell's output: a row of 210 CSS pixels, from 420 real ones."""

BUDGET = 12_000_000
LARGEST = 120_000
"""Bytes of base64 for all pictures of one run in a report, and for one."""


@dataclass(frozen=True)
class _Line:
    """One job in a run's table."""

    label: str
    seed: str
    state: str
    credits: str
    task: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class _Section:
    """One run of a report."""

    headline: Headline
    when: str
    progress: str
    layout: Layout
    pages: tuple[PageView, ...]
    left_out: str
    lines: tuple[_Line, ...]
    cell: str | None
    requests: str


def report_thumbnails(
    layout: Layout, path_of: Callable[[PictureRecord], Path]
) -> dict[str, Thumbnail | None]:
    """Pictures in a report's size, for the `thumbnails` of its views; run it off the event loop."""
    return collect(layout, path_of, scale=SCALE, budget=BUDGET, largest=LARGEST)


def render_report(views: Sequence[RunView], *, title: str = "Rivya runs") -> str:
    """The document: each run with its grid, its seeds, params and prices, and what asks for it again."""
    template = environment().get_template("report.html")
    return template.render(title=title, sections=[_section(view) for view in views], gap=GAP)


def _section(view: RunView) -> _Section:
    return _Section(
        headline=headline(view),
        when=datetime.fromtimestamp(view.run.created_at, timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        progress=progress_line(view),
        layout=view.layout,
        pages=draw(view.layout, measure(view.layout, scale=SCALE), view.thumbnails, view.now),
        left_out=left_out(view),
        lines=tuple(
            _line(cell.label.full, job) for cell in view.layout.cells if cell.number <= 1 for job in cell.jobs
        ),
        cell=cell_text(view.run, view.jobs),
        requests=requests_json(view.run, view.jobs),
    )


def _line(label: str, job: JobRecord) -> _Line:
    why = reason(job)
    return _Line(
        label=shorten(label, 120),
        seed="" if job.seed is None else str(job.seed),
        state=shorten(f"{job.status} ({why})" if why else job.status, 200),
        credits=count(job.credits, "credit"),
        task=job.task_id or "",
        files=tuple(picture.sha256[:12] for picture in job.pictures),
    )
