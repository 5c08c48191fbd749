"""A report of a run as one HTML document that can be sent to others: it loads no other files.

Its small script looks closely, compares and turns grids; without JavaScript everything can still be read. The
document allows this script by its hash and no other, so nothing that a prompt contains can run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from rivya_nb.contract.service import SANDBOX
from rivya_nb.contract.text import count, printable
from rivya_nb.store.records import JobRecord, Marks, PictureRecord
from rivya_nb.store.thumbnails import decode
from rivya_nb.views.cells import draw
from rivya_nb.views.gallery import mark_words
from rivya_nb.views.geometry import Geometry, measure
from rivya_nb.views.headline import headline
from rivya_nb.views.layout import Layout
from rivya_nb.views.repeat import cell_text, requests_json
from rivya_nb.views.run_html import environment, left_out
from rivya_nb.views.run_view import RunView, progress_line
from rivya_nb.views.thumbnails import Load, Thumbnail, collect
from rivya_nb.views.words import PLAY_CREDIT, joined, named_cost, noun_of, reason, state

SCALE = 1.4
"""The scale of a report's pictures to those of a cell's output: a row of 210 CSS pixels."""

_CLOSER = 2
"""How much larger pictures are kept than they are shown, for a closer look."""

BUDGET = 12_000_000
LARGEST = 160_000
"""Bytes of base64 for all pictures in a report, and for one picture."""

_TITLE_LENGTH = 160
_LEGIBLE = 88
_LABELS = 84
_MARGINS = 26
"""CSS pixels: the narrowest column of a grid, that of its labels, and the margins, on a phone."""


@dataclass(frozen=True)
class _Line:
    """One job in the table."""

    label: str
    seed: str
    state: str
    credits: str
    task: str
    marks: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    """The widths of a grid's columns in CSS pixels, their sum, and the screen below which it scrolls."""

    widths: tuple[int, ...]
    wide: int
    scrolls_below: int


def report_thumbnails(
    layout: Layout, path_of: Callable[[PictureRecord], Path], *, load: Load = decode
) -> dict[str, Thumbnail | None]:
    """Pictures in a report's size, for the `thumbnails` of its views; call it off the event loop."""
    return collect(layout, path_of, load=load, scale=SCALE * _CLOSER, budget=BUDGET, largest=LARGEST)


def render_report(
    view: RunView, *, title: str | None = None, marks: Mapping[str, Marks] | None = None
) -> str:
    """The document: the grid, seeds, params and prices, and the cell or the requests to repeat it.

    `title` is its heading, the prompt if it is None. `marks` are the user's marks by job id.
    """
    lead = headline(view)
    known = marks or {}
    lines = [
        _line(cell.label.full, job, known.get(job.id, _UNMARKED))
        for cell in view.layout.cells
        if cell.number <= 1
        for job in cell.jobs
    ]
    geometry = measure(view.layout, scale=SCALE)
    drawn_here, named = _drawn_here(view), noun_of(view.jobs.values())
    script = _text("report.js")
    return (
        environment()
        .get_template("report.html")
        .render(
            title=printable(lead.full_prompt if title is None else title, _TITLE_LENGTH),
            prompt=lead.full_prompt,
            titled=title is not None,
            facts=lead.facts,
            when=datetime.fromtimestamp(view.run.created_at, timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            progress=progress_line(view, credit=PLAY_CREDIT if drawn_here == len(view.jobs) else "credit"),
            sandbox=_sandbox_words(drawn_here, len(view.jobs), named),
            named=named,
            layout=view.layout,
            pages=draw(view.layout, geometry, view.thumbnails, view.now, price=named_cost),
            shape=_shape(view.layout, geometry),
            left_out=left_out(view),
            lines=lines,
            marked=any(line.marks for line in lines),
            cell=cell_text(view.run, view.jobs),
            requests=requests_json(view.run, view.jobs),
            style=_text("report.css"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


@cache
def _text(name: str) -> Markup:
    """A file of this package, as it is."""
    text = (resources.files("rivya_nb.views") / "templates" / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - no word of a user is in it


def _drawn_here(view: RunView) -> int:
    return sum(1 for job in view.jobs.values() if job.service == SANDBOX)


def _sandbox_words(drawn_here: int, total: int, named: str) -> str:
    if not drawn_here:
        return ""
    what = "drawn by rules, not made by the model, and paid with play credits."
    if drawn_here == total:
        return f"All {named}s are the sandbox's: {what}"
    return f"{count(drawn_here, 'request')} of {total} went to the sandbox: these {named}s are {what}"


def _shape(layout: Layout, geometry: Geometry) -> _Shape:
    labels = _LABELS if layout.row_labels else 0
    least = labels + _LEGIBLE * len(geometry.widths) + _MARGINS
    return _Shape(geometry.widths, sum(geometry.widths), 0 if layout.wraps else least)


def _line(label: str, job: JobRecord, marks: Marks) -> _Line:
    why = reason(job)
    return _Line(
        label=printable(label, 120),
        seed="" if job.seed is None else str(job.seed),
        state=printable(f"{state(job)} ({why})" if why else state(job), 200),
        credits=named_cost(job),
        task=job.task_id or "",
        marks=joined(mark_words(marks)),
        files=tuple(picture.sha256[:12] for picture in job.pictures),
    )


_UNMARKED = Marks()
