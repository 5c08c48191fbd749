"""Tries again what a database server did not answer, for as long as a user may wait in a cell."""

from __future__ import annotations

import time
from typing import Protocol, TypeVar

from rivya_nb.errors import DatabaseUnreachableError

PATIENCE, PAUSE = 10.0, 0.2
"""Seconds for which a database that does not answer is asked again, and between two attempts."""

T = TypeVar("T", covariant=True)


class _Step(Protocol[T]):
    def __call__(self, *, is_again: bool) -> T: ...


def persist(step: _Step[T]) -> T:
    """Take a step; where the database does not answer, again for some seconds. The step is told then that it may
    have been taken already."""
    end, is_again = time.monotonic() + PATIENCE, False
    while True:
        try:
            return step(is_again=is_again)
        except DatabaseUnreachableError:
            if time.monotonic() > end:
                raise
        is_again = True
        time.sleep(PAUSE)
