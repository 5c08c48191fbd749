"""The metadata of a picture's file: its orientation, and whether it tells where it was taken.

It works on the bytes alone, so that a copy without the location has the same pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from rivya_nb.imaging.containers import (
    EXIF,
    TEXT_CHUNKS,
    Bytes,
    Part,
    jpeg_end,
    jpeg_segments,
    png_chunks,
    png_key,
    png_text,
    webp_chunks,
)
from rivya_nb.imaging.modes import ORIENTATION, UPRIGHT

_XMP = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
_IPTC = b"Photoshop 3.0\0"
_MPF = b"MPF\0"

_GPS = 0x8825
_PLACE_TAGS = {2, 4, 20, 22, 27, 28}
"""In EXIF's GPS part: latitude and longitude, those of the destination, and two names of places."""

_PLACE_IN_XMP = re.compile(rb"GPS(L|Dest|Area)|Location(Created|Shown)|Iptc4xmpCore:Location|photoshop:City")
_PLACE_IN_IPTC = re.compile(rb"\x1c\x02[\x1a\x1b\x5a\x5c]")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Block:
    """A part of a file; `content` is without the prefix that names its kind."""

    kind: Literal["exif", "xmp", "iptc", "appended"]
    start: int
    end: int
    content: bytes = b""


@dataclass(frozen=True)
class Metadata:
    """`orientation` as in EXIF, 1 to 8; `has_location` is True if it has coordinates or the name of a place."""

    orientation: int
    has_location: bool


def read_metadata(data: Bytes, mime_type: str) -> Metadata:
    """The metadata of a JPEG, PNG or WebP; damaged metadata are ignored."""
    orientation, located = UPRIGHT, False
    for block in _BLOCKS[mime_type](data):
        if block.kind == "exif":
            turned, placed = _read_exif(block.content)
            orientation = turned if orientation == UPRIGHT else orientation
            located |= placed
        elif block.kind == "xmp":
            located |= _PLACE_IN_XMP.search(block.content) is not None
        elif block.kind == "iptc":
            located |= _PLACE_IN_IPTC.search(block.content) is not None
    return Metadata(orientation, located)


def write_without_metadata(data: Bytes, mime_type: str, target: BinaryIO) -> None:
    """Copy a JPEG, PNG or WebP without EXIF, XMP, IPTC and appended files; the rest byte for byte."""
    edits = [(block.start, block.end, b"") for block in _BLOCKS[mime_type](data)]
    if mime_type == "image/webp":
        edits += _webp_patches(data, sum(end - start for start, end, _ in edits))
    at = 0
    for start, end, instead in (*sorted(edits), (len(data), len(data), b"")):
        while at < start:
            at += target.write(data[at : min(start, at + _CHUNK)])
        target.write(instead)
        at = end


def tells_place(tiff: bytes) -> bool:
    """True if EXIF, without its prefix, tells a place."""
    return _read_exif(tiff)[1]


def _read_exif(tiff: bytes) -> tuple[int, bool]:
    """The orientation, and True if there is a place. Slices past the end are empty, and read as 0."""
    if tiff[:2] not in (b"II", b"MM"):
        return UPRIGHT, False
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    def values(at: int) -> dict[int, int]:
        """Where the values are that a directory lists, by tag."""
        entries = range(at + 2, min(at + 2 + 12 * number(at, 2), len(tiff)), 12)
        return {number(entry, 2): entry + 8 for entry in entries}

    first = values(number(4, 4))
    orientation = number(first[ORIENTATION], 2) if ORIENTATION in first else UPRIGHT
    place = values(number(first[_GPS], 4)) if _GPS in first else {}
    return orientation if 1 <= orientation <= 8 else UPRIGHT, bool(_PLACE_TAGS & place.keys())


def _jpeg_blocks(data: Bytes) -> Iterator[_Block]:
    for segment in jpeg_segments(data):
        if segment.kind in (b"\xd9", b"\xda"):
            break
        if block := _jpeg_block(segment, data[segment.content : segment.end]):
            yield block
    end = jpeg_end(data)
    if end is not None and end < len(data):
        # Phones append films and further pictures, which have their own metadata.
        yield _Block("appended", end, len(data))


def _jpeg_block(segment: Part, content: bytes) -> _Block | None:
    kind, start, end = segment.kind, segment.start, segment.end
    if kind == b"\xe1" and content.startswith(EXIF):
        return _Block("exif", start, end, content[len(EXIF) :])
    if kind == b"\xe1" and content.startswith(_XMP):
        return _Block("xmp", start, end, content)
    if kind == b"\xed" and content.startswith(_IPTC):
        return _Block("iptc", start, end, content)
    if kind == b"\xe2" and content.startswith(_MPF):
        return _Block("appended", start, end)
    return None


def _png_blocks(data: Bytes) -> Iterator[_Block]:
    for chunk in png_chunks(data):
        if chunk.kind == b"eXIf":
            exif = data[chunk.content : chunk.content_end].removeprefix(EXIF)
            yield _Block("exif", chunk.start, chunk.end, exif)
        elif chunk.kind in TEXT_CHUNKS:
            yield from _png_text(data, chunk)
        elif chunk.kind == b"IEND" and chunk.end < len(data):
            yield _Block("appended", chunk.end, len(data))


def _png_text(data: Bytes, chunk: Part) -> Iterator[_Block]:
    keyword, text, start, end = png_key(data, chunk), png_text(data, chunk), chunk.start, chunk.end
    if keyword == b"XML:com.adobe.xmp":
        yield _Block("xmp", start, end, text)
    elif keyword.startswith(b"Raw profile type "):
        raw = _from_hex(text)
        if raw.startswith((EXIF, b"II*\0", b"MM\0*")):
            yield _Block("exif", start, end, raw.removeprefix(EXIF))
        elif b"icc" not in keyword:
            is_xmp = keyword.endswith(b"xmp") or raw.startswith(_XMP)
            yield _Block("xmp" if is_xmp else "iptc", start, end, raw)


def _from_hex(text: bytes) -> bytes:
    """A raw profile as ImageMagick writes it: a name and a length on their own lines, then hex."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _webp_blocks(data: Bytes) -> Iterator[_Block]:
    for chunk in webp_chunks(data):
        if chunk.kind == b"EXIF":
            yield _Block("exif", chunk.start, chunk.end, data[chunk.content : chunk.end].removeprefix(EXIF))
        elif chunk.kind == b"XMP ":
            yield _Block("xmp", chunk.start, chunk.end, data[chunk.content : chunk.end])


def _webp_patches(data: Bytes, shorter: int) -> Iterator[tuple[int, int, bytes]]:
    """The new length of a file that is `shorter` by so many bytes, and its flags without EXIF and XMP."""
    yield 4, 8, (int.from_bytes(data[4:8], "little") - shorter).to_bytes(4, "little")
    for chunk in webp_chunks(data):
        if chunk.kind == b"VP8X":
            yield chunk.content, chunk.content + 1, bytes([data[chunk.content] & ~0x0C])


_BLOCKS = {"image/jpeg": _jpeg_blocks, "image/png": _png_blocks, "image/webp": _webp_blocks}
