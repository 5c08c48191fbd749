"""Which process works on a job: one that holds a lock on a file of its own for as long as it lives.

The operating system lets go of the lock when the process ends, however it ends; a process that is merely busy
or suspended keeps it. A forked child does not hold it: filelock closes the file there. Ids are never used
twice, so an owner that is found dead stays dead.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from rivya_nb.store.presence import Presence
from rivya_nb.store.trouble import disk_trouble

_PATIENCE = 30.0
"""Seconds to wait for others who look at, take or give back a lock; each needs well below a millisecond."""


class Owner:
    """This process as an owner of jobs, for one open store. `id` is what the records say.

    In a store that is `read_only` it never owns any.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.id = uuid.uuid4().hex
        self._folder = folder
        self._process = os.getpid()
        self._read_only = read_only
        # Locks are held by the object, not by a thread: a store is opened and closed wherever it suits.
        self._lock = FileLock(self._path(self.id), thread_local=False)
        self._presence = Presence()
        if not read_only:
            self._acquire()
            self._forget_the_dead()

    def renew(self) -> None:
        """Hold the lock again where somebody has deleted its file: others took this process for dead."""
        if not self._presence.holds:
            self._acquire()

    def _acquire(self) -> None:
        with disk_trouble(self._folder):
            self._folder.mkdir(exist_ok=True)
            with self._turn():
                self._lock.release()
                self._lock.acquire(blocking=False)
            self._presence = Presence([self._path(self.id)])

    def is_alive(self, owner_id: str) -> bool:
        """Whether the process with this id still holds its lock. Clears away the lock file of a dead one."""
        if owner_id == self.id:
            return self._lock.is_locked
        path = self._path(owner_id)
        if not path.exists():
            return False
        if self._read_only:
            # Only who may write can try a lock; one that was left by a dead process is cleared away by others.
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
        """Give the lock back: from now on the jobs of this owner are free for others.

        In a forked process it does nothing: the lock is its parent's.
        """
        if os.getpid() != self._process:
            return
        if self._read_only or not self._path(self.id).exists():
            # Where the folder is gone, taking a turn would make it anew.
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
        """One at a time: a lock that somebody only looks at must not seem held to a third.

        A new object each time, because one object lets the threads that share it in together.
        """
        return FileLock(self._folder / "turn", timeout=_PATIENCE, thread_local=False)
