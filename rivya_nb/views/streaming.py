"""Writes a picture that is too large for memory, strip by strip."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pyvips
from PIL import Image

QUALITY = 90

_PIECE = 32
"""Lines of pixels in one piece."""

# Errors of vips are raised here; its log would be printed into the cell as well.
logging.getLogger("pyvips").addHandler(logging.NullHandler())

_SUB = pyvips.enums.ForeignPngFilter.SUB
_KEEP = pyvips.enums.ForeignKeep.XMP

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:title>'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def write_strips(
    strips: Iterable[Image.Image], size: tuple[int, int], out: Path, *, title: str, description: str
) -> None:
    """Write strips (RGB, as wide as `size`, with heights that add up to it) as one PNG, JPEG or WebP.

    The suffix of `out` decides. PNG and JPEG need memory for a few strips, WebP for the whole picture.

    Raises:
        OSError: the file cannot be written.
    """
    feed = _Feed(_stored_png(strips, size))
    source = pyvips.SourceCustom()
    source.on_read(feed.read)
    try:
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error").copy()
        image.set_type(pyvips.GValue.blob_type, "xmp-data", _xmp(title, description))  # type: ignore[arg-type]
        if out.suffix == ".png":
            # Level 6 would save another tenth, but take six times as long.
            image.pngsave(str(out), compression=2, filter=_SUB, keep=_KEEP)
        elif out.suffix == ".webp":
            image.webpsave(str(out), Q=QUALITY, effort=2, keep=_KEEP)
        else:
            image.jpegsave(str(out), Q=QUALITY, keep=_KEEP)
    except pyvips.Error as error:
        if feed.trouble is not None:
            raise feed.trouble from None
        raise OSError(f"{out}: the picture could not be written ({error.detail.strip()})") from None
    if feed.trouble is not None:
        raise feed.trouble


class _Feed:
    """Pieces of bytes as a file that is read once. vips calls it on its own threads, which drop errors."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.trouble: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.trouble = error
            return b""
        piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return piece


def _stored_png(strips: Iterable[Image.Image], size: tuple[int, int]) -> Iterator[bytes]:
    """The strips as a PNG without compression, the only plain format that vips reads from a stream."""
    width, height = size
    yield b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packer = zlib.compressobj(0)
    line = width * 3
    for strip in strips:
        # In small pieces, because each is copied several times.
        for top in range(0, strip.height, _PIECE):
            piece = strip.crop((0, top, width, min(strip.height, top + _PIECE))).tobytes()
            # Each line begins with the number of its filter: 0 for none.
            lines = (piece[start : start + line] for start in range(0, len(piece), line))
            yield _chunk(b"IDAT", packer.compress(b"\0" + b"\0".join(lines)))
    yield _chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        (struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
    )


def _xmp(title: str, description: str) -> bytes:
    # In ASCII, because vips writes it into a PNG as text without an encoding.
    texts = [escape(_printable(text)) for text in (title, description)]
    return _XMP.format(*texts).encode("ascii", "xmlcharrefreplace")


def _printable(text: str) -> str:
    """The text without characters that XML does not allow."""
    return "".join(
        char for char in text if char in "\t\n" or (char >= " " and not "\ud800" <= char <= "\udfff")
    )
