"""The files of a bundle: a folder or a zip, written whole, and opened with care for what others put into it."""

from __future__ import annotations

import hashlib
import re
import stat
import uuid
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rivya_nb.contract.text import file_size, printable
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.files import open_file, replace_file, user_path
from rivya_nb.store.files import write_whole
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble

TEXT = "study.json"

LARGEST_TEXT = 100_000_000
MOST_FILES = 400_000
"""Bytes of the text of a bundle, and files in it."""

_PICTURE = re.compile(r"pictures/([0-9a-f]{2})/\1[0-9a-f]{62}\.[a-z0-9]{1,5}")
_FOLDER = re.compile(r"pictures/([0-9a-f]{2}/)?")
_CHUNK = 1 << 20
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_NAME_LENGTH = 80
_DAMAGES = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)


def write_bundle(target: Path, text: bytes, files: Mapping[str, Callable[[], Path]]) -> None:
    """Write the text of a bundle and copies of its files, by their names, into a zip or a folder. What `files` has
    for a name gives the path of its file.

    An earlier bundle in its place is replaced; anything else there is left as it is.

    Raises:
        UsageError: something else is there.
        StoreError: it cannot be written; what was there before stays.
    """
    with disk_trouble(target, ANOTHER_PLACE):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix.lower() == ".zip":
            _write_zip(target, text, files)
        else:
            _write_folder(target, text, files)


def _write_zip(target: Path, text: bytes, files: Mapping[str, Callable[[], Path]]) -> None:
    if target.exists() and not (target.is_file() and zipfile.is_zipfile(target) and _has_text(target)):
        raise _occupied(target)
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            # Without the time of this machine; pictures are compressed already.
            info = zipfile.ZipInfo(TEXT)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
            for name, local in files.items():
                with local().open("rb") as source, archive.open(zipfile.ZipInfo(name), "w") as copy:
                    while chunk := source.read(_CHUNK):
                        copy.write(chunk)
        replace_file(target, part)
    finally:
        part.unlink(missing_ok=True)


def _has_text(target: Path) -> bool:
    with zipfile.ZipFile(target) as archive:
        return TEXT in archive.namelist()


def _write_folder(target: Path, text: bytes, files: Mapping[str, Callable[[], Path]]) -> None:
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / TEXT).is_file())):
        raise _occupied(target)
    earlier = {f"pictures/{path.parent.name}/{path.name}" for path in target.glob("pictures/*/*")}
    for name, local in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(target / name, local())
    target.mkdir(exist_ok=True)
    write_whole(target / TEXT, text)
    for name in earlier - files.keys():
        if _PICTURE.fullmatch(name):
            (target / name).unlink()


def _occupied(target: Path) -> UsageError:
    return UsageError(
        [Mistake(str(target), "something else is there, and was left as it is; name another place")]
    )


class BundleFiles(ABC):
    """The files of a bundle, by their names."""

    def __init__(self, name: str) -> None:
        self._name = name

    @abstractmethod
    def names(self) -> set[str]:
        """The names of its pictures."""

    @abstractmethod
    def _open(self, name: str) -> BinaryIO: ...

    def text(self) -> bytes:
        """The text of the bundle.

        Raises:
            UsageError: there is none, or it is too large.
        """
        with self._reading(TEXT) as file:
            data = file.read(LARGEST_TEXT + 1)
        if len(data) > LARGEST_TEXT:
            raise self.wrong(TEXT, f"it is over the limit of {file_size(LARGEST_TEXT)}")
        return data

    def copy(self, name: str, sha256: str, most: int, target: Path) -> None:
        """Copy a picture to `target`.

        Raises:
            UsageError: it is not there, has more bytes than `most`, or other ones than its name says.
        """
        digest, size = hashlib.sha256(), 0
        with self._reading(name) as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise self.wrong(name, f"it is over the limit of {file_size(most)}")
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != sha256:
            raise self.wrong(name, "its content is not what its name says")

    def wrong(self, name: str, message: str) -> UsageError:
        shown = printable(name, _NAME_LENGTH)
        return UsageError([Mistake(self._name, f"{shown}: {message}; nothing of it was imported")])

    @contextmanager
    def _reading(self, name: str) -> Iterator[BinaryIO]:
        try:
            file = self._open(name)
        except (KeyError, FileNotFoundError):
            raise self.wrong(name, "the bundle does not have it") from None
        except _DAMAGES as error:
            raise self.wrong(name, f"it cannot be read ({error})") from None
        with file:
            try:
                yield file
            except UsageError:
                raise
            except _DAMAGES as error:
                raise self.wrong(name, f"it cannot be read ({error})") from None


class _Folder(BundleFiles):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder.name)
        self._folder = folder

    def names(self) -> set[str]:
        found: set[str] = set()
        for path in self._folder.rglob("*"):
            name = path.relative_to(self._folder).as_posix()
            if len(found) > MOST_FILES:
                raise self.wrong(name, f"there are more than {MOST_FILES:,} files")
            if path.is_symlink():
                raise self.wrong(name, "this is a link, which no bundle has")
            if not path.is_dir() and name != TEXT:
                if not _PICTURE.fullmatch(name):
                    raise self.wrong(name, "this is no part of a bundle")
                found.add(name)
        return found

    def _open(self, name: str) -> BinaryIO:
        return open_file(self._folder / name)[0]


class _Zip(BundleFiles):
    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        super().__init__(name)
        self._archive = archive

    def names(self) -> set[str]:
        found: set[str] = set()
        entries = self._archive.infolist()
        if len(entries) > MOST_FILES:
            raise self.wrong(self._name, f"there are more than {MOST_FILES:,} files")
        for entry in entries:
            name = entry.filename
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise self.wrong(name, "this is a link, which no bundle has")
            if entry.is_dir() and _FOLDER.fullmatch(name):
                continue
            if name in found or not (name == TEXT or _PICTURE.fullmatch(name)):
                raise self.wrong(name, "this is no part of a bundle, or stands there twice")
            if entry.compress_type not in _READABLE or entry.flag_bits & _ENCRYPTED:
                raise self.wrong(name, "it is encrypted, or compressed in a way that no bundle is")
            found.add(name)
        return found - {TEXT}

    def _open(self, name: str) -> BinaryIO:
        return self._archive.open(name)  # type: ignore[return-value]


@contextmanager
def opened(path: object) -> Iterator[BundleFiles]:
    """The files of the bundle at a path.

    Raises:
        UsageError: there is none.
    """
    target = user_path(path)
    if target.is_dir():
        yield _Folder(target)
        return
    file, _ = open_file(target)
    with file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGES as error:
            message = f"this is no bundle: neither a folder nor a zip ({error})"
            raise UsageError([Mistake(target.name, message)]) from None
        with archive:
            yield _Zip(target.name, archive)
