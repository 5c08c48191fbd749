"""A run as plain text, for terminals and front ends without HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.store.records import PictureRecord
from rivya_nb.views.headline import headline
from rivya_nb.views.layout import Cell
from rivya_nb.views.prompts import prompt_lines
from rivya_nb.views.run_view import RunView, progress_line
from rivya_nb.views.words import file_words, joined, lost_words, noun_of, reason

_MOST_LINES = 8
"""Failures or pictures that are listed one by one; more are counted."""
_MOST_SEEDS = 16
_REASON_LENGTH = 120
_NOTICE_LENGTH = 300
"""Long enough for a lost store's message, whose end says what to do."""


def render_text(view: RunView, file_of: Callable[[PictureRecord], str] = file_words) -> str:
    """A short summary on a few lines. `file_of` says of a picture what its file is, or where: saved notebooks must
    not tell where a store is."""
    head = headline(view)
    lines = [head.prompt, f"  {head.facts}", f"  {progress_line(view)}"]
    if view.notice:
        lines.append(f"  {printable(view.notice, _NOTICE_LENGTH)}")
    lines += [*_seeds(view), *prompt_lines(view.prompts), *_troubles(view)]
    lines += _files(view, file_of)
    lines += few([f"  {printable(note, _REASON_LENGTH)}" for note in view.notes], "reference")
    if view.lost:
        lines.append(f"  {lost_words(view.lost)}")
    lines += [f"  {hint.code}  {hint.text}".rstrip() for hint in view.hints]
    return "\n".join(lines)


def _seeds(view: RunView) -> list[str]:
    jobs = [view.jobs[cell.job_id] for cell in view.run.cells]
    seeds = list(dict.fromkeys(str(job.seed) for job in jobs if job.seed is not None))
    if not seeds:
        return []
    rest = len(seeds) - _MOST_SEEDS
    more = f" and {rest} more" if rest > 0 else ""
    return [f"  {'seed' if len(seeds) == 1 else 'seeds'} {listing(seeds[:_MOST_SEEDS])}{more}"]


def _troubles(view: RunView) -> list[str]:
    lines = [
        f"  {joined([job.status, cell.label.text])}: {printable(reason(job), _REASON_LENGTH)}"
        for cell in view.layout.cells
        for job in cell.jobs
        if reason(job) and job.status in ("failed", "undelivered", "unknown", "stopped")
    ]
    return few(lines, "problem")


def _files(view: RunView, file_of: Callable[[PictureRecord], str]) -> list[str]:
    pictures = [
        (joined([view.origins.get(job.id, ""), cell.label.text, _figure(view, cell)]), picture)
        for cell in view.layout.cells
        if cell.number <= 1
        for job in cell.jobs
        for picture in job.pictures
    ]
    lines = [file_line(label, file_of(picture)) for label, picture in pictures]
    return few(lines, noun_of(view.jobs.values()))


def file_line(label: str, file: str) -> str:
    """A line about one of several files."""
    return f"  {label}  {file}" if label else f"  {file}"


def _figure(view: RunView, cell: Cell) -> str:
    figure = view.figures.get(cell.key)
    return "" if figure is None else figure.title


def few(lines: Sequence[str], noun: str) -> list[str]:
    """The first of these lines, and how many more there are."""
    rest = len(lines) - _MOST_LINES
    return list(lines) if rest <= 0 else [*lines[:_MOST_LINES], f"  and {count(rest, f'more {noun}')}"]
