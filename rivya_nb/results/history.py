"""The history: every picture that was ever made against a store, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rivya_nb.results.job import Job
from rivya_nb.results.looks import Bundle
from rivya_nb.results.pictures import Pictures
from rivya_nb.results.placing import place, placing_notes
from rivya_nb.store.records import RunRecord

if TYPE_CHECKING:
    from rivya_nb.store.store import Store

SHOWN = 24
"""Pictures that the history shows of itself in a notebook; all of them are there by index."""


class History(Pictures):
    """Jobs with pictures that fit a question, newest first. The store is asked when the answer is needed."""

    def __init__(self, store: Store, find: Callable[[], Sequence[Job]], question: str) -> None:
        super().__init__(store)
        self._find = find
        self._question = question

    @cached_property
    def jobs(self) -> Sequence[Job]:
        """The jobs, newest first."""
        return self._find()

    def _laid_out(self, rows: str | None, cols: str | None) -> RunRecord:
        names = [name for name in (rows, cols) if name is not None]
        axes, cells = place(self.jobs, names, self._store.models.catalogue)
        name = self._question or "history"
        return RunRecord(0, name, "", time.time(), axes, cells)

    def _notes(self, rows: str | None, cols: str | None) -> tuple[str, ...]:
        names = [name for name in (rows, cols) if name is not None]
        return placing_notes(self.jobs, names, self._store.models.catalogue)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.results.grid import Grid

        shown = self.jobs[:SHOWN]
        axes, cells = place(shown, [], self._store.models.catalogue)
        run = RunRecord(0, self._question or "history", "", time.time(), axes, cells)
        look = Grid(run, {job.id: job for job in shown}, self.files)._repr_mimebundle_()
        return {**look, "text/plain": repr(self)}

    def __repr__(self) -> str:
        asked = f" for {self._question}" if self._question else ""
        return f"<History{asked}: {len(self.jobs)} jobs with pictures>"
