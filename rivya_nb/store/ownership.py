"""Which process owns a job: one that holds a lock on its own file as long as it lives.

The operating system releases the lock when the process ends in any way; a process that is busy or suspended
keeps it. A forked child does not hold it: filelock closes the file there. Ids are never used twice, so a dead
owner stays dead.
"""

from __future__ import annotations

import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from rivya_nb.store.news import News
from rivya_nb.store.presence import Presence
from rivya_nb.store.trouble import disk_trouble

_PATIENCE = 30.0
"""Seconds to wait for others that test, take or release a lock; each needs well below a millisecond."""


class Owner(ABC):
    """This process as an owner of jobs, for one open store. `id` is stored in the records."""

    id: str

    @property
    @abstractmethod
    def hears_others(self) -> bool:
        """Whether changes by other processes, and their deaths, are passed on now: who waits for one need not look
        again and again."""

    @abstractmethod
    def share(self, news: Mapping[str, News]) -> None:
        """Where it can be done, announce this process' changes to the others that have the store open, and pass
        theirs on; `news` has the kinds of changes by the names that all know."""

    @abstractmethod
    def renew(self) -> None:
        """See to it that others do not take this process for dead.

        Raises:
            DatabaseUnreachableError: they may at this moment, but not for long.
        """

    @abstractmethod
    def living(self, connection: Connection, owners: Collection[str]) -> set[str]:
        """Those of these owners that live, asked within a transaction."""

    @abstractmethod
    def close(self) -> None:
        """From now on other processes may take the jobs of this owner. In a forked process it does nothing: the
        ownership is the parent's."""


class FileOwner(Owner):
    """An owner by a lock on a file. In a store that is `read_only` it owns no jobs."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.id = uuid.uuid4().hex
        self._folder = folder
        self._process = os.getpid()
        self._read_only = read_only
        # The object holds the lock, not a thread: a store may be opened and closed on different threads.
        self._lock = FileLock(self._path(self.id), thread_local=False)
        self._presence = Presence()
        if not read_only:
            self._acquire()
            self._forget_the_dead()

    @property
    def hears_others(self) -> bool:
        """Files tell nobody."""
        return False

    def share(self, news: Mapping[str, News]) -> None:
        """Files tell nobody."""

    def renew(self) -> None:
        # The lock's file may have been deleted.
        if not self._presence.holds:
            self._acquire()

    def _acquire(self) -> None:
        with disk_trouble(self._folder):
            self._folder.mkdir(exist_ok=True)
            with self._turn():
                self._lock.release()
                self._lock.acquire(blocking=False)
            self._presence = Presence([self._path(self.id)])

    def living(self, connection: Connection, owners: Collection[str]) -> set[str]:  # noqa: ARG002
        return {owner for owner in owners if self.is_alive(owner)}

    def is_alive(self, owner_id: str) -> bool:
        """True if the process with this id still holds its lock. Removes the lock file of a dead one."""
        if owner_id == self.id:
            return self._lock.is_locked
        path = self._path(owner_id)
        if not path.exists():
            return False
        if self._read_only:
            # A lock can be tested with write access only; a process that has it removes the locks of dead
            # ones.
            return True
        with disk_trouble(path), self._turn():
            if not path.exists():
                return False
            probe = FileLock(path, thread_local=False)
            try:
                probe.acquire(blocking=False)
            except Timeout:
                return True
            probe.release()
            path.unlink(missing_ok=True)
            return False

    def close(self) -> None:
        if os.getpid() != self._process:
            return
        if self._read_only or not self._path(self.id).exists():
            # If the folder is gone, `_turn` would create it again.
            self._lock.release()
            return
        with disk_trouble(self._folder), self._turn():
            self._lock.release()
            self._path(self.id).unlink(missing_ok=True)

    def _forget_the_dead(self) -> None:
        for path in self._folder.glob("*.lock"):
            self.is_alive(path.stem)

    def _path(self, owner_id: str) -> Path:
        return self._folder / f"{owner_id}.lock"

    def _turn(self) -> FileLock:
        """A lock for one process at a time: a lock that is only tested must not seem held to a third process.

        It is a new object each time, because threads that share one object would not exclude each other.
        """
        return FileLock(self._folder / "turn", timeout=_PATIENCE, thread_local=False)
