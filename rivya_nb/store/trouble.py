"""What a disk or a database says when it fails, in words that tell what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rivya_nb.errors import StoreError

_DISK = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EACCES: "it may not be written by this user; name another folder with store=…",
    errno.EPERM: "it may not be written by this user; name another folder with store=…",
    errno.EROFS: "the disk is read-only; name another folder with store=…",
    errno.ENOTDIR: "there is a file where a folder should be; name another folder with store=…",
    errno.EEXIST: "there is a file where a folder should be; name another folder with store=…",
    errno.ENOENT: "it is not there any more",
}

_DATABASE = (
    ("disk is full", "the disk is full; free some space and try again. What was stored before is safe"),
    ("disk I/O error", "the disk cannot be read or written. What was stored before is left as it is"),
    ("locked", "another process keeps it busy; try again when that one is done"),
    ("readonly", "it may not be written; name another folder with store=…"),
    ("not a database", "it is damaged, or no database. It is left as it is; move it away to start anew"),
    ("malformed", "it is damaged. It is left as it is; move it away to start anew"),
    ("no such column", "a newer rivya_nb has changed it meanwhile; restart this kernel"),
    ("has no column", "a newer rivya_nb has changed it meanwhile; restart this kernel"),
    ("unable to open", "it cannot be opened; name another folder with store=…"),
)


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into a StoreError."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else path
        raise StoreError(f"{place}: {_DISK.get(error.errno or 0, error.strerror or str(error))}.") from error


def database_trouble(path: Path, said: str) -> StoreError:
    """The error for what the database at `path` said."""
    for fragment, meaning in _DATABASE:
        if fragment in said:
            return StoreError(f"{path}: {meaning}.")
    return StoreError(f"{path}: the database refused ({said}).")
