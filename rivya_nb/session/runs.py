"""All runs of a store, as a sequence that is read when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, overload

from rivya_nb.contract.text import count, short_repr
from rivya_nb.errors import Mistake, PictureError, StoreError, UsageError
from rivya_nb.session.run import Run
from rivya_nb.typed import typed
from rivya_nb.views.run_view import Hint

if TYPE_CHECKING:
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.records import JobRecord
    from rivya_nb.store.store import Store
    from rivya_nb.views.run_table import RunRow
    from rivya_nb.views.thumbnails import Thumbnail

PAGE = 24
"""Runs on a page; all of them are there by index."""

_SMALL_BYTES = 5000
"""The most bytes of a small picture, before base64."""


class Runs(Sequence[Run]):
    """All runs of a store, newest first. Each use reads from the store, and only what it needs.

    A notebook shows the first page of them as a table; `page(2)` is the next one.
    """

    def __init__(self, live_records: LiveRecords) -> None:
        self._live_records = live_records
        self._store = live_records.store

    def __len__(self) -> int:
        return self._store.runs.count()

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
        found = self._store.runs.newest(limit=high - low + 1, offset=low)
        wanted = [found[at - low] for at in places if at - low < len(found)]
        return [self._live_records.run(record) for record in wanted]

    def __iter__(self) -> Iterator[Run]:
        # By id and not by place: a run that is added during the iteration moves all places.
        before: int | None = None
        while some := self._store.runs.newest(limit=PAGE, before=before):
            for record in some:
                yield self._live_records.run(record)
            before = some[-1].id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=False))

    __hash__ = None  # type: ignore[assignment]

    def page(self, number: int) -> RunsPage:
        """One page of the runs, which has 24; the first page is 1.

        Raises:
            UsageError: there is no such page.
        """
        pages = max(1, -(-len(self) // PAGE))
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= pages:
            there = "pages begin with 1, and there is 1" if pages == 1 else f"there are pages 1 to {pages:,}"
            raise UsageError([Mistake("", f"there is no page {short_repr(number)}; {there}")])
        return RunsPage(self._store, number)

    def text(self, page: int = 1) -> str:
        """A page of the runs in plain text, a line for each; the first page is 1.

        Raises:
            UsageError: there is no such page.
        """
        return self.page(page).text()

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.page(1)._repr_mimebundle_()

    def __repr__(self) -> str:
        try:
            return self.text()
        except StoreError:
            # A notebook asks for several representations of a value; each of them would show the same error.
            return "<Runs of a store that cannot be read>"


class RunsPage:
    """A page of a store's runs, newest first, read anew whenever it is shown."""

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self._number = number

    def text(self) -> str:
        """The page in plain text, a line for each run."""
        from rivya_nb.views.run_table import run_table_text

        rows, left = self._rows()
        following = f"{left:,} more; {self._next_call} shows the next {min(PAGE, left)}"
        return "\n".join([run_table_text(rows), *([following] if left > 0 else [])])

    @property
    def _next_call(self) -> str:
        number = self._number + 1
        return typed(f"runs {number}", f"rv.runs().page({number})")

    def _rows(self) -> tuple[list[RunRow], int]:
        """The runs of the page, without pictures, and how many follow."""
        from rivya_nb.views.run_table import RunRow

        found = self._store.runs.summaries(PAGE, (self._number - 1) * PAGE)
        jobs = self._store.jobs([run.job_id for run in found if run.job_id is not None])
        names = self._store.users.are_several
        rows = [
            RunRow(run, None if run.job_id is None else jobs[run.job_id], names_users=names) for run in found
        ]
        return rows, self._store.runs.count() - self._number * PAGE

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.run_table import run_table_html

        rows, left = self._rows()
        rows = [replace(row, thumbnail=self._small(row.job)) for row in rows]
        hints = [Hint(self._next_call, f"shows the next {min(PAGE, left)}")] if left > 0 else []
        if rows:
            first = rows[0].run.id
            hints.append(Hint(f"rv.runs({first})", "is the first of them"))
        return {"text/html": run_table_html(rows, hints), "text/plain": self.text()}

    def _small(self, job: JobRecord | None) -> Thumbnail | None:
        from rivya_nb.views.run_table import SIDE
        from rivya_nb.views.thumbnails import thumbnail

        if job is None or not job.pictures:
            return None
        files, box = self._store.files, (2 * SIDE, 2 * SIDE)
        path = files.path(job.pictures[0].sha256, job.pictures[0].mime_type)
        try:
            return thumbnail(
                path, box=box, max_bytes=_SMALL_BYTES, load=files.thumbnails.load, shelf=files.thumbnails
            )
        except PictureError:
            return None

    def __repr__(self) -> str:
        return self.text()
