"""Marks on pictures (favourite, rating, tags, note, hidden, excluded) and deletion; of jobs, runs, histories."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, file_size, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.session.showing.live import in_notebook
from rivya_nb.views.words import noun_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from rivya_nb.session.job import Job
    from rivya_nb.store.store import Store


class Markable(ABC):
    """Has pictures that can be marked. `undo` takes back one call; setting a mark again changes nothing.

    Every method returns the object itself, except `delete`.
    """

    _store: Store

    @property
    @abstractmethod
    def job_ids(self) -> Sequence[str]:
        """The ids of the jobs that a mark applies to."""

    @abstractmethod
    def _meant(self) -> Sequence[Job]:
        """The jobs that a mark applies to."""

    def favourite(self, on: bool = True) -> Self:
        """Mark as a favourite, or take this mark away (`on=False`)."""
        self._store.marks.change(self.job_ids, favourite=_switch("favourite", on))
        return self

    def rate(self, rating: int) -> Self:
        """Rate with 1 to 5 stars; 0 removes the rating.

        Raises:
            UsageError: the rating is not a whole number from 0 to 5.
        """
        self._store.marks.change(self.job_ids, rating=rating)
        return self

    def tag(self, *tags: str) -> Self:
        """Add tags.

        Raises:
            UsageError: a tag is empty or not text, or no tag is given.
        """
        self._store.marks.tag(self.job_ids, _texts("tag", tags))
        return self

    def untag(self, *tags: str) -> Self:
        """Remove tags. Raises what `tag` raises."""
        self._store.marks.untag(self.job_ids, _texts("untag", tags))
        return self

    def annotate(self, note: str | None) -> Self:
        """Set the note; None or an empty text removes it.

        Raises:
            UsageError: the note is not text.
        """
        if not isinstance(note, str) and note is not None:
            raise UsageError([Mistake("annotate", f"{short_repr(note)} is not text")])
        self._store.marks.change(self.job_ids, note=(note or "").strip())
        return self

    def hide(self, on: bool = True) -> Self:
        """Hide from the history, which then lists it only with `hidden=True`; or show it again (`on=False`)."""
        self._store.marks.change(self.job_ids, hidden=_switch("hide", on))
        return self

    def exclude(self, reason: str | None) -> Self:
        """Keep the pictures out of every figure, and say why: `exclude("hand cut off")`; None takes that back.

        They stay in the history, in grids and in the viewer, with a sign. Contact sheets and figures leave their
        places empty. Differences, summaries of measures, effects, rankings and exports leave them out, and say
        how many.

        Raises:
            UsageError: the reason is empty or not text.
        """
        self._store.marks.change(self.job_ids, excluded=_reason(reason))
        return self

    def delete(self, confirm: bool | None = None) -> None:
        """Delete the picture files for good, and print how much disk space that frees.

        The requests and their cost stay in the runs and in what was spent. A file that another picture or a
        reference still needs is kept. With `confirm=True` this deletes at once; with False it only prints what it
        would delete; with neither it asks first.

        Raises:
            UsageError: nobody can be asked, or a job has not ended; nothing was deleted.
        """
        if confirm is not None:
            _switch("delete", confirm)
        jobs = [job for job in self._meant() if job.record.pictures]
        if not jobs:
            print("There is no result to delete.")
            return
        what = _what(jobs)
        if not (_ask(what) if confirm is None else confirm):
            print(f"Nothing was deleted; it would be {what}.")
            return
        ids = [job.id for job in jobs]
        freed = self._store.delete_pictures(ids)
        newest = self._store.jobs(ids)
        for job in jobs:
            job.live.changed(newest[job.id], notice=job.live.notice)
        print(f"Deleted {what}; {file_size(freed)} are free again.")


def _what(jobs: Sequence[Job]) -> str:
    pictures = {picture.sha256: picture.size for job in jobs for picture in job.record.pictures}
    number = sum(len(job.record.pictures) for job in jobs)
    return f"{count(number, noun_of(job.record for job in jobs))} ({file_size(sum(pictures.values()))})"


def _ask(what: str) -> bool:
    """Ask the user whether to delete.

    Raises:
        UsageError: there is nobody to ask.
    """
    question = f"Delete {what} for good? What they were made with stays known. [y/N] "
    try:
        # Where there is no terminal, input() would read from a pipe. A kernel asks its frontend, and refuses
        # (with a RuntimeError) where nobody sits before it.
        answer = input(question) if in_notebook() or sys.stdin.isatty() else None
    except (EOFError, RuntimeError, AttributeError):
        answer = None
    if answer is None:
        raise UsageError(
            f"There is nobody to agree to the deletion of {what}; delete(confirm=True) deletes without asking."
        )
    return answer.strip().casefold() in ("y", "yes")


def _switch(where: str, on: object) -> bool:
    if not isinstance(on, bool):
        raise UsageError([Mistake(where, f"{short_repr(on)} is neither True nor False")])
    return on


def _reason(reason: object) -> str:
    if reason is None:
        return ""
    if not isinstance(reason, str):
        raise UsageError([Mistake("exclude", f"{short_repr(reason)} is not text; say why, as in {_REASON}")])
    if not (words := " ".join(reason.split())):
        raise UsageError(
            [
                Mistake(
                    "exclude", f"the reason is empty; say why, as in {_REASON}; None takes an exclusion back"
                )
            ]
        )
    return words


_REASON = 'exclude("hand cut off")'


def _texts(where: str, tags: Sequence[object]) -> list[str]:
    wrong = [tag for tag in tags if not isinstance(tag, str)]
    if wrong:
        raise UsageError(
            [
                Mistake(
                    where,
                    f'{short_repr(wrong[0])} is not text; give the tags one by one, as in tag("a", "b")',
                )
            ]
        )
    if not tags:
        raise UsageError([Mistake(where, "give at least one tag")])
    return [str(tag) for tag in tags]
