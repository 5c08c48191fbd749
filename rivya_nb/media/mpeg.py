"""Sound as a chain of frames, each of which states its length: MP3 and AAC."""

from __future__ import annotations

from collections.abc import Callable
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

_TAIL_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
"""How tags behind the sound begin: nothing of the sound is missing before them."""


class _Frame(NamedTuple):
    """A frame's length in bytes, its samples, and their rate in Hz."""

    length: int
    samples: int
    rate: int


class _Chain(NamedTuple):
    """Where the frames and tags of a part end, where its frames end, and how many these are."""

    limit: int
    end: int
    frames: int


class _Told(NamedTuple):
    """How many frames follow the first one, and how many bytes there are from it on; None if that is not told."""

    frames: int | None = None
    size: int | None = None


_Reader: TypeAlias = Callable[[Bytes, int], "_Frame | None"]
"""Reads the frame at a place; None if there is none."""


def id3_end(data: Bytes) -> int:
    """Where an ID3 tag at the start ends; 0 without one. It may be past the file's end."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return size + (20 if data[5] & 0x10 else 10)


def is_mpeg(header: bytes) -> bool:
    """True if a file begins with a frame of MP3, and goes on with another as far as can be seen."""
    return _is_chain(header, _mpeg_frame)


def is_adts(header: bytes) -> bool:
    """The same for AAC."""
    return _is_chain(header, _adts_frame)


def walk_mpeg(data: Bytes, steps: Steps) -> Walked:
    at = id3_end(data)
    if _mpeg_frame(data, at) is None:
        return Walked(False if at + 4 > len(data) else None)
    lasts: float | None = 0.0
    # Files that were joined end to end play as one; each may have tags of its own.
    while (first := _mpeg_frame(data, at)) is not None:
        end, frames = _chain(data, at, _mpeg_frame, steps)
        following = _tags_end(data, end, steps)
        goes_on = end < following < len(data) and _mpeg_frame(data, following) is not None
        part = _walk_part(data, at, first, _Chain(following if goes_on else len(data), end, frames))
        lasts = None if lasts is None or part.duration is None else lasts + part.duration
        if not goes_on:
            break
        at = following
    return Walked(part.whole, lasts)


def _tags_end(data: Bytes, at: int, steps: Steps) -> int:
    """Where the tags end that begin at this place; the place itself if there is none."""
    while True:
        steps.take()
        head = bytes(data[at : at + 16])
        if head.startswith(b"ID3") and len(head) >= 10:
            at += id3_end(head)
        elif head.startswith(b"TAG"):
            at += _TAG_BYTES
        elif head.startswith(b"APETAGEX"):
            at += 32 + int.from_bytes(head[12:16], "little")
        else:
            return at


def _walk_part(data: Bytes, start: int, first: _Frame, chain: _Chain) -> Walked:
    """One file of those that were joined, or the only one."""
    told = _told(data, start, first)
    is_cut = chain.end > len(data)
    rest = bytes(data[chain.end : min(chain.end + _TAG_BYTES, chain.limit)])
    has_tag = rest.startswith(_TAIL_TAGS)
    is_tag_cut = 0 < len(rest) < _TAG_BYTES and b"TAG".startswith(rest[:3])
    size = chain.limit - start
    whole = False if is_cut or is_tag_cut else _has_all(size, chain.frames, told, bool(rest))
    if whole is None and told == _Told() and has_tag:
        whole = True
    if not rest or has_tag:
        # The frames are counted; one that tells of the others is silent.
        count = chain.frames - is_cut - (told != _Told())
    elif told.frames is not None:
        count = told.frames
    else:
        # Something else is in between; what the rest of it is, is not known.
        return Walked(whole)
    return Walked(whole, seconds(count * first.samples, first.rate))


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


def walk_adts(data: Bytes, steps: Steps) -> Walked:
    start = id3_end(data)
    first = _adts_frame(data, start)
    if first is None:
        return Walked(False if start + 7 > len(data) else None)
    end, frames = _chain(data, start, _adts_frame, steps)
    is_cut = end > len(data)
    if end < len(data) and not bytes(data[end : end + _TAG_BYTES]).startswith(_TAIL_TAGS):
        # How long the rest is, is not known.
        return Walked(None)
    return Walked(False if is_cut else None, seconds((frames - is_cut) * first.samples, first.rate))


def _is_chain(header: bytes, frame_at: _Reader) -> bool:
    first = frame_at(header, 0)
    return first is not None and (
        first.length + 7 > len(header) or frame_at(header, first.length) is not None
    )


def _chain(data: Bytes, start: int, frame_at: _Reader, steps: Steps) -> tuple[int, int]:
    """Where the frames end, and how many there are; an end past the file's end means that the last one is cut."""
    at = start
    frames = 0
    while at < len(data) and (frame := frame_at(data, at)) is not None:
        steps.take()
        at, frames = at + frame.length, frames + 1
    if at < len(data) < at + 4 and data[at] == 0xFF:
        # Less than a frame's head is left.
        return len(data) + 1, frames + 1
    return at, frames


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


def _told(data: Bytes, start: int, first: _Frame) -> _Told:
    """What an encoder has written into the first frame."""
    frame = bytes(data[start : start + first.length])
    at = max(frame.find(b"Xing", 4, 48), frame.find(b"Info", 4, 48))
    if at >= 0:
        flags = number(frame, at + 4, 4)
        frames = number(frame, at + 8, 4) if flags & 1 else 0
        size = number(frame, at + 8 + 4 * (flags & 1), 4) if flags & 2 else 0
        return _Told(frames or None, size or None)
    if frame[36:40] == b"VBRI":
        return _Told(number(frame, 50, 4) or None, number(frame, 46, 4) or None)
    return _Told()
