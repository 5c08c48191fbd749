"""Whether bytes are a whole picture of an allowed format: decided by decoding, not by what they claim."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from rivya_nb.contract.references import SNIFF_BYTES, sniff
from rivya_nb.errors import PictureError

MAX_PIXELS = 178_956_970
"""Twice Pillow's own warning limit, where Pillow refuses too; decoded, that is some 700 MB."""

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
"""The accepted types, and what Pillow calls them."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A whole picture: width and height in pixels, size in bytes, SHA-256 in hex."""

    sha256: str
    mime_type: str
    width: int
    height: int
    size: int


def inspect(path: Path) -> Inspected:
    """What the picture in a file is. Slow (it decodes every pixel): call it off the event loop.

    Raises:
        PictureError: it is no PNG, JPEG or WebP, not whole, or has more pixels than `MAX_PIXELS`.
    """
    with path.open("rb") as file:
        header = file.read(512)
        mime_type = sniff(header[:SNIFF_BYTES])
        if mime_type is None:
            raise PictureError(f"{_what_came(header)}; a PNG, JPEG or WebP was expected.")
        # Mapped, not read: several large files may be looked at together.
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            if not _has_end(data, mime_type):
                raise PictureError(f"The {FORMATS[mime_type]} is cut short after {len(data):,} bytes.")
            width, height = _decode(path, FORMATS[mime_type])
            return Inspected(hashlib.sha256(data).hexdigest(), mime_type, width, height, len(data))


def _decode(path: Path, kind: str) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=[kind]) as image:
            width, height = image.size
            if width * height <= MAX_PIXELS:
                image.load()
    except Image.DecompressionBombError:
        raise PictureError(f"The {kind} has more than {MAX_PIXELS:,} pixels.") from None
    except UnidentifiedImageError:
        raise PictureError(f"The {kind} is damaged.") from None
    except Exception as error:
        # Decoders fail in any way at all on hostile bytes.
        raise PictureError(f"The {kind} is damaged: {type(error).__name__}: {error}.") from None
    if width * height > MAX_PIXELS:
        raise PictureError(f"The {kind} has {width} × {height} pixels; {MAX_PIXELS:,} are the limit.")
    return width, height


def _has_end(data: mmap, mime_type: str) -> bool:
    # Pillow takes a PNG whose last 20 bytes are missing, and, where a notebook has set LOAD_TRUNCATED_IMAGES,
    # anything that was cut.
    if mime_type == "image/png":
        return data.rfind(b"IEND\xaeB`\x82") > 0
    if mime_type == "image/jpeg":
        # The end marker has to follow the last scan: a preview inside the header has an end of its own.
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    return int.from_bytes(data[4:8], "little") + 8 <= len(data)


def _what_came(header: bytes) -> str:
    start = header.lstrip()
    if not start:
        return "Nothing came"
    if start.startswith(b"<"):
        return "A web page (HTML) or other markup came"
    if start.startswith((b"{", b"[")):
        return "JSON came"
    return "What came is no such picture"
