"""The parts of picture files: PNG chunks, JPEG segments and WebP chunks, without the pixels.

These functions are for reading and do not raise: damage ends the iteration, and bytes past the file's end are
empty.
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
"""The first bytes of an EXIF segment of a JPEG."""

LARGEST_TEXT = 4 << 20
"""The most bytes to which a compressed text chunk is unpacked."""

TIFF_SIZES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), 1)) | {16: 8, 17: 8, 18: 8}
"""The bytes of one value of each type of TIFF and EXIF."""

TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, 0xD8}
"""JPEG markers without a segment; the restart markers stand within scans."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Part(NamedTuple):
    """A chunk or segment from `start` to `end`; its content is from `content` to `content_end`. For a JPEG,
    `kind` is the second byte of the marker."""

    kind: bytes
    start: int
    end: int
    content: int
    content_end: int


def png_chunks(data: Bytes) -> Iterator[Part]:
    """The chunks of a PNG, up to and including `IEND`."""
    at = PNG_START
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        yield Part(kind, at, end, at + 8, end - 4)
        if kind == b"IEND":
            return
        at = end


def png_key(data: Bytes, chunk: Part) -> bytes:
    # A key has 79 bytes at most.
    return data[chunk.content : min(chunk.content_end, chunk.content + 80)].partition(b"\0")[0]


def png_text(data: Bytes, chunk: Part) -> bytes:
    """The bytes of a text chunk's text: of a compressed one the first `LARGEST_TEXT`, none if it is damaged."""
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
    """The segments of a JPEG up to its first scan; the last is the start of the scan, or the end marker."""
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
    """Where a JPEG's own picture ends, independent of what follows; None if its last scan has no end.

    Segments are skipped by their length, because a preview in a segment has an end marker of its own. Within
    a scan only those markers occur that `_MARKER` excludes.
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
    """The chunks of a WebP; a chunk of odd length includes its padding."""
    at = WEBP_START
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length
        yield Part(data[at : at + 4], at, min(end + length % 2, len(data)), at + 8, end)
        at = end + length % 2
