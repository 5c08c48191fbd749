"""All runs of a store, as a sequence that is read when it is used."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from rivya_nb.contract.text import count, printable, short_repr
from rivya_nb.errors import Mistake, StoreError, UsageError
from rivya_nb.session.run import Run
from rivya_nb.views.words import credit_count, joined

if TYPE_CHECKING:
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.store.records import RunSummary

PAGE = 24
"""Runs on a page; all of them are there by index."""

_NAME_LENGTH = 40


class Runs(Sequence[Run]):
    """All runs of a store, newest first. Each use reads from the store, and only what it needs.

    A notebook shows the first page of them, a line for each.
    """

    def __init__(self, live_records: LiveRecords) -> None:
        self._live_records = live_records
        self._store = live_records.store

    def __len__(self) -> int:
        return self._store.count_runs()

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        total = len(self)
        if isinstance(index, slice):
            return self._at(range(total)[index])
        if not -total <= index < total:
            raise IndexError(f"there is no run at place {index}; there are {count(total, 'run')}")
        at = range(total)[index]
        return self._at(range(at, at + 1))[0]

    def _at(self, places: range) -> list[Run]:
        if not places:
            return []
        low, high = min(places[0], places[-1]), max(places[0], places[-1])
        found = self._store.runs(limit=high - low + 1, offset=low)
        wanted = [found[at - low] for at in places if at - low < len(found)]
        return [self._live_records.run(record) for record in wanted]

    def __iter__(self) -> Iterator[Run]:
        # By id and not by place: a run that is added during the iteration moves all places.
        before: int | None = None
        while some := self._store.runs(limit=PAGE, before=before):
            for record in some:
                yield self._live_records.run(record)
            before = some[-1].id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=False))

    __hash__ = None  # type: ignore[assignment]

    def text(self, page: int = 1) -> str:
        """A page of the runs in plain text, a line for each; the first page is 1.

        Raises:
            UsageError: there is no such page.
        """
        total = len(self)
        pages = max(1, -(-total // PAGE))
        if isinstance(page, bool) or not isinstance(page, int) or not 1 <= page <= pages:
            there = "pages begin with 1, and there is 1" if pages == 1 else f"there are pages 1 to {pages:,}"
            raise UsageError([Mistake("", f"there is no page {short_repr(page)}; {there}")])
        lines = [_line(each) for each in self._store.run_summaries(PAGE, (page - 1) * PAGE)]
        if page < pages:
            left = total - page * PAGE
            lines.append(f"{left:,} more; %rivya runs {page + 1} shows the next {min(PAGE, left)}")
        return "\n".join(lines) or "no runs yet"

    def __repr__(self) -> str:
        try:
            return self.text()
        except StoreError:
            # A notebook asks for several representations of a value; each of them would show the same error.
            return "<Runs of a store that cannot be read>"


def _line(run: RunSummary) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created_at))
    state = joined(
        [
            f"{run.pictures:,} of {count(run.places, 'picture')}",
            f"{run.unfinished - run.deferred:,} not finished" if run.unfinished > run.deferred else "",
            f"{run.deferred:,} deferred" if run.deferred else "",
            credit_count(run.credits, about=run.costs_about),
        ]
    )
    return f"{run.id:>5}  {when}  {printable(run.name or '', _NAME_LENGTH):<20} {state}"
