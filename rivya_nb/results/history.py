"""The history: every picture that was ever made against a store, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rivya_nb.contract.text import did_you_mean, listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.results.job import Job
from rivya_nb.results.looks import Bundle
from rivya_nb.results.pictures import Pictures
from rivya_nb.store.records import AxisRecord, CellRecord, RunRecord

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
        axes, cells = _place(self.jobs, names)
        name = self._question or "history"
        return RunRecord(0, name, "", time.time(), axes, cells)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.results.grid import Grid

        shown = self.jobs[:SHOWN]
        axes, cells = _place(shown, [])
        run = RunRecord(0, self._question or "history", "", time.time(), axes, cells)
        look = Grid(run, {job.id: job for job in shown}, self.files)._repr_mimebundle_()
        return {**look, "text/plain": repr(self)}

    def __repr__(self) -> str:
        asked = f" for {self._question}" if self._question else ""
        return f"<History{asked}: {len(self.jobs)} jobs with pictures>"


def _place(
    jobs: Sequence[Job], names: Sequence[str]
) -> tuple[tuple[AxisRecord, ...], tuple[CellRecord, ...]]:
    """Axes made of the jobs' own values, and each job's place; one axis of seeds where none is named."""
    if not names:
        labels = tuple(f"#{number} seed {job.seed}" for number, job in enumerate(jobs, start=1))
        return (
            (AxisRecord("", labels),),
            tuple(CellRecord(job.id, (place,)) for place, job in enumerate(jobs)),
        )
    values = {job.id: _values(job) for job in jobs}
    known = dict.fromkeys(key for each in values.values() for key in each)
    wrong = [
        Mistake(name, f"no job here has it; they have {listing(known)}{did_you_mean(name, known)}")
        for name in names
        if name not in known
    ]
    if wrong:
        raise UsageError(wrong)
    axes = tuple(AxisRecord(name, _distinct(values, name)) for name in names)
    cells = tuple(
        CellRecord(job.id, tuple(axis.labels.index(values[job.id].get(axis.name, "none")) for axis in axes))
        for job in jobs
    )
    return axes, cells


def _values(job: Job) -> dict[str, str]:
    return {
        "model": job.model,
        "prompt": job.prompt,
        **{key: str(value) for key, value in job.params.items()},
    }


def _distinct(values: Mapping[str, Mapping[str, str]], name: str) -> tuple[str, ...]:
    found = {each.get(name, "none") for each in values.values()}
    return tuple(
        sorted(found, key=lambda text: (not text.isdigit(), int(text) if text.isdigit() else 0, text))
    )
