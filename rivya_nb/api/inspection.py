"""Checks whether bytes are a whole picture, by their structure and their pixels."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.errors import PictureError
from rivya_nb.imaging.decoding import TooManyPixelsError, can_decode, decoded
from rivya_nb.imaging.formats import HEADER_BYTES, Format, find_format
from rivya_nb.imaging.shrinking import Box, shrunk
from rivya_nb.imaging.structure import is_whole

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_CHUNK = 1 << 20


class SpoiledError(PictureError):
    """The data are not a picture, are cut, or are damaged: another download may bring them whole."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A whole picture: width and height in pixels, 0 if Pillow cannot decode its format here; size in bytes,
    SHA-256 in hex. `small` is the picture shrunk into the box that was asked for, if it could be decoded."""

    sha256: str
    mime_type: str
    width: int
    height: int
    size: int
    small: Picture | None = field(default=None, repr=False, compare=False)


class Examined(NamedTuple):
    """A file's format; `is_whole` is True if the file itself shows that nothing is missing."""

    kind: Format
    is_whole: bool


def inspect(path: Path, box: Box | None = None) -> Inspected:
    """Decode and hash the picture in a file, and shrink it into `box` (width, height in pixels). Slow (it decodes
    every pixel, once): call it off the event loop.

    Raises:
        SpoiledError: it is not a picture, or not whole.
        PictureError: it has more pixels than `MAX_PIXELS`.
    """
    examined = examine(path)
    (width, height), small = _decode(path, examined, box)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return Inspected(digest.hexdigest(), examined.kind.mime_type, width, height, file.tell(), small)


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


def _decode(path: Path, examined: Examined, box: Box | None) -> tuple[tuple[int, int], Picture | None]:
    """The size of the picture, and the picture shrunk into a box."""
    kind = examined.kind
    small = None
    try:
        with decoded(path) as image:
            size = image.size
            if box is not None:
                # A whole picture is kept, whatever prevents a small one.
                with suppress(Exception):
                    small = shrunk(image, box)
            image.close()
            return size, small
    except TooManyPixelsError:
        raise
    except PictureError as error:
        if kind.is_expected or (can_decode(kind) and not examined.is_whole):
            raise SpoiledError(str(error)) from None
        # Another version of Pillow may decode it. The bytes are paid for, so they are kept.
        return (0, 0), None


def _what_came(header: bytes) -> str:
    start = header.lstrip()
    if not start:
        return "Nothing came"
    if start.startswith(b"<"):
        return "A web page (HTML) or other markup came"
    if start.startswith((b"{", b"[")):
        return "JSON came"
    return "What came is not a picture"
