"""WebM and Matroska: elements of EBML, whose sizes may be unknown."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rivya_nb.contract.media import Medium
from rivya_nb.media.walking import Bytes, Steps, Walked, number, seconds, shown_size

SEGMENT, _CLUSTER, _INFO, _TRACKS, _CUES = 0x18538067, 0x1F43B675, 0x1549A966, 0x1654AE6B, 0x1C53BB6B
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_ENTRY, _NUMBER, _TYPE, _FRAME_TIME, _VIDEO = 0xAE, 0xD7, 0x83, 0x23E383, 0xE0
_WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_CROPS = {_WIDTH: (0x54CC, 0x54DD), _HEIGHT: (0x54AA, 0x54BB)}
_PROJECTION, _ROLL = 0x7670, 0x7675
_UNKNOWN_UNIT = 4
_TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK, _BLOCK_TIME = 0xE7, 0xA3, 0xA0, 0xA1, 0x9B

_ON_TOP = {SEGMENT, _CLUSTER, _INFO, _TRACKS, _CUES}
"""What is read beside clusters, and so ends one of unknown size."""

_FILM, _SOUND = 1, 2


class Element(NamedTuple):
    """An element from `start` on; `end` is None if its size is unknown, and may be past the file's end."""

    id: int
    start: int
    content: int
    end: int | None


@dataclass(slots=True)
class _Segment:
    scale: int = 1_000_000
    """Nanoseconds of a tick."""
    ticks: float = 0.0
    types: set[int] = field(default_factory=set)
    frame_times: dict[int, int] = field(default_factory=dict)
    """Nanoseconds of a frame, by the number of its track."""
    width: int = 0
    height: int = 0
    rate: float = 0.0
    last_cluster: Element | None = None
    is_indexed: bool = False
    """Whether places are listed behind the last cluster."""
    is_cut: bool = False


def walk_ebml(data: Bytes, steps: Steps) -> Walked:
    segment = next((each for each in elements(data, 0, len(data), steps) if each.id == SEGMENT), None)
    if segment is None:
        return Walked(False)
    found = _Segment()
    _read_segment(data, segment, found, steps)
    whole: bool | None
    if found.is_cut or found.last_cluster is None or (segment.end or 0) > len(data):
        whole = False
    else:
        whole = segment.end is not None or found.is_indexed or None
    medium: Medium | None = "video" if _FILM in found.types else "audio" if _SOUND in found.types else None
    duration = seconds(found.ticks * found.scale, 1e9)
    if duration is None:
        duration = seconds(_last_time(data, found, steps) * found.scale, 1e9)
    return Walked(whole, duration, found.width, found.height, medium, found.rate)


def elements(data: Bytes, at: int, end: int, steps: Steps) -> Iterator[Element]:
    """The elements between two places, up to one that is none or has no size."""
    while at < end:
        element = _element(data, at, end, steps)
        yield element
        if element.end is None:
            return
        at = element.end


def _element(data: Bytes, at: int, end: int, steps: Steps) -> Element:
    """The element at a place; its id is -1 if its head is cut, or it is none."""
    steps.take()
    id_size = _leading(data, at, 4)
    size_at = at + id_size
    size_size = _leading(data, size_at, 8)
    content = size_at + size_size
    if not id_size or not size_size or content > end:
        return Element(-1, at, at, end + 1)
    size, unknown = number(data, size_at, size_size), (1 << 7 * size_size) - 1
    size &= unknown
    return Element(number(data, at, id_size), at, content, None if size == unknown else content + size)


def _leading(data: Bytes, at: int, most: int) -> int:
    """The bytes of the number at this place, by its leading zero bits; 0 if it has none, or too many."""
    first = data[at] if at < len(data) else 0
    size = 9 - first.bit_length()
    return size if first and size <= most else 0


def _read_segment(data: Bytes, segment: Element, found: _Segment, steps: Steps) -> None:
    at, end = segment.content, min(segment.end or len(data), len(data))
    while at < end:
        element = _element(data, at, end, steps)
        if element.id == -1:
            # Behind a segment whose end is known nothing counts.
            found.is_cut = segment.end is None and _is_start(data, at)
            return
        if element.id == SEGMENT:
            return
        if element.id == _CLUSTER:
            found.last_cluster, found.is_indexed = element, False
        elif element.id == _CUES:
            found.is_indexed = True
        elif element.end is not None and element.id == _INFO:
            _read_info(data, element.content, element.end, found, steps)
        elif element.end is not None and element.id == _TRACKS:
            _read_tracks(data, element.content, element.end, found, steps)
        at = _open_end(data, element, end, found, steps) if element.end is None else element.end
        found.is_cut |= at > len(data)


def _is_start(data: Bytes, at: int) -> bool:
    """Whether what is left may be the start of an element, and is not what a server has added."""
    return bool(bytes(data[at : at + 16]).strip(b"\r\n\0"))


def _open_end(data: Bytes, cluster: Element, end: int, found: _Segment, steps: Steps) -> int:
    """Where a cluster of unknown size ends."""
    at = cluster.content
    while at < end:
        element = _element(data, at, end, steps)
        if element.id in _ON_TOP:
            return at
        if element.id == -1:
            found.is_cut |= _is_start(data, at)
            return end
        if element.end is None:
            return end
        at = element.end
    return at


def _read_info(data: Bytes, at: int, end: int, found: _Segment, steps: Steps) -> None:
    for element in elements(data, at, min(end, len(data)), steps):
        if element.id == _SCALE:
            found.scale = _value(data, element) or found.scale
        elif element.id == _DURATION:
            found.ticks = _fraction(data, element)


def _read_tracks(data: Bytes, at: int, end: int, found: _Segment, steps: Steps) -> None:
    for entry in elements(data, at, min(end, len(data)), steps):
        if entry.id != _ENTRY or entry.end is None:
            continue
        inner = _inner(data, entry, steps)
        kind = _value(data, inner.get(_TYPE))
        found.types.add(kind)
        frame_time = _value(data, inner.get(_FRAME_TIME))
        found.frame_times[_value(data, inner.get(_NUMBER))] = frame_time
        video = inner.get(_VIDEO)
        if kind == _FILM and not found.width and video is not None:
            found.width, found.height = _shape(data, video, steps)
            found.rate = 1e9 / frame_time if frame_time else 0.0


def _inner(data: Bytes, outer: Element, steps: Steps) -> dict[int, Element]:
    """What is in an element, by its id."""
    end = len(data) if outer.end is None else min(outer.end, len(data))
    return {each.id: each for each in elements(data, outer.content, end, steps)}


def _shape(data: Bytes, video: Element, steps: Steps) -> tuple[int, int]:
    """The size in which the frames are shown, without what is cropped."""
    inner = _inner(data, video, steps)
    width, height = (
        _value(data, inner.get(side)) - sum(_value(data, inner.get(crop)) for crop in crops)
        for side, crops in _CROPS.items()
    )
    across = down = 1
    if _value(data, inner.get(_SHOWN_UNIT)) != _UNKNOWN_UNIT:
        # Whether these are pixels, lengths or only a ratio, players take the shape from them.
        across = (_value(data, inner.get(_SHOWN_WIDTH)) or width) * height
        down = (_value(data, inner.get(_SHOWN_HEIGHT)) or height) * width
    width, height = shown_size(width, height, across, down)
    projection = inner.get(_PROJECTION)
    roll = 0.0 if projection is None else _fraction(data, _inner(data, projection, steps).get(_ROLL))
    return (height, width) if roll % 180 == 90 else (width, height)


def _value(data: Bytes, element: Element | None) -> int:
    """A whole number; 0 if there is none, or more bytes than a number has."""
    if element is None or element.end is None or element.end - element.content > 8:
        return 0
    return number(data, element.content, element.end - element.content)


def _fraction(data: Bytes, element: Element | None) -> float:
    content = (
        bytes(data[element.content : element.end])
        if element is not None and element.end is not None and element.end - element.content in (4, 8)
        else b""
    )
    form = {4: ">f", 8: ">d"}.get(len(content))
    return float(struct.unpack(form, content)[0]) if form else 0.0


def _last_time(data: Bytes, found: _Segment, steps: Steps) -> float:
    """When the last block ends, in ticks, where no head tells the duration."""
    cluster = found.last_cluster
    if cluster is None:
        return 0.0
    start = last = 0.0
    end = min(cluster.end or len(data), len(data))
    for element in elements(data, cluster.content, end, steps):
        lasting = 0.0
        block: Element | None = element
        if element.id == _TIME:
            start = float(_value(data, element))
        if element.id == _GROUP and element.end is not None:
            inner = _inner(data, element, steps)
            block = inner.get(_BLOCK)
            lasting = float(_value(data, inner.get(_BLOCK_TIME)))
        if block is not None and block.id in (_SIMPLE_BLOCK, _BLOCK):
            size = _leading(data, block.content, 8) or 1
            at = block.content + size
            track = number(data, block.content, size) & (1 << 7 * size) - 1
            lasting = lasting or found.frame_times.get(track, 0) / found.scale
            offset = int.from_bytes(data[at : at + 2], "big", signed=True)
            last = max(last, start + offset + lasting)
    return last
