"""What a user can say of pictures: of one job's, of a run's, or of those that a question finds."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from rivya_nb.contract.text import count, file_size
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.session.showing.live import in_notebook

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.store.store import Store

M = TypeVar("M", bound="Markable")


class Markable(ABC):
    """Something with pictures that can be marked. Each call is one step, which `undo` takes back; a mark that
    is there already changes nothing. All of them give the thing itself, but for `delete`."""

    _store: Store

    @property
    @abstractmethod
    def job_ids(self) -> Sequence[str]:
        """The ids of the jobs that are meant."""

    @abstractmethod
    def _meant(self) -> Sequence[Job]:
        """These jobs."""

    def star(self: M, on: bool = True) -> M:
        """Mark with a star, or take it away."""
        self._store.marks.change(self.job_ids, starred=_switch("star", on))
        return self

    def rate(self: M, rating: int) -> M:
        """Rate from 1 to 5; 0 takes the rating away.

        Raises:
            UsageError: it is no such number.
        """
        self._store.marks.change(self.job_ids, rating=rating)
        return self

    def tag(self: M, *tags: str) -> M:
        """Add tags to those that are there.

        Raises:
            UsageError: a tag is empty or no text, or none is given.
        """
        self._store.marks.tag(self.job_ids, _texts("tag", tags))
        return self

    def untag(self: M, *tags: str) -> M:
        """Take tags away. Raises as `tag` does."""
        self._store.marks.untag(self.job_ids, _texts("untag", tags))
        return self

    def annotate(self: M, note: str | None) -> M:
        """Write a note, in the place of an earlier one; None or an empty text takes it away.

        Raises:
            UsageError: it is no text.
        """
        if not isinstance(note, str) and note is not None:
            raise UsageError([Mistake("annotate", f"{note!r} is no text")])
        self._store.marks.change(self.job_ids, note=(note or "").strip())
        return self

    def hide(self: M, on: bool = True) -> M:
        """Leave out of the history unless it is asked for with `hidden=True`; or list again."""
        self._store.marks.change(self.job_ids, hidden=_switch("hide", on))
        return self

    def delete(self, confirm: bool | None = None) -> None:
        """Delete the picture files for good, which frees their disk space, and say how much.

        What they were made with and what they cost stays known, in their runs and in what was spent. A file
        that another picture or a reference still needs stays. Unless `confirm` is True, this asks first; False
        only says what would be deleted.

        Raises:
            UsageError: nobody can be asked, or a job has not ended; nothing was deleted.
        """
        if confirm is not None:
            _switch("delete", confirm)
        jobs = [job for job in self._meant() if job.record.pictures]
        if not jobs:
            print("There is no picture to delete.")
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
    return f"{count(number, 'picture')} ({file_size(sum(pictures.values()))})"


def _ask(what: str) -> bool:
    """Whether somebody agrees.

    Raises:
        UsageError: nobody is there.
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
            f"Nobody is here to agree to the deletion of {what}; delete(confirm=True) goes ahead."
        )
    return answer.strip().casefold() in ("y", "yes")


def _switch(where: str, on: object) -> bool:
    if not isinstance(on, bool):
        raise UsageError([Mistake(where, f"{on!r} is neither True nor False")])
    return on


def _texts(where: str, tags: Sequence[object]) -> list[str]:
    wrong = [tag for tag in tags if not isinstance(tag, str)]
    if wrong:
        raise UsageError([Mistake(where, f"{wrong[0]!r} is no text; tags are given one by one")])
    if not tags:
        raise UsageError([Mistake(where, "it takes at least one tag")])
    return [str(tag) for tag in tags]
