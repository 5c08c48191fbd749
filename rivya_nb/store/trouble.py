"""The messages for errors of a disk or a database, with what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rivya_nb.contract.text import HALF, short_repr
from rivya_nb.errors import StoreError
from rivya_nb.store.mounts import Mount

ANOTHER_STORE = "name another folder with store=…"
ANOTHER_PLACE = "name another place"
ANOTHER_CACHE = "make it writable, or let XDG_CACHE_HOME name another folder for caches"

MAY_NOT_BE_WRITTEN = "it may not be written by this user"
READ_ONLY_DISK = "the disk is read-only"

_DISK = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EACCES: f"{MAY_NOT_BE_WRITTEN}; {{way_out}}",
    errno.EPERM: f"{MAY_NOT_BE_WRITTEN}; {{way_out}}",
    errno.EROFS: f"{READ_ONLY_DISK}; {{way_out}}",
    errno.ENOTDIR: "there is a file where a folder should be; {way_out}",
    errno.EEXIST: "there is a file where a folder should be; {way_out}",
    errno.EISDIR: "there is a folder where a file should be; {way_out}",
    errno.EXDEV: "it is on another disk than the rest of the store; keep the whole store on one",
    errno.ENOENT: "it is not there any more",
}

_DATABASE = (
    ("disk is full", "the disk is full; free some space and try again. What was stored before is safe"),
    ("disk I/O error", "the disk cannot be read or written. What was stored before is left as it is"),
    ("locked", "another process is using it; try again when that process is done"),
    ("readonly", "it may not be written; name another folder with store=…"),
    (
        "not a database",
        "it is damaged, or not a database. It was left as it is; move it away to start with a new one",
    ),
    *(
        (words, "it is damaged. It was left as it is; move it away to start with a new one")
        for words in ("malformed", "Could not decode to UTF-8")
    ),
    ("no such column", "a newer rivya_nb has changed it meanwhile; restart this kernel"),
    ("has no column", "a newer rivya_nb has changed it meanwhile; restart this kernel"),
    ("unable to open", "it cannot be opened; name another folder with store=…"),
)


@contextmanager
def disk_trouble(path: Path, way_out: str = ANOTHER_STORE) -> Iterator[None]:
    """Turn an OSError about `path` into a StoreError; if another path would help, it names the `way_out`."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreError(f"{short_repr(str(path))}: {HALF}; {way_out}.") from error
    except OSError as error:
        named = error.filename2 or error.filename
        # The user does not know the name of a temporary file.
        place = named if isinstance(named, str) and not named.endswith(".part") else path
        said = _DISK.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"{place}: {said.replace('{way_out}', way_out)}.") from error


def read_only(obstacle: str) -> StoreError:
    """The error for writing to a read-only store; `obstacle` is the reason."""
    return StoreError(
        f'This store may only be read ({obstacle}). To write, open another one: rv.connect(store="folder").'
    )


def shared_trouble(folder: Path, mount: Mount) -> StoreError:
    """The error for a store in a folder that other machines may use as well."""
    return StoreError(
        f"{folder} is on a network file system or a share ({mount.kind} at {mount.point}), where SQLite's files "
        "are destroyed as soon as two machines use them; nothing was opened. Name a folder on a disk of this "
        "machine with store=… or RIVYA_STORE, or a database that several machines share: "
        "postgresql://host/database. A store that is there already is copied to another place by `rivya-nb move`."
    )


def database_trouble(path: Path, said: str) -> StoreError:
    """The error for an error message of the database at `path`."""
    for fragment, meaning in _DATABASE:
        if fragment in said:
            return StoreError(f"{path}: {meaning}.")
    return StoreError(f"{path}: the database refused ({said}).")
