"""Keeps forks of this process and transactions apart.

SQLite keeps this process' locks in memory. A forked process has a copy of that memory, and a transaction that
was under way would lock the database for it for ever.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 5.0
"""Seconds that a fork waits for the transactions of other threads."""


class Forks:
    """Allows concurrent transactions, and a fork only between them.

    `is_torn` is True if this process was forked during a transaction nevertheless: another thread's took
    longer than `PATIENCE`, or the forking thread was in one itself.
    """

    def __init__(self) -> None:
        self.is_torn = False
        self._changed = threading.Condition()
        self._under_way: dict[int, int] = {}
        self._forking = 0

    @contextmanager
    def held_off(self) -> Iterator[None]:
        """Around a transaction: prevents a fork."""
        me = threading.get_ident()
        with self._changed:
            # A thread that is already in a transaction must not wait for a fork that waits for that
            # transaction.
            while self._forking and me not in self._under_way:
                self._changed.wait()
            self._under_way[me] = self._under_way.get(me, 0) + 1
        try:
            yield
        finally:
            self._leave(me)

    def _leave(self, me: int) -> None:
        with self._changed:
            # In a forked process the count may be gone.
            left = self._under_way.pop(me, 1) - 1
            if left:
                self._under_way[me] = left
            if self._forking:
                self._changed.notify_all()

    def _before(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._forking += 1
            self._changed.wait_for(lambda: not self._under_way.keys() - {me}, PATIENCE)

    def _after(self) -> None:
        with self._changed:
            self._forking -= 1
            self._changed.notify_all()

    def _begin_anew(self) -> None:
        # The lock may be held by a thread of the parent.
        self._changed = threading.Condition()
        self.is_torn = self.is_torn or bool(self._under_way)
        self._under_way, self._forking = {}, 0


FORKS = Forks()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=FORKS._before, after_in_parent=FORKS._after, after_in_child=FORKS._begin_anew)
