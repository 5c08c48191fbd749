"""Picture and reference files in a bucket, with a cache on this machine.

The objects have the names that the files of a store's folder have: `pictures/ab/abcd….png`, and for the small
pictures `thumbnails/ab/abcd…-512.jpg`. A received picture waits in the folder `waiting` until it is in the
bucket, and nothing removes it from there.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from rivya_nb.errors import PictureError, StoreError, UnreachableError
from rivya_nb.store.bucket import Bucket
from rivya_nb.store.files import ContentFiles, DamagedError, hash_of, write_whole
from rivya_nb.store.picture_cache import PictureCache, cache_folder, most_bytes
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.thumbnails import Thumbnails
from rivya_nb.store.trouble import ANOTHER_CACHE, disk_trouble, read_only

TRIED = 30.0
"""Seconds in which a bucket that could be written is not tried again."""

GIVEN_UP = 60 * 24 * 3600.0
"""Seconds after which nobody waits any more for a received picture to get into the bucket."""


class BucketFiles(ContentFiles):
    """Files in a bucket; `folder` is the cache of the originals on this machine.

    `spare` is called with hashes before their files are sent: what was deleted is not swept away any more soon
    (see `tombstones.py`). Every method but `path` and `has` may be slow, and raises UnreachableError where the
    bucket does not answer.
    """

    are_elsewhere = True
    way_out = ANOTHER_CACHE

    def __init__(
        self, bucket: Bucket, spare: Callable[[Collection[str]], None], obstacle: str | None = None
    ) -> None:
        root = cache_folder(bucket.identity)
        self._root, self._waiting = root, root / "waiting"
        with disk_trouble(root, self.way_out):
            self._make(root)
        super().__init__(root)
        self._obstacle = obstacle
        self._bucket, self._spare = bucket, spare
        self.thumbnails: Thumbnails = _BucketThumbnails(self, root / "thumbnails", root / "incoming")
        self._cache = PictureCache((self.folder, self.thumbnails.folder), most_bytes())
        self._gone: set[Path] = set()
        self._tried_at: float | None = None
        self._trying = threading.Lock()
        self._sweep_waiting()

    @property
    def place(self) -> str:
        return str(self._bucket.address)

    def try_out(self) -> None:
        super().try_out()
        with self._trying:
            if self._tried_at is None or time.monotonic() - self._tried_at > TRIED:
                self._tried_at = None
                self._bucket.try_out()
                self._tried_at = time.monotonic()

    def local(self, sha256: str, mime_type: str) -> Path:
        path = self.path(sha256, mime_type)
        self.bring(path)
        return path

    def has(self, sha256: str, mime_type: str) -> bool:
        return not self.is_gone(self.path(sha256, mime_type))

    def name(self, sha256: str, mime_type: str) -> str:
        path = self.path(sha256, mime_type)
        return str(path) if path.is_file() else f"{self._bucket.address}/{self._name(path)}"

    def size(self, sha256: str, mime_type: str) -> int | None:
        found = super().size(sha256, mime_type)
        return self._bucket.size(self._name(self.path(sha256, mime_type))) if found is None else found

    def examine(self, sha256: str, mime_type: str) -> tuple[str, int] | None:
        with disk_trouble(self._incoming, self.way_out):
            self._make(self._incoming)
        # What is in the cache says nothing of the bucket.
        with self._new_part(self._incoming) as part:
            found = self._bucket.fetch(self._name(self.path(sha256, mime_type)), part)
            return None if found is None else (found, part.stat().st_size)

    def names(self) -> Iterator[str]:
        start = f"{self.folder.name}/"
        return (name.removeprefix(start) for name in self._bucket.names(start))

    def recalled(self, source: str | os.PathLike[str]) -> str | os.PathLike[str]:
        *_, root, folder, start, name = ("", "", "", "", *Path(source).parts)
        # A cell may have been written on another machine, where the cache is in another place.
        if (root, folder) != (self._root.name, self.folder.name) or start != name[:2]:
            return source
        self.bring(path := self.folder / start / name)
        return path

    def is_gone(self, path: Path) -> bool:
        """Whether the bucket was found to have no such file."""
        return path in self._gone

    def bring(self, path: Path) -> None:
        """Fetch a file to its place in the cache, unless it is there, or the bucket has none.

        Raises:
            UnreachableError: the bucket does not answer.
            StoreError: the object is damaged, or the disk fails.
        """
        if self._cache.used(path) or self.is_gone(path):
            return
        is_original = self.folder in path.parents
        with disk_trouble(self._incoming, self.way_out):
            self._make(self._incoming)
        with self._new_part(self._incoming) as part:
            try:
                found = self._bucket.fetch(self._name(path), part, trifle=not is_original)
            except UnreachableError as error:
                self.trouble = str(error)
                raise
            self.trouble = ""
            if found is None:
                if is_original:
                    self._gone.add(path)
                return
            if is_original and found != path.stem:
                raise DamagedError(
                    f"{self._bucket.address}/{self._name(path)} is damaged: its bytes are not those that were "
                    "kept. It is not shown; put the file back from a backup, or delete the picture."
                )
            size = part.stat().st_size
            with disk_trouble(path):
                self._make(path.parent)
                self._place(part, path)
        self._cache.added(size)

    def adopt(self, part: Path, mime_type: str, sha256: str | None = None) -> str:
        if sha256 is None:
            with disk_trouble(part):
                sha256 = hash_of(part)
        self.receive(part, mime_type, sha256)
        self.secure([(sha256, mime_type)])
        return sha256

    def receive(self, part: Path, mime_type: str, sha256: str) -> Path:
        if self._obstacle is not None:
            raise read_only(self._obstacle)
        waiting = self._waiting / self.path(sha256, mime_type).name
        with disk_trouble(part):
            self._make(self._waiting)
            self._place(part, waiting)
        return waiting

    def secure(self, contents: Collection[tuple[str, str]]) -> bool:
        self._spare([sha256 for sha256, _ in contents])
        return all(self._send(self.path(*content)) for content in contents)

    def _send(self, path: Path) -> bool:
        """Send a received file, or one that another process has sent meanwhile; False if it is not here."""
        for source in (self._waiting / path.name, path):
            try:
                with source.open("rb") as file:
                    self._bucket.put(self._name(path), file)
            except FileNotFoundError:
                continue
            self._gone.discard(path)
            self.thumbnails.share(path)
            if source != path:
                with disk_trouble(path), suppress(FileNotFoundError):
                    size = source.stat().st_size
                    self._place(source, path)
                    self._cache.added(size)
            return True
        return False

    def hold(self, job_id: str, pictures: Sequence[PictureRecord]) -> None:
        with disk_trouble(self._waiting, self.way_out):
            self._make(self._waiting)
        write_whole(self._note(job_id), json.dumps([asdict(each) for each in pictures]).encode())

    def held(self, job_id: str) -> tuple[PictureRecord, ...]:
        try:
            kept = tuple(PictureRecord(**each) for each in json.loads(self._note(job_id).read_bytes()))
        except (OSError, ValueError, TypeError):
            return ()
        paths = (self.path(each.sha256, each.mime_type) for each in kept)
        there = ((self._waiting / path.name).is_file() or path.is_file() for path in paths)
        return kept if all(there) else ()

    def release(self, job_id: str) -> None:
        with suppress(OSError):
            self._note(job_id).unlink(missing_ok=True)

    def remove(self, contents: Collection[tuple[str, str]]) -> int:
        paths = [self.path(*content) for content in contents]
        paths += [small for path in paths for small in self.thumbnails.shared(path)]
        self._bucket.delete([self._name(path) for path in paths])
        return super().remove(contents)

    def share(self, path: Path) -> None:
        """Put a small picture of this machine into the bucket; errors are ignored."""
        with suppress(OSError, UnreachableError), path.open("rb") as file:
            self._bucket.put(self._name(path), file)

    def _note(self, job_id: str) -> Path:
        return self._waiting / f"{job_id}.json"

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _make(self, folder: Path) -> None:
        # A cache may be deleted at any time, also as a whole.
        folder.mkdir(parents=True, exist_ok=True)

    def _sweep_waiting(self) -> None:
        for left in self._waiting.glob("*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > GIVEN_UP:
                    left.unlink()


class _BucketThumbnails(Thumbnails):
    """Small pictures that are fetched from the bucket where another machine has made them."""

    def __init__(self, files: BucketFiles, folder: Path, incoming: Path) -> None:
        super().__init__(folder, incoming)
        self._files = files

    def is_lost(self, original: Path) -> bool:
        return self._files.is_gone(original)

    def bring(self, path: Path) -> None:
        try:
            self._files.bring(path)
        except StoreError as error:
            raise PictureError(str(error)) from None

    def share(self, original: Path) -> None:
        for path in self.shared(original):
            self._files.share(path)
