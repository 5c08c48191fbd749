"""The parts that picture files are made of: PNG chunks, JPEG segments and WebP chunks, without the pixels.

Lenient, for reading: what is damaged ends the walk, and what a length says beyond the file's end is not there.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

Bytes = bytes | mmap

PNG_START, JPEG_START, WEBP_START = 8, 2, 12
"""Where the first part begins, in bytes from the file's start."""

EXIF = b"Exif\0\0"
"""What an EXIF segment of a JPEG begins with."""

LARGEST_TEXT = 4 << 20
"""Bytes that a compressed text chunk is unpacked to at most."""

TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, 0xD8}
"""Markers of a JPEG without a segment; those of restarts stand between the bytes of a scan."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Part(NamedTuple):
    """A chunk or segment from `start` to `end`, with all that belongs to it; its content begins at `content`
    and ends at `content_end`. Of a JPEG, `kind` is the marker's second byte."""

    kind: bytes
    start: int
    end: int
    content: int
    content_end: int


def png_chunks(data: Bytes) -> Iterator[Part]:
    """The chunks of a PNG, up to and with `IEND`."""
    at = PNG_START
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        yield Part(kind, at, end, at + 8, end - 4)
        if kind == b"IEND":
            return
        at = end


def png_key(data: Bytes, chunk: Part) -> bytes:
    """What a text chunk calls itself."""
    # A key has 79 bytes at most.
    return data[chunk.content : min(chunk.content_end, chunk.content + 80)].partition(b"\0")[0]


def png_text(data: Bytes, chunk: Part) -> bytes:
    """The bytes of a text chunk's text; a compressed one's first `LARGEST_TEXT`, and none if it is damaged."""
    _, _, text = data[chunk.content : chunk.content_end].partition(b"\0")
    if chunk.kind == b"zTXt":
        return _unpacked(text[1:])
    if chunk.kind == b"iTXt":
        rest = text[2:].split(b"\0", 2)[-1]
        return _unpacked(rest) if text[:1] == b"\1" else rest
    return text


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, LARGEST_TEXT)
    except zlib.error:
        return b""


def jpeg_segments(data: Bytes) -> Iterator[Part]:
    """The segments of a JPEG before its first scan; the start of that, or the end marker, comes last."""
    at = JPEG_START
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        yield Part(bytes([marker]), at, end, at + 4, end)
        if marker in (_SCAN, _END):
            return
        at = end


def jpeg_end(data: Bytes) -> int | None:
    """Where a JPEG's own picture ends, whatever follows it; None where its last scan has no end.

    Segments are passed over by their length, so that a preview inside one, which has an end of its own, is not
    mistaken for the picture. Between the bytes of a scan no marker can stand but those that `_MARKER` leaves out.
    """
    at, has_scan = JPEG_START, False
    while found := _MARKER.search(data, at):
        marker = data[found.end() - 1]
        at = found.end()
        if marker == _END:
            return at if has_scan else None
        if marker not in _ALONE:
            has_scan |= marker == _SCAN
            at += int.from_bytes(data[at : at + 2], "big")
    return None


def webp_chunks(data: Bytes) -> Iterator[Part]:
    """The chunks of a WebP; a chunk of odd length ends with its padding."""
    at = WEBP_START
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length
        yield Part(data[at : at + 4], at, min(end + length % 2, len(data)), at + 8, end)
        at = end + length % 2
