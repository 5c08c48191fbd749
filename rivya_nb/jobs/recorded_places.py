"""Takes the place where a video or sound was recorded out of its tags, as it is taken out of a photograph.

Not a byte of the rest moves: tags become as many bytes of the filling that their format has, so every place in the
file stays right. As with pictures, all tags go where one tells a place, and all stay where none does. Covers,
which may be photographs, count, too, and the tracks in which cameras write down where they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from mmap import mmap
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from rivya_nb.contract.media import medium_of
from rivya_nb.jobs.metadata import tells_place
from rivya_nb.media import formats
from rivya_nb.media.boxes import Box, boxes_in, chunks_of, find_box, top_boxes
from rivya_nb.media.ebml import SEGMENT, elements
from rivya_nb.media.mpeg import id3_end
from rivya_nb.media.sound import UNKNOWN_SIZE
from rivya_nb.media.walking import Bytes, Steps, TooManyPartsError, number

_PLACE = re.compile(
    rb"\xa9xyz|loci|ISO6709|GPS(L|Dest|Area)|"
    # A name or a key, whatever the letters; in UTF-16, too.
    rb"(?i:l\0?o\0?c\0?a\0?t\0?i\0?o\0?n)|photoshop:City"
)
_EXIF = re.compile(rb"Exif\0\0")

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""What a box begins with that has XMP."""
_SITES = {b"camm", b"gpmd", b"rtmd", b"djmd"}
"""Tracks of cameras that tell where they are: of Google's, GoPro, Sony and DJI."""

_TAGS, _ATTACHMENTS, _VOID = 0x1254C367, 0x1941A469, 0xEC
_SOUND_CHUNKS = {b"fmt ", b"fact", b"data", b"ds64", b"JUNK"}
_FIRST_PAGES = 1 << 18
"""The bytes of an Ogg in which its tags stand."""
_LONGEST_EXIF, _MOST_COVERS = 1 << 16, 100
_COMMENT, _PICTURE, _APPLICATION, _PADDING = 4, 6, 2, 1


class _Tags(NamedTuple):
    """Tags from `start` to `end`, and what is there instead: `head`, and then zeros. `is_place` is True where they
    are about places only."""

    start: int
    end: int
    head: bytes
    is_place: bool = False


_Reader: TypeAlias = Callable[[Bytes, Steps], Iterator[_Tags]]


def remove_place(path: Path, mime_type: str) -> str:
    """Overwrite the tags in a file if they tell a place; returns what to tell of that, empty if there is none."""
    with path.open("r+b") as file, mmap(file.fileno(), 0) as data:
        if mime_type in _CHECKED:
            is_told = _PLACE.search(data, 0, _FIRST_PAGES) is not None
            return "its tags tell a place, and are sent with it" if is_told else ""
        try:
            tags = list(_READERS[mime_type](data, Steps())) if mime_type in _READERS else []
        except TooManyPartsError:
            return "it has too many parts to look for a place in its tags, and is sent with them"
        if not any(each.is_place or _tells(data, each) for each in tags):
            return ""
        for each in tags:
            data[each.start : each.end] = each.head.ljust(each.end - each.start, b"\0")
    kept = "picture and sound are" if medium_of(mime_type) == "video" else "sound is"
    return f"sent without the place that its tags tell; its {kept} unchanged"


def _tells(data: mmap, tags: _Tags) -> bool:
    if _PLACE.search(data, tags.start, tags.end):
        return True
    covers = (each.end() for each in _EXIF.finditer(data, tags.start, tags.end))
    return any(
        tells_place(data[at : min(tags.end, at + _LONGEST_EXIF)]) for at in islice(covers, _MOST_COVERS)
    )


def _in_boxes(data: Bytes, steps: Steps) -> Iterator[_Tags]:
    for top in top_boxes(data, steps):
        yield from _tag_box(data, top, len(data))
        if top.kind != b"moov":
            continue
        for box in boxes_in(data, top.content, top.end, steps):
            yield from _tag_box(data, box, top.end)
            if box.kind == b"trak" and box.end <= top.end:
                yield from _in_track(data, box, steps)


def _in_track(data: Bytes, trak: Box, steps: Steps) -> Iterator[_Tags]:
    stbl = find_box(data, trak, steps, b"mdia", b"minf", b"stbl")
    stsd = find_box(data, stbl, steps, b"stsd")
    codec = b"" if stsd is None else bytes(data[stsd.content + 12 : stsd.content + 16])
    if codec not in _SITES and (codec != b"mebx" or not _PLACE.search(data, trak.content, trak.end)):
        for box in boxes_in(data, trak.content, trak.end, steps):
            yield from _tag_box(data, box, trak.end)
        return
    left = len(data)
    for place, size in chunks_of(data, stbl, steps):
        left -= size
        # No more than there is, whatever the tables claim.
        if left >= 0 and place + size <= len(data):
            yield _Tags(place, place + size, b"", is_place=True)
    yield _Tags(trak.start, trak.end, _free(trak), is_place=True)


def _tag_box(data: Bytes, box: Box, end: int) -> Iterator[_Tags]:
    """The box, if it is one of tags, and goes no farther than what it is in."""
    is_xmp = box.kind == b"uuid" and data[box.content : box.content + 16] == _XMP
    if (box.kind in (b"udta", b"meta") or is_xmp) and box.end <= min(end, len(data)):
        yield _Tags(box.start, box.end, _free(box))


def _free(box: Box) -> bytes:
    size = box.end - box.start
    long = size.to_bytes(8, "big") if box.content - box.start > 8 else b""
    return (1 if long else size).to_bytes(4, "big") + b"free" + long


def _in_elements(data: Bytes, steps: Steps) -> Iterator[_Tags]:
    segment = next((each for each in elements(data, 0, len(data), steps) if each.id == SEGMENT), None)
    if segment is None:
        return
    for each in elements(data, segment.content, min(segment.end or len(data), len(data)), steps):
        if each.id in (_TAGS, _ATTACHMENTS) and each.end is not None and each.end <= len(data):
            size = each.end - each.start
            wide = 8 if size > 8 else 1
            length = (size - 1 - wide | 1 << 7 * wide).to_bytes(wide, "big")
            yield _Tags(each.start, each.end, bytes([_VOID]) + length)


def _in_id3(data: Bytes, steps: Steps) -> Iterator[_Tags]:  # noqa: ARG001 - as the others
    end = id3_end(data)
    if 10 < end <= len(data):
        size = bytes(end - 10 >> shift & 0x7F for shift in (21, 14, 7, 0))
        yield _Tags(0, end, bytes(data[:5]) + b"\0" + size)


def _in_chunks(data: Bytes, steps: Steps) -> Iterator[_Tags]:
    order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
    at, long_size = 12, 0
    while at + 8 <= len(data):
        steps.take()
        kind, size = bytes(data[at : at + 4]), number(data, at + 4, 4, order)
        if kind == b"ds64":
            long_size = number(data, at + 16, 8, order)
        elif kind == b"data" and size == UNKNOWN_SIZE:
            size = long_size
        if kind not in _SOUND_CHUNKS and at + 8 + size <= len(data):
            yield _Tags(at, at + 8 + size, b"JUNK" + size.to_bytes(4, order))
        at += 8 + size + size % 2


def _in_blocks(data: Bytes, steps: Steps) -> Iterator[_Tags]:
    yield from _in_id3(data, steps)
    at, is_last = id3_end(data) + 4, False
    while not is_last and at + 4 <= len(data):
        steps.take()
        first, size = data[at], number(data, at + 1, 3)
        is_last = bool(first & 0x80)
        if first & 0x7F in (_COMMENT, _PICTURE, _APPLICATION) and at + 4 + size <= len(data):
            yield _Tags(at, at + 4 + size, bytes([first & 0x80 | _PADDING]) + size.to_bytes(3, "big"))
        at += 4 + size


_READERS: Mapping[str, _Reader] = {
    **dict.fromkeys((each.mime_type for each in (formats.MP4, formats.MOV, formats.M4A)), _in_boxes),
    **dict.fromkeys(
        (each.mime_type for each in (formats.WEBM, formats.MKV, formats.WEBA, formats.MKA)), _in_elements
    ),
    formats.MP3.mime_type: _in_id3,
    formats.AAC.mime_type: _in_id3,
    formats.WAV.mime_type: _in_chunks,
    formats.FLAC.mime_type: _in_blocks,
}
_CHECKED = (formats.OGG.mime_type, formats.OGV.mime_type)
"""Each page of these has a checksum, so their tags are not overwritten."""
