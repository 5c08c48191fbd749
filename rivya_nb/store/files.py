"""Picture and reference files, named by the SHA-256 of their content. A file in its place is always whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from rivya_nb.errors import StoreError
from rivya_nb.files import replace_file
from rivya_nb.media.formats import EXTENSIONS
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.thumbnails import Thumbnails
from rivya_nb.store.trouble import ANOTHER_PLACE, ANOTHER_STORE, disk_trouble, read_only

_CHUNK = 1 << 20

PICTURES = "pictures"
"""The folder of the originals, in the folder of all files."""

STALE = 24 * 3600.0
"""Seconds after which no process writes to an incoming file any more."""

ROOM = 1 << 20
"""Bytes that must be free on the disk before another picture is bought."""

_TRIAL = bytes(1 << 16)


class DamagedError(StoreError):
    """An object of a bucket has other bytes than its name says."""


class ContentFiles:
    """Files below one folder: `pictures/ab/abcd….png`, and `incoming/` for files that are being written.

    Files are found by their hash and MIME type, which the records have. Every method may be called from any
    thread and process, and raises StoreError if the disk fails. `obstacle` is the reason why they may only be
    read, if so. A deleted folder is created again when it is needed. `are_elsewhere` is True where the files are
    in a bucket, and only some of them on this machine.
    """

    are_elsewhere = False
    way_out = ANOTHER_STORE
    """What helps where a folder may not be written."""
    trouble = ""
    """Why files cannot be read from elsewhere now; empty where they can, as far as that is known."""

    def __init__(self, folder: Path, obstacle: str | None = None) -> None:
        self._obstacle = obstacle
        self.folder = folder / PICTURES
        self._incoming = folder / "incoming"
        self.thumbnails = Thumbnails(folder / "thumbnails", self._incoming)
        if obstacle is None:
            with disk_trouble(folder, self.way_out):
                self.folder.mkdir(exist_ok=True)
                self._incoming.mkdir(exist_ok=True)
            self._sweep()

    @property
    def place(self) -> str:
        """The folder or the bucket of all the files."""
        return str(self.folder.parent)

    @property
    def incoming(self) -> Path:
        """The folder of files that are being written. It exists as long as the store does."""
        if self._obstacle is not None:
            raise read_only(self._obstacle)
        with disk_trouble(self._incoming, self.way_out):
            self._make(self._incoming)
        return self._incoming

    def try_out(self) -> None:
        """Write a small file as a picture is written: into `incoming`, into place, and remove it.

        Raises:
            StoreError: no picture could be kept now: the disk is full, or something may not be written.
        """
        part = self.incoming / f"{uuid.uuid4().hex}.part"
        placed = self.folder / part.name
        try:
            with disk_trouble(self._incoming, self.way_out):
                part.write_bytes(_TRIAL)
            with disk_trouble(self.folder, self.way_out):
                self._make(self.folder)
                part.replace(placed)
                usage = shutil.disk_usage(self.folder)
                # A disk that does not tell its size does not tell its free space, either.
                if usage.total > 0 and usage.free < ROOM:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            for path in (part, placed):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def path(self, sha256: str, mime_type: str) -> Path:
        """The absolute path where the file is, or would be, on this machine."""
        return self.folder / sha256[:2] / f"{sha256}{EXTENSIONS.get(mime_type, '.bin')}"

    def local(self, sha256: str, mime_type: str) -> Path:
        """This path, with the file in it unless it is gone; where the files are in a bucket, it is fetched first.
        Call it off the event loop."""
        return self.path(sha256, mime_type)

    def has(self, sha256: str, mime_type: str) -> bool:
        """Whether the file exists; of one in a bucket, whether it is not known to be gone."""
        return self.path(sha256, mime_type).is_file()

    def name(self, sha256: str, mime_type: str) -> str:
        """Where the file is: its path on this machine, or what it is called in a bucket."""
        return str(self.path(sha256, mime_type))

    def size(self, sha256: str, mime_type: str) -> int | None:
        """The size of the file in bytes; None if there is none. A bucket may be asked for it."""
        try:
            return self.path(sha256, mime_type).stat().st_size
        except OSError:
            return None

    def examine(self, sha256: str, mime_type: str) -> tuple[str, int] | None:
        """The hash and the size of the file as it is kept; None if there is none. Slow: all of it is read."""
        path = self.path(sha256, mime_type)
        try:
            with disk_trouble(path):
                return hash_of(path), path.stat().st_size
        except StoreError:
            if path.is_file():
                raise
            return None

    def names(self) -> Iterator[str]:
        """The names of all files that are kept, as `ab/abcd….png`. Others come and go meanwhile."""
        return (path.relative_to(self.folder).as_posix() for path in self.folder.glob("*/*"))

    def recalled(self, source: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """What a user names as a file; if that is one of these files, fetched to this machine."""
        return source

    def read(self, sha256: str, mime_type: str) -> bytes:
        path = self.local(sha256, mime_type)
        if not path.is_file():
            raise StoreError(f"{path}: this picture's file is gone; its record is still there.")
        with disk_trouble(path):
            return path.read_bytes()

    def put(self, data: bytes, mime_type: str) -> str:
        """Keep `data` and return its hash; the same content is kept once."""
        with self.arriving() as part:
            with disk_trouble(self.folder, self.way_out):
                part.write_bytes(data)
            return self.adopt(part, mime_type)

    def copy(self, source: ContentFiles, sha256: str, mime_type: str) -> bool:
        """Copy another store's file; False if it is gone or damaged there."""
        try:
            original = source.local(sha256, mime_type)
        except DamagedError:
            return False
        with disk_trouble(original), self.arriving() as part:
            try:
                shutil.copyfile(original, part)
            except FileNotFoundError:
                return False
            return self.adopt(part, mime_type) == sha256

    def _make_folder_of(self, path: Path) -> None:
        # The store's own folder is not created: if it was moved, nothing may be in its place when it comes
        # back.
        self._make(self.folder)
        self._make(path.parent)

    def _make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)

    def has_all(self, pictures: Iterable[PictureRecord]) -> bool:
        """True if the files of all these pictures exist."""
        return all(self.has(each.sha256, each.mime_type) for each in pictures)

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """The path of a new file in `incoming`, which is removed at the end unless it was adopted."""
        with self._new_part(self.incoming) as part:
            yield part

    @contextmanager
    def _new_part(self, incoming: Path) -> Iterator[Path]:
        part = incoming / f"{uuid.uuid4().hex}.part"
        try:
            yield part
        finally:
            with disk_trouble(part):
                part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove files that dead processes have left: a living one needs minutes at most."""
        for part in chain(self._incoming.glob("*.part"), self.folder.glob("*.part")):
            # A file that cannot be removed must not prevent the use of the store.
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > STALE:
                    part.unlink()

    def adopt(self, part: Path, mime_type: str, sha256: str | None = None) -> str:
        """Move a complete file out of `incoming` into its place and return its hash, computed unless it is
        given. `part` does not exist afterwards."""
        with disk_trouble(part):
            sha256 = sha256 or hash_of(part)
            self._place(part, self.path(sha256, mime_type))
        return sha256

    def receive(self, part: Path, mime_type: str, sha256: str) -> Path:
        """Keep a complete file of `incoming` on this machine, and return where it is; `secure` follows."""
        self.adopt(part, mime_type, sha256)
        return self.path(sha256, mime_type)

    def secure(self, contents: Collection[tuple[str, str]]) -> bool:
        """Bring received files, by hash and MIME type, to where every machine finds them; False if one is gone, so
        that it has to be received again."""
        return all(self.has(*content) for content in contents)

    def hold(self, job_id: str, pictures: Sequence[PictureRecord]) -> None:
        """Remember on this machine that the pictures of a job were received, until `release`."""

    def held(self, job_id: str) -> tuple[PictureRecord, ...]:  # noqa: ARG002 - a bucket holds some
        """The received pictures of a job that were not secured yet."""
        return ()

    def release(self, job_id: str) -> None:
        """Forget what `hold` remembers."""

    def remove(self, contents: Collection[tuple[str, str]]) -> int:
        """Remove files, by hash and MIME type, and their small pictures; returns the bytes that were freed."""
        freed = 0
        for sha256, mime_type in contents:
            path = self.path(sha256, mime_type)
            with disk_trouble(path):
                freed += _remove(path)
            for small in (self.thumbnails.folder / sha256[:2]).glob(f"{sha256}*"):
                with suppress(OSError):
                    freed += _remove(small)
        return freed

    def _place(self, part: Path, path: Path) -> None:
        if _is_there(path, part.stat().st_size):
            part.unlink()
            return
        self._make_folder_of(path)
        with part.open("rb+") as file:
            _flush(file.fileno())
        _into_place(part, path)


def write_whole(target: Path, content: bytes | Path, way_out: str = ANOTHER_PLACE) -> None:
    """Write a file from bytes or from another file, so that readers see the old file or the whole new one.

    Raises:
        StoreError: the disk fails; no part of the file is left.
    """
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    with disk_trouble(target, way_out):
        try:
            if isinstance(content, Path):
                shutil.copyfile(content, part)
            else:
                part.write_bytes(content)
            replace_file(target, part)
        finally:
            part.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _is_there(path: Path, size: int) -> bool:
    # A file of another size was damaged from outside; it is written again.
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _remove(path: Path) -> int:
    """The bytes of a removed file; 0 if it is gone."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _into_place(part: Path, path: Path) -> None:
    replace_file(path, part)
    if os.name == "posix":
        # The file's new name is durable only after its folder is flushed.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            _flush(folder)
        finally:
            os.close(folder)
