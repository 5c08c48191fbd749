"""Checks whether bytes are a whole picture, video or sound: by their structure, and pictures by their pixels."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.contract.media import Medium, medium_of
from rivya_nb.errors import PictureError
from rivya_nb.imaging.decoding import TooManyPixelsError, can_decode, decoded
from rivya_nb.imaging.formats import Format
from rivya_nb.imaging.shrinking import Box, shrunk
from rivya_nb.imaging.structure import is_whole
from rivya_nb.media.facts import read_kind
from rivya_nb.media.walking import Walked

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from rivya_nb.contract.raw_sound import RawSound

_CHUNK = 1 << 20

_EXPECTED: dict[Medium, str] = {
    "image": "a PNG, JPEG or WebP",
    "video": "an MP4 or WebM",
    "audio": "an MP3, WAV or Ogg",
}


class SpoiledError(PictureError):
    """The data are no file of a known format, are cut, or are damaged: another download may bring them whole."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A whole file: width and height in pixels, 0 for sound, and where Pillow cannot decode a picture's format
    here; size in bytes, SHA-256 in hex, duration in seconds where it is known. `small` is a picture shrunk into
    the box that was asked for, if it could be decoded."""

    sha256: str
    mime_type: str
    width: int
    height: int
    size: int
    duration: float | None = None
    small: Picture | None = field(default=None, repr=False, compare=False)

    @property
    def medium(self) -> Medium:
        return medium_of(self.mime_type)


class Examined(NamedTuple):
    """A file's format; `is_whole` is True if the file itself shows that nothing is missing. `walked` is what the
    parts of a video or sound tell."""

    kind: Format
    is_whole: bool
    walked: Walked


def inspect(
    path: Path, box: Box | None = None, *, sha256: str | None = None, expected: Medium = "image"
) -> Inspected:
    """Examine the file, decode a picture, and shrink it into `box` (width, height in pixels). Slow (it decodes
    every pixel, once): call it off the event loop. The hash is computed unless it is given.

    Raises:
        SpoiledError: it is of no known format, or not whole. The message names formats of the `expected` medium.
        PictureError: it has more pixels than `MAX_PIXELS`.
    """
    examined = examine(path, expected)
    kind, walked = examined.kind, examined.walked
    (width, height), small = (walked.width, walked.height), None
    if medium_of(kind.mime_type) == "image":
        (width, height), small = _decode(path, examined, box)
    size = path.stat().st_size
    return Inspected(sha256 or _hash_of(path), kind.mime_type, width, height, size, walked.duration, small)


def examine(path: Path, expected: Medium = "image") -> Examined:
    """The format of a file, by its structure; nothing is decoded.

    Raises:
        SpoiledError: it is of no known format, or is cut.
    """
    found = read_kind(path)
    if found is None:
        with path.open("rb") as file:
            came = _what_came(file.read(_CHUNK))
        raise SpoiledError(f"{came}; {_EXPECTED[expected]} was expected.")
    kind, walked = found
    whole = walked.whole
    if medium_of(kind.mime_type) == "image":
        # Mapped, not read: several large files may be examined together.
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            whole = is_whole(data, kind)
    if whole is False:
        raise SpoiledError(f"The {kind.name} is cut short after {path.stat().st_size:,} bytes.")
    return Examined(kind, bool(whole), walked)


def give_head(path: Path, asked: RawSound) -> bool:
    """Make a WAV of the bare samples that were asked for, in their place; False if the file is anything else.

    Raises:
        SpoiledError: a part of a sample is missing.
    """
    from rivya_nb.media.raw import may_be_raw, write_head

    if not may_be_raw(path):
        return False
    size = path.stat().st_size
    if size % asked.width:
        raise SpoiledError(f"The sound is cut short after {size:,} bytes: each sample has {asked.width}.")
    write_head(path, asked)
    return True


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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


def _what_came(start: bytes) -> str:
    start = start.lstrip()
    if not start:
        return "Nothing came"
    if start.startswith(b"<"):
        return "A web page (HTML) or other markup came"
    if start.startswith((b"{", b"[")):
        return "JSON came"
    return "What came is no picture, video or sound that is known here"
