"""Sound as a chain of frames, each of which states its length: MP3 and AAC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from rivya_nb.media.walking import Bytes, Steps, Walked, number, seconds

_MPEG_1, _MPEG_2, _MPEG_2_5 = 3, 2, 0
_LAYER_2, _LAYER_3 = 2, 1

_KBITS = {
    (True, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, _LAYER_2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
_SLOWER = {_MPEG_1: 1, _MPEG_2: 2, _MPEG_2_5: 4}
_AAC_RATES = (
    96_000,
    88_200,
    64_000,
    48_000,
    44_100,
    32_000,
    24_000,
    22_050,
    16_000,
    12_000,
    11_025,
    8_000,
    7_350,
)

_TAG_BYTES = 128
"""The size of the oldest tag, which ends a file."""

_HEAD = 7
"""Bytes of a frame at least: fewer at the end are the start of one."""

_MOST_TAGS = 16
"""Tags one behind the other; no file has more."""

_VERSIONS = (2, 3, 4)
"""Of the other tag: a text may begin with its name."""

_TAIL_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
"""How tags behind the sound begin: nothing of the sound is missing before them."""


class _Frame(NamedTuple):
    """A frame's length in bytes, its samples, and their rate in Hz."""

    length: int
    samples: int
    rate: int


class _Part(NamedTuple):
    """Frames of one kind that lie one behind the other: where they start and end, how many they are, and the first
    one. An end past the file's means that the last one is cut."""

    start: int
    end: int
    frames: int
    first: _Frame


class _Told(NamedTuple):
    """How many frames follow the first one, and how many bytes there are from it on; None if that is not told."""

    frames: int | None = None
    size: int | None = None


_Reader: TypeAlias = Callable[[Bytes, int], "_Frame | None"]
"""Reads the frame at a place; None if there is none."""


def id3_end(data: Bytes, at: int = 0) -> int:
    """Where an ID3 tag ends that begins at a place, perhaps past the file's end; the place itself without one."""
    head = bytes(data[at : at + 10])
    if head[:3] != b"ID3" or len(head) < 10 or head[3] not in _VERSIONS:
        return at
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return at + size + (20 if head[5] & 0x10 else 10)


def tags_end(data: Bytes, at: int = 0) -> int:
    """The same for tags of any kind, one behind the other."""
    for _ in range(_MOST_TAGS):
        head = bytes(data[at : at + 16])
        if head.startswith(b"TAG"):
            at += _TAG_BYTES
        elif head.startswith(b"APETAGEX"):
            at += 32 + int.from_bytes(head[12:16], "little")
        else:
            at = id3_end(data, at)
    return at


def is_mpeg(header: bytes) -> bool:
    """True if a file begins with a frame of MP3, and goes on with another as far as can be seen."""
    return _is_chain(header, _mpeg_frame)


def is_adts(header: bytes) -> bool:
    """The same for AAC."""
    return _is_chain(header, _adts_frame)


def walk_mpeg(data: Bytes, steps: Steps) -> Walked:
    parts, unknown = _parts(data, _mpeg_frame, steps)
    if not parts:
        return Walked(False if tags_end(data) + 4 > len(data) else None)
    # A frame that tells of the others is silent.
    silent = sum(part.first.samples / part.first.rate for part in parts if _told(data, part) != _Told())
    return Walked(_has_end(data, parts[-1]), _lasting(data, parts, unknown, silent))


def walk_adts(data: Bytes, steps: Steps) -> Walked:
    parts, unknown = _parts(data, _adts_frame, steps)
    if not parts:
        return Walked(False if tags_end(data) + 7 > len(data) else None)
    return Walked(False if parts[-1].end > len(data) else None, _lasting(data, parts, unknown))


def _parts(data: Bytes, frame_at: _Reader, steps: Steps) -> tuple[list[_Part], int]:
    """The frames of a file, and how many bytes of it are neither frames nor tags. Players go on behind what they
    do not know: files that were joined end to end play as one, each with its own tags."""
    at, unknown = tags_end(data), 0
    start = at if frame_at(data, at) is not None else _next_frame(data, at, frame_at, steps)
    parts: list[_Part] = []
    while (first := frame_at(data, start)) is not None:
        parts.append(_part(data, start, first, frame_at, steps))
        unknown += start - at
        at = tags_end(data, parts[-1].end)
        start = _next_frame(data, at, frame_at, steps)
    return parts, unknown + max(0, len(data) - at)


def _next_frame(data: Bytes, at: int, frame_at: _Reader, steps: Steps) -> int:
    """Where frames begin at this place or behind it; the file's end if there are none. Two or three bytes may look
    like a frame by chance, but not three times in a row."""
    while 0 <= at < len(data):
        steps.take()
        place, left = at, 3
        while left and (frame := frame_at(data, place)) is not None:
            steps.take()
            place, left = place + frame.length, left - 1
        if not left:
            return at
        at = data.find(b"\xff", at + 1)
    return len(data)


def _part(data: Bytes, start: int, first: _Frame, frame_at: _Reader, steps: Steps) -> _Part:
    """The frames from this place on that are like the first one."""
    at, frames = start, 0
    frame: _Frame | None = first
    while frame is not None and frame.samples == first.samples and frame.rate == first.rate:
        steps.take()
        at, frames = at + frame.length, frames + 1
        frame = frame_at(data, at)
    if at < len(data) < at + _HEAD and data[at] == 0xFF:
        at, frames = len(data) + 1, frames + 1
    return _Part(start, at, frames, first)


def _lasting(data: Bytes, parts: Sequence[_Part], unknown: int, silent: float = 0.0) -> float | None:
    """How many seconds the frames last, without those that are silent; None if most of the file is something
    else."""
    if unknown > sum(part.end - part.start for part in parts):
        return None
    is_cut = parts[-1].end > len(data)
    lasting = sum(part.frames * part.first.samples / part.first.rate for part in parts)
    last = parts[-1].first
    return seconds(lasting - silent - is_cut * last.samples / last.rate, 1.0)


def _has_end(data: Bytes, last: _Part) -> bool | None:
    """Whether the last part has all that its first frame tells, or a tag follows it."""
    told = _told(data, last)
    rest = bytes(data[last.end : last.end + _TAG_BYTES])
    is_tag_cut = 0 < len(rest) < _TAG_BYTES and b"TAG".startswith(rest[:3])
    if last.end > len(data) or is_tag_cut:
        return False
    if told == _Told() and rest.startswith(_TAIL_TAGS):
        return True
    return _has_all(len(data) - last.start, last.frames, told, bool(rest))


def _has_all(size: int, frames: int, told: _Told, goes_on: bool) -> bool | None:
    """Whether a sound of so many bytes and frames has what its first frame tells; None if that does not say."""
    # The frame that tells it is not counted, or is, by a few programs; as are the bytes of a tag before it.
    if told.frames is not None and frames > told.frames:
        return True
    if told.size is not None and size < told.size:
        return False
    if told.frames is None:
        return True if told.size is not None else None
    return None if goes_on or told.size is not None or frames == told.frames else False


def _is_chain(header: bytes, frame_at: _Reader) -> bool:
    first = frame_at(header, 0)
    return first is not None and (
        first.length + 7 > len(header) or frame_at(header, first.length) is not None
    )


def _mpeg_frame(data: Bytes, at: int) -> _Frame | None:
    head = number(data, at, 4)
    version, layer = head >> 19 & 3, head >> 17 & 3
    kbits, rate = head >> 12 & 15, head >> 10 & 3
    is_frame = head >> 21 == 0x7FF and version in _SLOWER and layer in (_LAYER_2, _LAYER_3)
    if not is_frame or kbits in (0, 15) or rate == 3 or at + 4 > len(data):
        return None
    hertz = _RATES[rate] // _SLOWER[version]
    samples = 1152 if version == _MPEG_1 or layer == _LAYER_2 else 576
    bits = _KBITS[version == _MPEG_1, layer][kbits - 1] * 1000
    return _Frame(samples // 8 * bits // hertz + (head >> 9 & 1), samples, hertz)


def _adts_frame(data: Bytes, at: int) -> _Frame | None:
    head = number(data, at, 7)
    rate, length = head >> 34 & 15, head >> 13 & 0x1FFF
    if at + 7 > len(data) or head >> 44 != 0xFFF or head >> 41 & 3 or rate >= len(_AAC_RATES) or length < 7:
        return None
    return _Frame(length, 1024 * ((head & 3) + 1), _AAC_RATES[rate])


def _told(data: Bytes, part: _Part) -> _Told:
    """What an encoder has written into the first frame."""
    frame = bytes(data[part.start : part.start + part.first.length])
    at = max(frame.find(b"Xing", 4, 48), frame.find(b"Info", 4, 48))
    if at >= 0:
        flags = number(frame, at + 4, 4)
        frames = number(frame, at + 8, 4) if flags & 1 else 0
        size = number(frame, at + 8 + 4 * (flags & 1), 4) if flags & 2 else 0
        return _Told(frames or None, size or None)
    if frame[36:40] == b"VBRI":
        return _Told(number(frame, 50, 4) or None, number(frame, 46, 4) or None)
    return _Told()
