"""Writes a picture that is too large for memory, strip by strip."""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO
from xml.sax.saxutils import escape

import pyvips
from PIL import Image

QUALITY = 90

_PIECE = 32
"""Lines of pixels in one piece."""

_SHORT, _RATIONAL, _LONG = 3, 5, 16
"""The kinds of numbers in a TIFF's tags; this one has 8 bytes."""

# Errors of vips are raised here; its log would be printed into the cell as well.
logging.getLogger("pyvips").addHandler(logging.NullHandler())

_AVERAGE = pyvips.enums.ForeignPngFilter.AVG
_KEEP = pyvips.enums.ForeignKeep.XMP

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:title>'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def write_strips(
    strips: Iterable[Image.Image],
    size: tuple[int, int],
    out: BinaryIO,
    suffix: str,
    *,
    title: str,
    description: str,
) -> None:
    """Write strips (RGB, as wide as `size`, with heights that add up to it) as one PNG, JPEG or WebP.

    The `suffix` decides. PNG and JPEG need memory for a few strips, WebP for the whole picture.

    Raises:
        OSError: the file cannot be written.
    """
    feed, sink = _Tiff(strips, size), _Sink(out)
    with ThreadPoolExecutor(1) as saver:
        # On the thread that is interrupted, vips would drop the interrupt with the errors of what it calls.
        saving = saver.submit(_save, feed, sink, suffix, _xmp(title, description))
        try:
            saving.result()
        except pyvips.Error as error:
            if trouble := feed.trouble or sink.trouble:
                raise trouble from None
            raise OSError(f"the picture could not be written ({error.detail.strip()})") from None
        finally:
            feed.is_over = True
    if feed.trouble is not None:
        raise feed.trouble


def _save(feed: _Tiff, sink: _Sink, suffix: str, xmp: bytes) -> None:
    source, target = pyvips.SourceCustom(), pyvips.TargetCustom()
    source.on_read(feed.read)
    source.on_seek(feed.seek)
    target.on_write(sink.write)
    image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error").copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)  # type: ignore[arg-type]
    if suffix == ".png":
        # Level 6 would save another tenth, but take six times as long.
        image.pngsave_target(target, compression=2, filter=_AVERAGE, keep=_KEEP)
    elif suffix == ".webp":
        image.webpsave_target(target, Q=QUALITY, effort=2, keep=_KEEP)
    else:
        image.jpegsave_target(target, Q=QUALITY, keep=_KEEP)


class _Sink:
    """A file that vips writes, on threads of its own, which drop errors."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.trouble: OSError | None = None

    def write(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.trouble = error
            return -1


class _Tiff:
    """Strips as a TIFF file that is read once, from its start to its end.

    vips calls it on its own threads, which drop errors.
    """

    def __init__(self, strips: Iterable[Image.Image], size: tuple[int, int]) -> None:
        self._head = _tiff_head(*size)
        self._pieces = _pieces(strips)
        self._rest = memoryview(b"")
        self._position, self._sent = 0, len(self._head)
        self._end = self._sent + 3 * size[0] * size[1]
        self.trouble: BaseException | None = None
        self.is_over = False
        """Nobody waits for the file any more."""

    def seek(self, offset: int, whence: int) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}
        self._position = starts[whence] + offset
        return self._position

    def read(self, size: int) -> bytes:
        if self.is_over:
            return b""
        try:
            data = self._read(size)
        except StopIteration:
            return b""
        except BaseException as error:
            self.trouble = error
            return b""
        self._position += len(data)
        return data

    def _read(self, size: int) -> bytes:
        if self._position < len(self._head):
            return self._head[self._position : self._position + size]
        if self._position != self._sent:
            raise OSError(f"vips read the pixels from byte {self._position} on, and not from {self._sent}")
        while not self._rest:
            self._rest = memoryview(next(self._pieces))
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        self._sent += len(data)
        return data


def _pieces(strips: Iterable[Image.Image]) -> Iterator[bytes]:
    for strip in strips:
        # In small pieces, because each is copied several times.
        for top in range(0, strip.height, _PIECE):
            yield strip.crop((0, top, strip.width, min(strip.height, top + _PIECE))).tobytes()


def _tiff_head(width: int, height: int) -> bytes:
    """All of a TIFF before its pixels, which follow without compression: the format that vips reads from a
    stream with the least work. It is a BigTIFF, because a plain one ends at 4 GB."""
    tops, line = range(0, height, _PIECE), 3 * width
    tables = 16 + 8 + 12 * 20 + 8
    pixels = tables + 2 * 8 * len(tops)
    places = [pixels + line * top for top in tops]
    lengths = [line * min(_PIECE, height - top) for top in tops]
    # A single number stands in its tag, several in a table behind the tags.
    alone = len(tops) == 1
    tags = (
        (256, _LONG, 1, width),
        (257, _LONG, 1, height),
        # Three samples of 8 bits.
        (258, _SHORT, 3, 8 | 8 << 16 | 8 << 32),
        # Not compressed, and RGB.
        (259, _SHORT, 1, 1),
        (262, _SHORT, 1, 2),
        (273, _LONG, len(tops), places[0] if alone else tables),
        (277, _SHORT, 1, 3),
        (278, _LONG, 1, _PIECE),
        (279, _LONG, len(tops), lengths[0] if alone else tables + 8 * len(tops)),
        # 72 / 1 pixels an inch, as files have that do not say.
        (282, _RATIONAL, 1, 72 | 1 << 32),
        (283, _RATIONAL, 1, 72 | 1 << 32),
        (296, _SHORT, 1, 2),
    )
    entries = b"".join(struct.pack("<HHQQ", *tag) for tag in tags)
    numbers = struct.pack(f"<{2 * len(tops)}Q", *places, *lengths)
    return struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, len(tags)) + entries + bytes(8) + numbers


def _xmp(title: str, description: str) -> bytes:
    # In ASCII, because vips writes it into a PNG as text without an encoding.
    texts = [escape(_printable(text)) for text in (title, description)]
    return _XMP.format(*texts).encode("ascii", "xmlcharrefreplace")


def _printable(text: str) -> str:
    """The text without characters that XML does not allow."""
    return "".join(
        char for char in text if char in "\t\n" or (char >= " " and not "\ud800" <= char <= "\udfff")
    )
