"""A page of runs: a row for each, with its prompt, a small picture, its axes, count, price and date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import aligned, count, printable
from rivya_nb.store.records import JobRecord, RunSummary
from rivya_nb.views.headline import written_prompt
from rivya_nb.views.run_view import Hint
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import by_words, credit_count, joined, moment_words, noun

SIDE = 72
"""The longer side of a small picture in CSS pixels."""

_NAME_LENGTH = 40
_PROMPT_LENGTH = 160
_SHORT_PROMPT = 48
_MOST_LABELS = 6
_LABELS_LENGTH = 80


@dataclass(frozen=True)
class RunRow:
    """A run, the job that stands for it, and the small picture of that job, if there is one; with `names_users`,
    it says who asked."""

    run: RunSummary
    job: JobRecord | None
    thumbnail: Thumbnail | None = None
    names_users: bool = False

    @property
    def by(self) -> str:
        return by_words(self.run.asked_by) if self.names_users else ""

    @property
    def name(self) -> str:
        return printable(self.run.name or "", _NAME_LENGTH)

    @property
    def prompt(self) -> str:
        if self.job is None:
            return ""
        return printable(written_prompt(self.run.ask, [self.job.prompt]), _PROMPT_LENGTH)

    @property
    def short_prompt(self) -> str:
        return printable(self.prompt, _SHORT_PROMPT)

    @property
    def model(self) -> str:
        return "" if self.job is None else printable(self.job.model, _NAME_LENGTH)

    @property
    def asked(self) -> str:
        return moment_words(self.run.created_at)

    @property
    def axes(self) -> list[str]:
        """Each axis with its values: `seed: 1, 2, 3 and 7 more`."""
        told = []
        for axis in self.run.axes:
            labels = printable(", ".join(axis.labels[:_MOST_LABELS]), _LABELS_LENGTH)
            more = f" and {len(axis.labels) - _MOST_LABELS:,} more" if len(axis.labels) > _MOST_LABELS else ""
            told.append(f"{printable(axis.name, _NAME_LENGTH)}: {labels}{more}")
        return told

    @property
    def shape(self) -> str:
        """The axes in short: `3 seed × 2 aspect_ratio`."""
        return " × ".join(
            f"{len(axis.labels):,} {printable(axis.name, _NAME_LENGTH)}" for axis in self.run.axes
        )

    @property
    def state(self) -> str:
        """How many pictures there are, and what is still to come."""
        run = self.run
        return joined(
            [
                f"{run.pictures:,} of {count(run.places, noun(run.makes))}",
                f"{run.unfinished - run.deferred:,} not finished" if run.unfinished > run.deferred else "",
                f"{run.deferred:,} deferred" if run.deferred else "",
            ]
        )

    @property
    def price(self) -> str:
        return credit_count(self.run.credits, about=self.run.costs_about)

    @property
    def image_size(self) -> tuple[int, int]:
        """The width and height of the small picture in CSS pixels."""
        sides = (1, 1) if self.thumbnail is None else (self.thumbnail.width, self.thumbnail.height)
        width, height = (max(1, round(side * SIDE / max(sides))) for side in sides)
        return width, height


def run_table_html(rows: Sequence[RunRow], hints: Sequence[Hint]) -> str:
    """The page as static HTML."""
    from rivya_nb.views.run_html import environment

    return environment().get_template("runs.html").render(rows=rows, hints=hints, side=SIDE)


def run_table_text(rows: Sequence[RunRow]) -> str:
    """The page as plain text, a line for each run."""
    cells = [
        (
            f"{row.run.id:>5}",
            row.asked,
            row.name,
            row.short_prompt,
            printable(row.shape, _NAME_LENGTH),
            joined([row.state, row.price, row.by]),
        )
        for row in rows
    ]
    return "\n".join(aligned(cells)) or "no runs yet"
