"""Checks whether an open store is still in its place, and whether it may be written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rivya_nb.errors import StoreError
from rivya_nb.store.trouble import MAY_NOT_BE_WRITTEN, READ_ONLY_DISK

DATABASE = "rivya.db"

_ST_RDONLY = getattr(os, "ST_RDONLY", 1)
_EFFECTIVE = os.access in os.supports_effective_ids


class Presence:
    """Existing files as they were when they were opened, by device and inode.

    An open file that is deleted or replaced can still be written, but the data are lost when it is closed.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        seen = {path: _mark(path) for path in paths}
        self._seen = {path: mark for path, mark in seen.items() if mark is not None}

    @property
    def holds(self) -> bool:
        """True if the files that were opened still have their names."""
        return all(_mark(path) == mark for path, mark in self._seen.items())

    def check(self) -> None:
        """Raise StoreError if one of the files was moved, deleted or replaced."""
        for path, mark in self._seen.items():
            now = _mark(path)
            if now == mark:
                continue
            if now is not None:
                what = f"file {path} was replaced by another file"
            elif path.parent.is_dir():
                what = f"file {path} was moved or deleted"
            else:
                what = f"folder {path.parent} was moved or deleted"
            raise StoreError(
                f"The store's {what} while it was open. Nothing is sent or written. Move it back, or open another "
                'store with rv.connect(store="folder").'
            )


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def why_read_only(folder: Path) -> str | None:
    """The reason why the store in this folder may only be read; None if it may be written, or does not exist.

    No file is opened: SQLite's locks on a file end when this process closes any descriptor of it.
    """
    if not (folder / DATABASE).exists():
        return None
    for name in ("", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "locks"):
        path = folder / name
        if path.exists() and not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
            read_only = hasattr(os, "statvfs") and os.statvfs(path).f_flag & _ST_RDONLY
            return f"{path}: {READ_ONLY_DISK if read_only else MAY_NOT_BE_WRITTEN}"
    return None
