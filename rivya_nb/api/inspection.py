"""Checks whether bytes are a whole picture, by their structure and their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

from rivya_nb.errors import PictureError
from rivya_nb.imaging.decoding import TooManyPixelsError, can_decode, decoded
from rivya_nb.imaging.formats import HEADER_BYTES, Format, find_format
from rivya_nb.imaging.structure import is_whole

_CHUNK = 1 << 20


class SpoiledError(PictureError):
    """The data are not a picture, are cut, or are damaged: another download may bring them whole."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A whole picture: width and height in pixels, 0 if Pillow cannot decode its format here; size in bytes,
    SHA-256 in hex."""

    sha256: str
    mime_type: str
    width: int
    height: int
    size: int


class Examined(NamedTuple):
    """A file's format; `is_whole` is True if the file itself shows that nothing is missing."""

    kind: Format
    is_whole: bool


def inspect(path: Path) -> Inspected:
    """Decode and hash the picture in a file. Slow (it decodes every pixel): call it off the event loop.

    Raises:
        SpoiledError: it is not a picture, or not whole.
        PictureError: it has more pixels than `MAX_PIXELS`.
    """
    examined = examine(path)
    width, height = _decode(path, examined)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return Inspected(digest.hexdigest(), examined.kind.mime_type, width, height, file.tell())


def examine(path: Path) -> Examined:
    """The format of the picture in a file, by its structure; the pixels are not decoded.

    Raises:
        SpoiledError: it is not a picture, or is cut.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        kind = find_format(header)
        if kind is None:
            raise SpoiledError(f"{_what_came(header)}; a PNG, JPEG or WebP was expected.")
        # Mapped, not read: several large files may be examined together.
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            whole = is_whole(data, kind)
            if whole is False:
                raise SpoiledError(f"The {kind.name} is cut short after {len(data):,} bytes.")
    return Examined(kind, bool(whole))


def _decode(path: Path, examined: Examined) -> tuple[int, int]:
    kind = examined.kind
    try:
        with decoded(path) as image:
            size = image.size
            image.close()
            return size
    except TooManyPixelsError:
        raise
    except PictureError as error:
        if kind.is_expected or (can_decode(kind) and not examined.is_whole):
            raise SpoiledError(str(error)) from None
        # Another version of Pillow may decode it. The bytes are paid for, so they are kept.
        return 0, 0


def _what_came(header: bytes) -> str:
    start = header.lstrip()
    if not start:
        return "Nothing came"
    if start.startswith(b"<"):
        return "A web page (HTML) or other markup came"
    if start.startswith((b"{", b"[")):
        return "JSON came"
    return "What came is not a picture"
