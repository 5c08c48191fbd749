"""One request's pictures, as a value of a cell shows them: large, with all that they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import listing, printable
from rivya_nb.store.records import JobRecord, Marks
from rivya_nb.views.gallery import mark_words
from rivya_nb.views.players import Player
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import (
    cost,
    explanation,
    file_words,
    joined,
    moving_words,
    origin_words,
    param_words,
    reason,
    replicate_words,
    sign,
    state_word,
)

_PROMPT_LENGTH = 2000
_ALT_LENGTH = 90


@dataclass(frozen=True)
class PictureView:
    """A job and what is known of it: its params with their defaults, its marks, its runs by id.

    `thumbnails` are of its pictures, in their order, and `players` what plays in their places. `trouble` says why
    pictures cannot be shown. With `names_users`, it says who asked.
    """

    job: JobRecord
    params: Mapping[str, object]
    marks: Marks
    runs: Sequence[int]
    thumbnails: Sequence[Thumbnail] = ()
    players: Sequence[Player | None] = ()
    trouble: str = ""
    names_users: bool = False

    @property
    def prompt(self) -> str:
        return printable(self.job.prompt, _PROMPT_LENGTH)

    @property
    def alts(self) -> list[str]:
        """What each picture is, in words."""
        prompt = printable(self.job.prompt, _ALT_LENGTH)
        return [joined([moving_words(each), prompt]) for each in self.job.pictures]

    @property
    def state(self) -> str:
        """Why there is no picture; empty if there is one."""
        job = self.job
        if job.pictures:
            return self.trouble
        return joined([f"{sign(job)} {state_word(job)}", printable(explanation(job) or reason(job), 300)])

    @property
    def asked(self) -> str:
        """The model, the params and the references."""
        references = listing(printable(each.name, 60) for each in self.job.references)
        given = f"references {references}" if references else ""
        return joined([self.job.model, *param_words(self.params), replicate_words(self.job), given])

    @property
    def known(self) -> str:
        """The price, the time, the runs, and the size of the pictures."""
        job = self.job
        origin = origin_words(job, self.runs, names_users=self.names_users)
        return joined([cost(job), origin, *dict.fromkeys(map(file_words, job.pictures))])

    @property
    def mark_words(self) -> str:
        return joined(mark_words(self.marks))


def picture_html(view: PictureView) -> str:
    """The pictures and their facts as static HTML."""
    from rivya_nb.views.run_html import environment

    return environment().get_template("picture.html").render(view=view)


def picture_text(view: PictureView, title: str) -> str:
    """The facts as plain text, below a `title`."""
    lines = [view.prompt, view.asked, view.known, view.mark_words, view.state]
    return "\n  ".join([title, *(line for line in lines if line)])
