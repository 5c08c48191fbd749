"""What a plan looks like: the pictures that are there already, and what would be asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.text import printable
from rivya_nb.session.showing.looks import Bundle, bundle, find_lost, thumbnails
from rivya_nb.store.records import AxisRecord, JobRecord
from rivya_nb.views.headline import PROMPT_LENGTH, headline_of, subject_of
from rivya_nb.views.layout import MOST_CELLS, evenly, place_label, row_of
from rivya_nb.views.overview import AxisWords, Overview, Strip, overview_html, overview_text, strip_html
from rivya_nb.views.run_text import few, file_line
from rivya_nb.views.run_view import Hint, RunView, reference_notes
from rivya_nb.views.words import file_words, joined

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan

_MOST_BOXES = 12
"""Places without a picture that are drawn one by one; of more, the axes say as much in less room."""

_MOST_PICTURES = 24
"""Pictures that are there already, beside such a summary."""

_SAMPLE = 6
"""Requests of a large plan that are named."""

_MOST_HINTS = 8
_MOST_VALUES = 9
_VALUE_LENGTH = 60
"""Values of an axis that are told, and characters of each."""

_NOTE_LENGTH = 200

_FROM_HISTORY = "from the history"
_THERE = "there already"


def plan_bundle(plan: Plan) -> Bundle:
    """A plan as display data. This decodes pictures."""
    record, jobs = plan.record, plan.jobs
    pictured = sum(bool(jobs[cell.job_id].pictures) for cell in record.cells)
    if not pictured or len(record.cells) - pictured > _MOST_BOXES or len(record.cells) > MOST_CELLS:
        return _summary(plan)
    layout = plan.layout()
    view = RunView(
        run=record,
        jobs=jobs,
        layout=layout,
        thumbnails=thumbnails(layout, plan.files),
        now=time.time(),
        live=False,
        progress=_progress(plan),
        hints=_hints(plan),
        origins=_origins(plan),
        prompts=_prompts(plan),
        # Large boxes that say `planned` would say no more.
        grows=False,
    )
    return bundle(view, plan.files)


def _summary(plan: Plan) -> Bundle:
    """The axes, a sample of the requests, and some of the pictures that are there already."""
    record, jobs = plan.record, plan.jobs
    large = len(record.cells) > MOST_CELLS
    some = [record.cells[at].coordinates for at in evenly(len(record.cells), _SAMPLE)] if large else []
    sample = "; ".join(place_label(record.axes, place).text for place in some)
    notes = [
        printable(note, _NOTE_LENGTH) for note in reference_notes(jobs[cell.job_id] for cell in record.cells)
    ]
    view = Overview(
        headline=headline_of(record, subject_of(record, jobs), None),
        progress=_progress(plan),
        axes=[_axis_words(axis, plan.sides[axis.name]) for axis in record.axes],
        notes=[*([f"for example {sample}"] if sample else []), *few(notes, "reference")],
        hints=_hints(plan)[:_MOST_HINTS],
        prompts=_prompts(plan),
    )
    html, text = overview_html(view), overview_text(view)
    pictured = [(cell.coordinates, jobs[cell.job_id]) for cell in record.cells if jobs[cell.job_id].pictures]
    if pictured:
        strip = _strip(plan, pictured)
        lines = [
            file_line(
                joined([strip.origins[job.id], place_label(record.axes, place).text]), file_words(picture)
            )
            for place, job in pictured
            for picture in job.pictures[:1]
        ]
        html, text = f"{html}\n{strip_html(strip)}", "\n".join([text, *few(lines, plan.noun)])
    return {"text/html": html, "text/plain": text}


def _strip(plan: Plan, pictured: Sequence[tuple[tuple[int, ...], JobRecord]]) -> Strip:
    layout = row_of(plan.record.axes, pictured[:_MOST_PICTURES])
    rest = len(pictured) - _MOST_PICTURES
    return Strip(
        title=f"{plan.noun}s that are there already, at no cost{f', and {rest:,} more' if rest > 0 else ''}",
        layout=layout,
        now=time.time(),
        thumbnails=thumbnails(layout, plan.files),
        lost=find_lost(layout, plan.files),
        origins=_origins(plan),
    )


def _progress(plan: Plan) -> str:
    return f"{plan.summary} · {'nothing is sent yet' if plan.draft.costing else 'nothing is to be sent'}"


def _hints(plan: Plan) -> tuple[Hint, ...]:
    return (
        *(Hint("", why) for why in [plan.over_limit] if why),
        *(Hint(f"seed={seed}", "keeps this one") for seed in plan.seeds_to_keep[:1]),
        *(Hint("", note) for note in plan.notes),
    )


def _origins(plan: Plan) -> dict[str, str]:
    """Where each picture comes from that is there already, by the job's id."""
    kept = {job.id: _THERE for job in plan.draft.kept_jobs if job.pictures}
    return {**kept, **{job.id: _FROM_HISTORY for job in plan.draft.reused if job.pictures}}


def _prompts(plan: Plan) -> list[str]:
    """Each different prompt as it would be sent, where the first line of the plan does not say it."""
    prompts = list(dict.fromkeys(request.prompt for request in plan.requests))
    return [] if len(prompts) == 1 and len(prompts[0]) <= PROMPT_LENGTH else prompts


def _axis_words(axis: AxisRecord, side: str) -> AxisWords:
    """`1, 2, 3, 4 … 100`, with the number of values."""
    values = [printable(label, _VALUE_LENGTH) for label in (*axis.labels[:_MOST_VALUES], axis.labels[-1])]
    some = len(axis.labels) > _MOST_VALUES
    told = f"{', '.join(values[:-2])} … {values[-1]}" if some else ", ".join(values[:-1])
    return AxisWords(axis.name, told, len(axis.labels), side)
