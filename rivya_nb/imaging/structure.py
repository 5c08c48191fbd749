"""Checks whether a picture's file is whole, by walking through its parts.

Bytes behind the end of a picture are allowed: phones append films, cameras second pictures, servers line
breaks. Parts whose length the format states are skipped, not searched.

| format | whole with |
|---|---|
| PNG | every chunk up to `IEND` |
| JPEG | the end marker behind the scans of the first picture |
| WebP | the length that its RIFF header states |
| GIF | every block up to the trailer |
| TIFF | every directory, and the strips or tiles that they list |
| BMP, ICO | the bytes that the header states |
| AVIF, HEIC | its boxes, and the extents in which they place the pictures |
| JPEG XL, JPEG 2000 | its boxes |

Other formats, and JPEG XL and JPEG 2000 without boxes, do not say where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from rivya_nb.imaging.containers import TIFF_SIZES, Bytes, jpeg_end, png_chunks
from rivya_nb.imaging.formats import AVIF, BMP, GIF, HEIC, ICO, JP2, JPEG, JXL, PNG, TIFF, WEBP, Format

_MOST_VALUES = 1_000_000
"""The most entries of a TIFF, and places in them, that are checked."""


def is_whole(data: Bytes, kind: Format) -> bool | None:
    """False if a part of the picture is missing at the file's end; None if the format does not tell."""
    walk = _WALKS.get(kind)
    return None if walk is None else walk(data)


def _png(data: Bytes) -> bool | None:
    if not b"IHDR".startswith(data[12:16]):
        return None
    last = None
    for last in png_chunks(data):  # noqa: B007 - the last one is looked at
        pass
    return last is not None and last.kind == b"IEND" and last.end <= len(data)


def _jpeg(data: Bytes) -> bool:
    return jpeg_end(data) is not None


def _webp(data: Bytes) -> bool:
    return _number(data, 4, 4, "little") + 8 <= len(data)


def _gif(data: Bytes) -> bool:
    at = 13 + _colours(data, 10)
    while at < len(data):
        block = data[at]
        if block == 0x3B:
            return True
        if block == 0x2C:
            at = _past_blocks(data, at + 11 + _colours(data, at + 9))
        elif block == 0x21:
            at = _past_blocks(data, at + 2)
        elif block == 0:
            # Some programs end a list of blocks twice.
            at += 1
        else:
            return False
    return False


def _colours(data: Bytes, at: int) -> int:
    """The size in bytes of the colour table that the flags at this place announce."""
    flags = _number(data, at, 1, "little")
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _past_blocks(data: Bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _bmp(data: Bytes) -> bool:
    pixels, header = _number(data, 10, 4, "little"), _number(data, 14, 4, "little")
    if header == 12:
        width, height, bits = (_number(data, at, 2, "little") for at in (18, 20, 24))
        compression = stated = 0
    else:
        width, height, compression, stated = (_number(data, at, 4, "little") for at in (18, 22, 30, 34))
        # A negative height means that the first row is the top one.
        height = min(height, 2**32 - height)
        bits = _number(data, 28, 2, "little")
    is_plain = compression in (0, 3, 6)
    length = (width * bits + 31) // 32 * 4 * height if is_plain else stated
    return pixels > 0 and pixels + length <= len(data)


def _ico(data: Bytes) -> bool:
    entries = range(6, 6 + 16 * _number(data, 4, 2, "little"), 16)
    ends = (_number(data, at + 8, 4, "little") + _number(data, at + 12, 4, "little") for at in entries)
    return len(entries) > 0 and len(data) >= entries.stop and all(end <= len(data) for end in ends)


class _Box(NamedTuple):
    """A box from `start` to `end`; what is in it begins at `content`."""

    kind: bytes
    content: int
    end: int


def _boxes(data: Bytes, at: int, end: int) -> Iterator[_Box]:
    """The boxes between two places; the last one may end past the second place."""
    while at + 8 <= end:
        size, content = _number(data, at, 4, "big"), at + 8
        if size == 1:
            size, content = _number(data, content, 8, "big"), content + 8
        box_end = end if size == 0 else at + max(size, content - at)
        yield _Box(data[at + 4 : at + 8], content, box_end)
        at = box_end


_SEQUENCES = {b"avis", b"msf1", b"hevc", b"hevx"}
"""Brands of files whose frames are in a track, like those of a film."""


def _heif(data: Bytes) -> bool | None:
    is_sequence = data[8:12] in _SEQUENCES
    if is_sequence and not {b"moov", b"mdat"} <= _whole_boxes(data):
        return False
    meta = next((box for box in _boxes(data, 0, len(data)) if box.kind == b"meta"), None)
    if meta is None:
        return is_sequence or _whole_or_unknown(data)
    end = _extents_end(data, meta)
    return meta.end <= len(data) and end is not None and end <= len(data)


def _whole_boxes(data: Bytes) -> set[bytes]:
    return {box.kind for box in _boxes(data, 0, len(data)) if box.end <= len(data)}


def _whole_or_unknown(data: Bytes) -> Literal[False] | None:
    """False if a box is cut."""
    return False if any(box.end > len(data) for box in _boxes(data, 0, len(data))) else None


def _extents_end(data: Bytes, meta: _Box) -> int | None:
    """The end of the last bytes that the `iloc` box refers to; None without such a box."""
    # The first four bytes of a `meta` and of an `iloc` box are its version and flags.
    iloc = next((box for box in _boxes(data, meta.content + 4, meta.end) if box.kind == b"iloc"), None)
    if iloc is None:
        return None
    if iloc.content + 8 > len(data):
        return None
    version, sizes = data[iloc.content], data[iloc.content + 4 : iloc.content + 6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version in (1, 2) else 0
    extent_size = index_size + offset_size + length_size
    wide = 4 if version == 2 else 2
    at, last = iloc.content + 6 + wide, 0
    for _ in range(_number(data, iloc.content + 6, wide, "big")):
        at += wide
        is_elsewhere = version in (1, 2) and _number(data, at, 2, "big") & 15 != 0
        at += 4 if version in (1, 2) else 2
        base = _number(data, at, base_size, "big")
        extents_at = at + base_size + 2
        at = extents_at + extent_size * _number(data, extents_at - 2, 2, "big")
        if at > min(iloc.end, len(data)):
            return None
        if extent_size == 0 or is_elsewhere:
            continue
        for extent in range(extents_at, at, extent_size):
            offset = _number(data, extent + index_size, offset_size, "big")
            length = _number(data, extent + index_size + offset_size, length_size, "big")
            last = max(last, base + offset + length)
    return last


def _jxl(data: Bytes) -> bool | None:
    if data[:2] == b"\xff\x0a":
        return None
    # The last box of a picture is marked by the highest bit of its number.
    has_end = any(
        box.end <= len(data)
        for box in _boxes(data, 0, len(data))
        if box.kind == b"jxlc" or (box.kind == b"jxlp" and _number(data, box.content, 1, "big") & 0x80)
    )
    return has_end or _whole_or_unknown(data)


def _jp2(data: Bytes) -> bool | None:
    if data[:2] == b"\xff\x4f":
        return None
    boxes = _whole_boxes(data)
    # Only a file that refers to fragments has no codestream of its own.
    return b"jp2c" in boxes or (None if b"ftbl" in boxes else False)


Order = Literal["little", "big"]

_PLACES = ((273, 279), (324, 325), (513, 514))
"""The tags with the starts and lengths of strips, tiles and an old kind of JPEG."""


class _Tiff:
    """A TIFF with offsets of four bytes, or of eight (BigTIFF)."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.order: Order = "little" if data[:2] == b"II" else "big"
        self.is_big = self.number(2, 2) == 43
        self.wide = 8 if self.is_big else 4
        self.count_size = 8 if self.is_big else 2
        self.left = _MOST_VALUES

    def number(self, at: int, size: int) -> int:
        return _number(self.data, at, size, self.order)

    def is_whole(self) -> bool:
        at, seen = self.number(8 if self.is_big else 4, self.wide), set[int]()
        while at and at not in seen:
            seen.add(at)
            start, entry_size = at + self.count_size, 4 + 2 * self.wide
            end = start + entry_size * self.number(at, self.count_size)
            if end + self.wide > len(self.data) or not self.can_take((end - start) // entry_size):
                return False
            places = range(start, end, entry_size)
            if any(self.values_range(place).stop > len(self.data) for place in places):
                return False
            entries = {self.number(place, 2): place for place in places}
            if not all(self.has(entries, *tags) for tags in _PLACES):
                return False
            at = self.number(end, self.wide)
        return bool(seen)

    def can_take(self, count: int) -> bool:
        """False for a hostile file in which the same bytes are read again and again."""
        self.left -= count
        return self.left >= 0

    def has(self, entries: dict[int, int], starts_tag: int, lengths_tag: int) -> bool:
        if starts_tag not in entries or lengths_tag not in entries:
            return True
        starts, lengths = self.values_range(entries[starts_tag]), self.values_range(entries[lengths_tag])
        return self.can_take(len(starts) + len(lengths)) and all(
            self.number(start, starts.step) + self.number(length, lengths.step) <= len(self.data)
            for start, length in zip(starts, lengths, strict=False)
        )

    def values_range(self, entry: int) -> range:
        """The places of an entry's values, in steps of their size."""
        size, count = TIFF_SIZES.get(self.number(entry + 2, 2), 1), self.number(entry + 4, self.wide)
        at = entry + 4 + self.wide
        if size * count > self.wide:
            at = self.number(at, self.wide)
        return range(at, at + size * count, size)


def _tiff(data: Bytes) -> bool:
    return _Tiff(data).is_whole()


def _number(data: Bytes, at: int, size: int, order: Order) -> int:
    """The number in these bytes; bytes past the file's end are left out."""
    return int.from_bytes(data[at : at + size], order)


_WALKS: dict[Format, Callable[[Bytes], bool | None]] = {
    PNG: _png,
    JPEG: _jpeg,
    WEBP: _webp,
    GIF: _gif,
    TIFF: _tiff,
    BMP: _bmp,
    ICO: _ico,
    AVIF: _heif,
    HEIC: _heif,
    JXL: _jxl,
    JP2: _jp2,
}
