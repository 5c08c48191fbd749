"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

MOST = 20
"""Findings of a kind that are told one by one."""

FROM_BACKUP = "put it back from a backup, or delete the picture in a notebook"
REPORT = "the history is right where it names jobs one by one; keep a copy of the store, and report it"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and what to do."""

    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.what}; {self.todo}"


def some(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The first findings of a kind, and how many more there are."""
    rest = iter(findings)
    last = None
    for finding in islice(rest, MOST):
        last = finding
        yield finding
    more = sum(1 for _ in rest)
    if last is not None and more:
        yield Finding(f"and {more:,} more like the last one", last.todo)
