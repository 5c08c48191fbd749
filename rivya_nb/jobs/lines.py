"""The jobs that wait for a place: a line for each run, so that a small run does not wait for a large one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

from rivya_nb.jobs.giving_up import is_given_up
from rivya_nb.jobs.job import LiveJob
from rivya_nb.store.records import UNSENT


class Lines:
    """The waiting jobs of one session, by run. A job that several runs want waits in the line of the oldest one.

    Not safe for several threads, except for `limit`.
    """

    def __init__(self) -> None:
        self._lines: dict[int, deque[LiveJob]] = {}
        self._most: dict[int, int] = {}
        self._run_of: dict[str, int] = {}
        self._at_work: Counter[int] = Counter()
        self._ended: Counter[int] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[LiveJob]:
        for line in self._lines.values():
            yield from line

    def limit(self, run_id: int, most_jobs: int) -> None:
        """Let at most so many jobs of a run leave its line before one of them is done."""
        self._most[run_id] = most_jobs

    def add(self, job: LiveJob) -> None:
        """Let a job wait: at the end of its line, or first in it if it was sent already."""
        line = self._lines.setdefault(min(job.wanted_by, default=0), deque())
        (line.append if job.record.status in UNSENT else line.appendleft)(job)

    def take(self, *, unsent: bool) -> LiveJob | None:
        """The next job, of the run with the fewest jobs at work; None if there is none. Without `unsent`, only one
        that was sent already."""
        for run_id in sorted(self._lines, key=self._at_work.__getitem__):
            line = self._lines[run_id]
            is_full = self._at_work[run_id] >= self._most.get(run_id, len(line) + self._at_work[run_id])
            if is_full or (line[0].record.status in UNSENT and not unsent):
                continue
            job = line.popleft()
            if not line:
                del self._lines[run_id]
            self._run_of[job.id] = run_id
            self._at_work[run_id] += 1
            return job
        return None

    def done(self, job: LiveJob) -> None:
        """Note that a job that was taken is no longer at work."""
        run_id = self._run_of.pop(job.id)
        self._at_work[run_id] -= 1
        self._ended[run_id] += 1
        if not self._at_work[run_id] and run_id not in self._lines:
            del self._at_work[run_id], self._ended[run_id]

    def taken(self, run_id: int) -> int:
        """How many jobs of a run left its line, those included that are done."""
        return self._at_work[run_id] + self._ended[run_id]

    def waiting(self, run_id: int) -> int:
        """How many jobs of a run wait in its line."""
        return len(self._lines.get(run_id, ()))

    def last(self) -> dict[int, LiveJob]:
        """The last job of each line, by run."""
        return {run_id: line[-1] for run_id, line in self._lines.items()}

    def take_unwanted(self) -> list[LiveJob]:
        """Take out the jobs that no run wants any more."""
        unwanted: list[LiveJob] = []
        for run_id, line in list(self._lines.items()):
            kept: deque[LiveJob] = deque()
            for job in line:
                (unwanted if is_given_up(job) else kept).append(job)
            self._lines[run_id] = kept
            if not kept:
                del self._lines[run_id]
        return unwanted
