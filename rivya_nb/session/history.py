"""The history: every picture of a store, newest first, and selections from it."""

from __future__ import annotations

import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, StoreError, UsageError
from rivya_nb.planning.question import why_nothing
from rivya_nb.session.job import Job
from rivya_nb.session.pictures import Pictures
from rivya_nb.session.placing import RUN_AXIS, Placement, place, place_runs, place_wholly, placing_notes
from rivya_nb.session.showing.displays import Shown
from rivya_nb.session.showing.looks import Bundle, find_lost, thumbnails
from rivya_nb.store.questions import Counted, MeasureOrder
from rivya_nb.store.records import RunRecord
from rivya_nb.study.kept_measures import column_name, ordered_by
from rivya_nb.views.measures import figure_words
from rivya_nb.views.run_view import Hint
from rivya_nb.views.words import joined, origin_words

if TYPE_CHECKING:
    from rivya_nb.planning.question import HistoryQuestion
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.views.gallery import GalleryPage
    from rivya_nb.widgets.viewer import Viewer

PAGE = 24
"""Pictures on a page; all of them are there by index."""

_AT_ONCE = 200
"""Jobs that are read together where one goes through many."""


class Album(Shown, Pictures):
    """A sequence of pictures, read from the store when used. A notebook shows it as a gallery in pages."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The title, on one line."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _ids_at(self, places: range) -> list[str]:
        """The ids of the jobs at these positions; positions past the end are left out."""

    @property
    def _runs(self) -> Sequence[int]:
        """The runs whose axes lay the pictures out, by their ids; none if the pictures are of any runs."""
        return ()

    def _facts(self) -> Mapping[str, Mapping[str, str]]:
        return self._store.facts.of(self.job_ids, self._runs)

    def _jobs_of(self, ids: Sequence[str]) -> list[Job]:
        """The jobs with these ids, in this order; ids that the store does not know are left out."""
        return [self._live_records.job(record) for record in self._store.jobs(ids).values()]

    @abstractmethod
    def _page_call(self, number: int) -> str:
        """The call or line that shows a page."""

    def page(self, number: int) -> Selection:
        """The pictures of one page, which has 24; the first page is 1.

        Raises:
            UsageError: there is no such page.
        """
        is_number = isinstance(number, int) and not isinstance(number, bool)
        first = (number - 1) * PAGE if is_number and 1 <= number <= sys.maxsize // (2 * PAGE) else None
        ids, following = ([], 0) if first is None else self._page_at(first)
        if first is None or (first and not ids):
            pages = max(1, -(-len(self) // PAGE))
            there = "pages begin with 1, and there is 1" if pages == 1 else f"there are pages 1 to {pages:,}"
            raise UsageError([Mistake("", f"there is no page {short_repr(number)}; {there}")])
        return _Page(self, ids, first, self._counted(), following)

    def _page_at(self, first: int) -> tuple[list[str], int]:
        """The ids of a page, and how many pictures the page after it has."""
        ids = self._ids_at(range(first, first + 2 * PAGE))
        return ids[:PAGE], len(ids[PAGE:])

    def _counted(self) -> Counted:
        """The number of pictures, for a text."""
        return Counted(len(self))

    def view(self) -> Viewer:
        """Open the viewer: a widget to zoom, compare and rate, with one page of the pictures at a time."""
        from rivya_nb.session.showing.viewing import view_row

        return view_row(self, self._live_records)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> Selection: ...
    def __getitem__(self, index: int | slice) -> Job | Selection:
        if isinstance(index, slice):
            return Selection(self._live_records, self._ids_at(self._places(index)), self.title, self._runs)
        at = index if index >= 0 else index + len(self)
        found = self._ids_at(range(at, at + 1)) if 0 <= at < sys.maxsize else []
        if not found:
            raise IndexError(f"there is no result {index}; there are {len(self):,}")
        return self._jobs_of(found)[0]

    def _places(self, part: slice) -> range:
        start, stop = part.start or 0, part.stop
        few = stop is not None and 0 <= start <= stop <= min(start + _AT_ONCE, sys.maxsize)
        if few and part.step is None:
            # Positions past the end are left out when they are read: no need to count.
            return range(start, stop)
        return range(len(self))[part]

    def __iter__(self) -> Iterator[Job]:
        # All ids first: marking or hiding a picture during the iteration must not skip another one.
        ids = self.job_ids
        for start in range(0, len(ids), _AT_ONCE):
            yield from self._jobs_of(ids[start : start + _AT_ONCE])

    def _gallery(self, first: int, total: Counted, jobs: Sequence[Job], following: int) -> GalleryPage:
        from rivya_nb.views.gallery import GalleryEntry, GalleryPage

        ids = [job.id for job in jobs]
        facts = (
            place(
                jobs,
                [],
                self._store.models.catalogue,
                wordings=False,
                references=self._store.runs.reference_labels(ids),
            )
            .axes[0]
            .labels
        )
        told, hints = self._with_numbers(jobs, facts)
        marks, runs = self._store.marks.of(ids), self._store.runs.ids_of(ids)
        names = self._store.users.are_several
        entries = (
            GalleryEntry(
                job.record, text, marks[job.id], origin_words(job.record, runs[job.id], names_users=names)
            )
            for job, text in zip(jobs, told, strict=True)
        )
        return GalleryPage(self.title, first, total, tuple(entries), (*self._hints(first, following), *hints))

    def _with_numbers(self, jobs: Sequence[Job], facts: Sequence[str]) -> tuple[Sequence[str], list[Hint]]:
        """What is told of each picture, with the number by which they are sorted, and how those that have none get
        one."""
        order = self._order
        if order is None:
            return facts, []
        name = column_name(order.name, order.part)
        numbers = ordered_by(self._store, order, [job.record for job in jobs])
        told = [
            joined([text, f"{name} {figure_words(numbers[job.id])}" if job.id in numbers else ""])
            for job, text in zip(jobs, facts, strict=True)
        ]
        if len(numbers) == len(jobs):
            return told, []
        return told, [
            Hint(f'.measure("{order.name}")', "measures those that have no number yet and come last")
        ]

    @property
    def _order(self) -> MeasureOrder | None:
        """The measure by which the pictures are sorted."""
        return None

    def _hints(self, first: int, following: int) -> tuple[Hint, ...]:
        if not following:
            return ()
        return (Hint(self._page_call(first // PAGE + 2), f"shows the next {following}"),)

    def _nothing(self) -> list[str]:
        """Why there is no picture, as far as the store tells."""
        return []

    def _glance(self) -> object:
        ids, _ = self._page_at(0)
        return ids, self._counted(), self._live_records.displays.glance(ids)

    def _bundle(self) -> Bundle:
        ids, following = self._page_at(0)
        return self._look(0, self._counted(), self._jobs_of(ids), following)

    def _look(self, first: int, total: Counted, jobs: Sequence[Job], following: int) -> Bundle:
        from rivya_nb.views.gallery import gallery_html, gallery_text

        if not jobs:
            return {"text/plain": "\n  ".join([f"{self.title}: no result", *self._nothing()])}
        gallery = self._gallery(first, total, jobs, following)
        layout = gallery.layout
        lost = find_lost(layout, self.files)
        html = gallery_html(gallery, thumbnails(layout, self.files), lost)
        return {"text/html": html, "text/plain": gallery_text(gallery, lost)}


class Selection(Album):
    """A fixed list of pictures in a fixed order: a part of a history or of a run."""

    def __init__(
        self, live_records: LiveRecords, ids: Sequence[str], title: str, runs: Sequence[int] = ()
    ) -> None:
        super().__init__(live_records)
        self._ids = list(ids)
        self._title = title
        self._of_runs = tuple(runs)

    @property
    def _runs(self) -> Sequence[int]:
        return self._of_runs

    @property
    def title(self) -> str:
        """What they are a part of, on one line."""
        return self._title

    @property
    def job_ids(self) -> Sequence[str]:
        """The ids of the jobs, in their order."""
        return self._ids

    @cached_property
    def _all(self) -> list[Job]:
        return self._jobs_of(self._ids)

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs, in their order."""
        return self._all

    def _ids_at(self, places: range) -> list[str]:
        return [self._ids[at] for at in places if at < len(self._ids)]

    def _page_call(self, number: int) -> str:
        return f".page({number})"

    def _laid_out(self, rows: str | None, cols: str | None) -> RunRecord:
        return self._placed([name for name in (rows, cols) if name is not None], place)

    def _wholly_placed(self, names: Sequence[str]) -> RunRecord:
        return self._placed(names, place_wholly)

    def _placed(self, names: Sequence[str], place_freely: Callable[..., Placement]) -> RunRecord:
        """Laid out by the axes of its runs and by `names`; pictures of any runs by `place_freely`."""
        runs: Sequence[int] = self._runs
        if not runs and RUN_AXIS in names:
            runs = sorted({run for ids in self._store.runs.ids_of(self._ids).values() for run in ids})
        if runs:
            shown = [self._live_records.run(self._store.runs.get(run)).shown for run in runs]
            jobs = {job.id: job for job in self.jobs}
            axes, cells = place_runs(shown, jobs, names, self._store.models.catalogue)
        else:
            called = self._store.runs.reference_labels(self._ids)
            axes, cells = place_freely(
                self.jobs, names, self._store.models.catalogue, references=called, facts=self._facts()
            )
        return RunRecord(0, self.title, "", time.time(), axes, cells)

    def _notes(self, *names: str | None) -> tuple[str, ...]:
        given = [name for name in names if name is not None]
        return placing_notes(self.jobs, given, self._store.models.catalogue)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"<Selection of {len(self)} of {self.title}>"


class _Page(Selection):
    """A page of a larger album; it shows which part of the whole it is."""

    def __init__(self, whole: Album, ids: Sequence[str], first: int, total: Counted, following: int) -> None:
        super().__init__(whole._live_records, ids, whole.title, whole._runs)
        self._whole = whole
        self._first = first
        self._total = total
        self._following = following

    def _hints(self, first: int, following: int) -> tuple[Hint, ...]:
        return self._whole._hints(first, following)

    @property
    def _order(self) -> MeasureOrder | None:
        return self._whole._order

    def _bundle(self) -> Bundle:
        return self._look(self._first, self._total, self.jobs, self._following)


class History(Album):
    """Jobs with pictures that match a question, newest first.

    Each use reads from the store again, and only what it needs: the count, a page, one picture. A slice or a page
    keeps the pictures that it found.
    """

    def __init__(self, live_records: LiveRecords, asked: HistoryQuestion, *, from_line: bool = False) -> None:
        super().__init__(live_records)
        self._asked = asked
        self._from_line = from_line

    @property
    def title(self) -> str:
        """The question, on one line."""
        return f"history: {self._asked.words}" if self._asked.words else "history"

    @property
    def _runs(self) -> Sequence[int]:
        return self._asked.question.runs

    @property
    def _order(self) -> MeasureOrder | None:
        order = self._asked.question.order
        return order if isinstance(order, MeasureOrder) else None

    @property
    def job_ids(self) -> Sequence[str]:
        """The ids of the jobs that match now, newest first."""
        return self._store.history_ids(self._asked.question)

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs that match now, newest first."""
        return self[:].jobs

    def _kept(self) -> Selection:
        return self[:]

    def _laid_out(self, rows: str | None, cols: str | None) -> RunRecord:
        return self._kept()._laid_out(rows, cols)

    def _wholly_placed(self, names: Sequence[str]) -> RunRecord:
        return self._kept()._wholly_placed(names)

    def _ids_at(self, places: range) -> list[str]:
        if not places:
            return []
        low, high = min(places[0], places[-1]), max(places[0], places[-1])
        found = self._store.history_ids(self._asked.question, limit=high - low + 1, offset=low)
        return [found[at - low] for at in places if at - low < len(found)]

    def _page_call(self, number: int) -> str:
        if self._from_line:
            return f"{self._asked.line} --page {number}"
        return f"{self._asked.call}.page({number})"

    def _nothing(self) -> list[str]:
        return why_nothing(self._asked, self._store)

    def __len__(self) -> int:
        return self._store.count(self._asked.question)

    def _counted(self) -> Counted:
        return self._store.counted(self._asked.question)

    def __repr__(self) -> str:
        asked = f" for {self._asked.words}" if self._asked.words else ""
        try:
            return f"<History{asked}: {self._counted().words} with results>"
        except StoreError:
            # A notebook asks for several representations of a value; each of them would show the same error.
            return f"<History{asked} of a store that cannot be read>"
