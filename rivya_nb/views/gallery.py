"""Pages of pictures: each with its place, the values that differ, and its marks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rivya_nb.contract.text import comparable, listing, printable
from rivya_nb.store.questions import Counted
from rivya_nb.store.records import HIGHEST_RATING, JobRecord, Marks
from rivya_nb.views.cells import DrawnCell, draw
from rivya_nb.views.geometry import Span, measure, plain_lines
from rivya_nb.views.headline import PROMPT_LENGTH
from rivya_nb.views.layout import Cell, Label, Layout, Page
from rivya_nb.views.run_view import Hint
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import (
    EXCLUDED,
    FAVOURITE,
    RATED,
    common_params,
    exclusion_words,
    joined,
    lost_words,
    param_words,
    state_word,
)

_LEGIBLE, _NARROWEST = 160, 144
"""CSS pixels of a line of cards and of one card at least, so that its words have room below a tall picture."""
_PROMPT_LENGTH = 70
_NOTE_LENGTH = 70
_VALUE_LENGTH = 40
_TEXT_LENGTH = 120


@dataclass(frozen=True)
class GalleryEntry:
    """One picture's job; `facts` are the values that differ from the others', `origin` its time and its runs."""

    job: JobRecord
    facts: str
    marks: Marks
    origin: str = ""


@dataclass(frozen=True)
class GalleryPage:
    """A page of `entries` out of `total`; its first entry has the place `first`, counted from 0. Where it does not
    tell its span, these are just some."""

    title: str
    first: int
    total: Counted
    entries: tuple[GalleryEntry, ...]
    hints: tuple[Hint, ...] = ()
    tells_span: bool = True

    @property
    def places(self) -> range:
        return range(self.first, self.first + len(self.entries))

    @property
    def layout(self) -> Layout:
        """One place for each job, in a row that wraps."""
        cells = tuple(
            Cell(Label(f"[{place}]", f"[{place}] {entry.facts}"), (entry.job,), _further(entry.job))
            for place, entry in zip(self.places, self.entries, strict=True)
        )
        return Layout(pages=(Page("", (cells,)),), wraps=True)

    @property
    def span(self) -> str:
        """The places in words: `25–48 of 2,314`; empty where it is not told."""
        if not self.tells_span:
            return ""
        first, last = self.first + 1, self.first + len(self.entries)
        return (
            f"{first:,}–{last:,} of {self.total.words}"
            if last > first
            else f"{first:,} of {self.total.words}"
        )

    @property
    def common(self) -> str:
        """The models, the params and the prompt that all of them share."""
        jobs = [entry.job for entry in self.entries]
        models = listing(dict.fromkeys(job.model for job in jobs))
        prompt = printable(jobs[0].prompt, PROMPT_LENGTH) if self.shares_prompt else ""
        return joined([prompt, models, *param_words(common_params(jobs))])

    @property
    def shares_prompt(self) -> bool:
        """True if all have the same prompt."""
        return len({comparable(entry.job.prompt) for entry in self.entries}) == 1


def _further(job: JobRecord) -> int:
    return max(0, len(job.pictures) - 1)


@dataclass(frozen=True)
class _Card:
    cell: DrawnCell
    place: str
    facts: str
    marks: tuple[str, ...]
    prompt: str
    origin: str

    @property
    def span(self) -> Span | None:
        """The width of its place."""
        return self.cell.span


def mark_words(marks: Marks) -> list[str]:
    """The marks of a picture, each as a sign and a word."""
    stars = RATED * marks.rating + "☆" * (HIGHEST_RATING - marks.rating)
    words = [
        f"{stars} {marks.rating}/{HIGHEST_RATING}" if marks.rating else "",
        f"{FAVOURITE} favourite" if marks.favourite else "",
        *(f"#{printable(tag, _VALUE_LENGTH)}" for tag in marks.tags),
        "◌ hidden" if marks.hidden else "",
        f"{EXCLUDED} {exclusion_words(marks)}" if marks.excluded else "",
        f"✎ {printable(marks.note, _NOTE_LENGTH)}" if marks.note else "",
    ]
    return [word for word in words if word]


def gallery_html(
    gallery: GalleryPage, thumbnails: Mapping[str, Thumbnail | None], lost: Mapping[str, Path]
) -> str:
    """The page as static HTML. `thumbnails` and `lost` (files that are gone) are by the keys of its cells."""
    from rivya_nb.views.run_html import environment

    layout = gallery.layout
    geometry = measure(layout, legible=_LEGIBLE, narrowest=_NARROWEST)
    (page,) = draw(layout, geometry, thumbnails, time.time(), lost)
    cards = [
        _Card(
            cell=cell,
            place=f"[{place}]",
            facts=entry.facts,
            marks=tuple(mark_words(entry.marks)),
            prompt="" if gallery.shares_prompt else printable(entry.job.prompt, _PROMPT_LENGTH),
            origin=entry.origin,
        )
        for place, entry, cell in zip(gallery.places, gallery.entries, page.rows[0], strict=True)
    ]
    lines = [cards[line] for line in plain_lines([card.cell.width for card in cards])]
    template = environment().get_template("gallery.html")
    return template.render(gallery=gallery, lines=lines, lost=lost_words(lost))


def gallery_text(gallery: GalleryPage, lost: Mapping[str, Path]) -> str:
    """The page as plain text, with a line for each picture."""
    lines = [": ".join(filter(None, [gallery.title, gallery.span])), f"  {gallery.common}"]
    width = len(f"[{gallery.places[-1]}]")
    for place, entry in zip(gallery.places, gallery.entries, strict=True):
        gone = "file gone" if entry.job.id in lost else "" if entry.job.pictures else state_word(entry.job)
        prompt = "" if gallery.shares_prompt else printable(entry.job.prompt, _PROMPT_LENGTH)
        words = joined([gone, entry.facts, *mark_words(entry.marks), entry.origin, prompt])
        lines.append(f"  {f'[{place}]':>{width}}  {printable(words, _TEXT_LENGTH)}")
    lines += [f"  {words}" for words in (lost_words(lost),) if words]
    lines += [f"  {hint.code}  {hint.text}" for hint in gallery.hints]
    return "\n".join(lines)
