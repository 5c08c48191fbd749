"""How all jobs of a run stand together, kept current as they change."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING

from rivya_nb.contract.text import printable
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.headline import Subject, subject_of
from rivya_nb.views.layout import place_label
from rivya_nb.views.overview import MOST_EXAMPLES, MOST_REASONS, Trouble
from rivya_nb.views.run_view import reference_notes
from rivya_nb.views.status_map import MapPlan, StatusMap, code, draw_map, plan_map
from rivya_nb.views.tally import Count, Tally
from rivya_nb.views.words import state

if TYPE_CHECKING:
    from rivya_nb.session.job import Job

_TROUBLED = frozenset({"failed", "undelivered", "unknown", "stopped"})

_Why = tuple[str, str | None, str | None]
"""A state, and the code and the message of what went wrong."""


class Standing:
    """The sums, the troubles and the map of a run that is shown as `run` says. Its methods may be called from any
    thread.

    Records never change: a job whose record is another than at the last look has changed, and only such a job is
    counted anew. So a look at a run of ten thousand costs little more than the changes since the last one.
    """

    def __init__(self, run: RunRecord, jobs: Mapping[str, Job]) -> None:
        self.run = run
        self._lock = threading.Lock()
        ids = dict.fromkeys(cell.job_id for cell in run.cells)
        self.jobs: Sequence[Job] = [jobs[job_id] for job_id in ids]
        self._lives = [job.live for job in self.jobs]
        self._seen: list[JobRecord | None] = [None] * len(ids)
        self._count = Count()
        self._codes = bytearray(len(ids))
        self._pictured: dict[int, None] = {}
        self._open: dict[int, None] = {}
        self._troubles: dict[_Why, dict[int, None]] = {}
        self._subject: Subject | None = None
        self._notes: Sequence[str] = ()

    # Made when it is first drawn, which is off the event loop.

    @cached_property
    def _map_plan(self) -> MapPlan:
        return plan_map(self.run)

    @cached_property
    def _reused(self) -> Sequence[bool]:
        reused = {cell.job_id for cell in self.run.cells if cell.reused}
        return [live.id in reused for live in self._lives]

    @cached_property
    def _places(self) -> Sequence[tuple[int, ...]]:
        first = {cell.job_id: cell.coordinates for cell in reversed(self.run.cells)}
        return [first[live.id] for live in self._lives]

    @cached_property
    def _job_at(self) -> Sequence[int]:
        number = {live.id: at for at, live in enumerate(self._lives)}
        return [number[cell.job_id] for cell in self.run.cells]

    @property
    def is_working(self) -> bool:
        """Whether this process is still working on one of the jobs."""
        return any(live.is_working for live in self._lives)

    @property
    def subject(self) -> Subject:
        """What the run is about."""
        if self._subject is None:
            records = {live.id: live.record for live in self._lives}
            self._notes = [printable(note, 200) for note in reference_notes(records.values())]
            self._subject = subject_of(self.run, records)
        return self._subject

    @property
    def notes(self) -> Sequence[str]:
        """How references differ from the given pictures."""
        return self._notes if self.subject else ()

    @property
    def laid_out(self) -> str:
        """How the map is laid out, in words."""
        return self._map_plan.words

    def renew(self) -> None:
        """Count anew what has changed since the last time."""
        with self._lock:
            if self._seen and self._seen[0] is None:
                # The pictures are kept in the order in which they came.
                ends = [live.record.finished_at or 0.0 for live in self._lives]
                order: Sequence[int] = sorted(range(len(ends)), key=ends.__getitem__)
            else:
                order = range(len(self._lives))
            for at in order:
                record = self._lives[at].record
                if record is not self._seen[at]:
                    self._take(at, record)

    def tally(self, now: float, *, live: bool) -> Tally:
        """The sums at a moment in epoch seconds; `live` is True while the run is worked on."""
        self.renew()
        with self._lock:
            idle = {self._lives[at].id for at in self._open if not self._lives[at].goes_on} if live else ()
            return self._count.tally(self.run.created_at, now, live=live, idle=idle)

    @property
    def noun(self) -> str:
        """What one of the run's results is called."""
        self.renew()
        with self._lock:
            return self._count.noun

    def price(self, statuses: frozenset[str]) -> int:
        """The documented prices, in credits, of all jobs in one of these statuses."""
        self.renew()
        return sum(self._count.prices[status] for status in statuses)

    @property
    def reasons(self) -> int:
        """How many different reasons there are for missing pictures."""
        return len(self._troubles)

    def troubles(self) -> list[Trouble]:
        """The most frequent reasons why pictures are missing."""
        self.renew()
        with self._lock:
            found = nlargest(MOST_REASONS, self._troubles.items(), key=lambda item: len(item[1]))
            return [
                Trouble(
                    why[0],
                    printable(": ".join(part for part in why[1:] if part)),
                    len(places),
                    [
                        place_label(self.run.axes, self._places[at]).text
                        for at in islice(places, MOST_EXAMPLES)
                    ],
                )
                for why, places in found
            ]

    def map(self) -> StatusMap:
        """The map of all places as they are now."""
        self.renew()
        return draw_map(self._map_plan, bytes(map(self._codes.__getitem__, self._job_at)))

    def pictured(self) -> int:
        """How many jobs have a picture."""
        self.renew()
        return len(self._pictured)

    def latest(self, count: int) -> list[tuple[tuple[int, ...], JobRecord]]:
        """The jobs whose pictures came last, newest first, with their places."""
        self.renew()
        with self._lock:
            return self._with_places(islice(reversed(self._pictured), count))

    def first(self, count: int) -> list[tuple[tuple[int, ...], JobRecord]]:
        """The first jobs with pictures in the order of the run, with their places."""
        self.renew()
        with self._lock:
            return self._with_places(sorted(self._pictured)[:count])

    def _with_places(self, jobs: Iterable[int]) -> list[tuple[tuple[int, ...], JobRecord]]:
        return [(self._places[at], self._lives[at].record) for at in jobs]

    def _take(self, at: int, record: JobRecord) -> None:
        """Count a job as it is now instead of as it was."""
        before, reused = self._seen[at], self._reused[at]
        if before is not None:
            self._count.remove(before, reused=reused)
            self._forget(at, before)
        self._seen[at] = record
        self._count.add(record, reused=reused)
        self._codes[at] = code(record)
        if record.pictures:
            self._pictured[at] = None
        if not record.is_final:
            self._open[at] = None
        if record.status in _TROUBLED:
            self._troubles.setdefault(_why(record), {})[at] = None

    def _forget(self, at: int, record: JobRecord) -> None:
        self._pictured.pop(at, None)
        self._open.pop(at, None)
        if (alike := self._troubles.get(_why(record))) is not None:
            alike.pop(at, None)
            if not alike:
                del self._troubles[_why(record)]


def _why(record: JobRecord) -> _Why:
    return state(record), record.error_code, record.error_message
