"""The pictures of a bucket that are on this machine: those that were used last, in a folder of all processes."""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rivya_nb.errors import UsageError

SIZE_VARIABLE = "RIVYA_PICTURES_CACHE_GB"
DEFAULT_GB = 10.0

IN_USE = 600.0
"""Seconds after its last use in which a file is not removed: somebody may just read it."""


def cache_folder(identity: str) -> Path:
    """The folder on this machine for what is fetched from one bucket."""
    from platformdirs import user_cache_path

    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return user_cache_path("rivya_nb", appauthor=False) / f"pictures-{name}"


def most_bytes() -> int:
    """The most bytes of such a folder.

    Raises:
        UsageError: the environment's size is no positive number.
    """
    given = os.environ.get(SIZE_VARIABLE) or str(DEFAULT_GB)
    try:
        size = float(given)
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise UsageError(f"{SIZE_VARIABLE} is {given!r}; it is a size in GB, such as {DEFAULT_GB:g}.")
    return int(size * 1e9)


class PictureCache:
    """Keeps folders within a size: what was used longest ago is removed.

    The time of the last use is that of the last access, which is set here: most disks do not write it.
    """

    def __init__(self, folders: Iterable[Path], most: int) -> None:
        self._folders = tuple(folders)
        self._most = most
        self._lock = threading.Lock()
        # Nobody knows yet what earlier processes have left.
        self._unseen = most

    def used(self, path: Path) -> bool:
        """Note that a file is used; False if there is none."""
        try:
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except FileNotFoundError:
            return False
        except OSError:
            return path.is_file()
        return True

    def added(self, size: int) -> None:
        """Note that a file of so many bytes was added, and make room from time to time."""
        with self._lock:
            self._unseen += size
            if self._unseen * 20 < self._most:
                return
            self._unseen = 0
        self._make_room()

    def _make_room(self) -> None:
        files: list[tuple[float, int, Path]] = []
        for folder in self._folders:
            for path in folder.glob("*/*"):
                with suppress(OSError):  # another process removed it
                    about = path.stat()
                    files.append((about.st_atime, about.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self._most:
            return
        for used_at, size, path in sorted(files):
            if total <= self._most * 0.9 or used_at > time.time() - IN_USE:
                return
            with suppress(OSError):
                path.unlink()
                total -= size
