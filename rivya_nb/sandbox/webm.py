"""Writes a WebM of single pictures: every frame is a WebP picture, whose bytes are those of a VP8 key frame.

So the sandbox makes videos without an encoder of video, and a player can go to each of their frames.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable

from PIL import Image

from rivya_nb.sandbox.soundtracks import PACKET_MILLISECONDS, Soundtrack

_EBML, _SEGMENT, _INFO, _TRACKS, _CUES, _CLUSTER = (
    0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1F43B675,
)  # fmt: skip
_QUALITY = 72


def webm(
    frames: Iterable[Image.Image],
    size: tuple[int, int],
    rate: int,
    comment: str,
    sound: Soundtrack | None = None,
) -> bytes:
    """A video of frames of that size (width and height in pixels), `rate` of them a second."""
    pictures = [(round(number * 1000 / rate), 1, _key_frame(frame)) for number, frame in enumerate(frames)]
    packets = () if sound is None else sound.packets
    heard = [(number * PACKET_MILLISECONDS, 2, packet) for number, packet in enumerate(packets)]
    info = (
        _number(0x2AD7B1, 1_000_000)
        + _element(0x4489, struct.pack(">d", len(pictures) * 1000 / rate))
        + _element(0x4D80, b"rivya_nb")
        + _element(0x5741, comment.encode())
    )
    tracks = _video_track(size, rate) + (b"" if sound is None else _audio_track(sound))
    head = _element(_INFO, info) + _element(_TRACKS, tracks)
    # The position is written in as many bytes whatever it is: it stands before the cluster.
    position = len(head) + len(_cues(0))
    cluster = _element(
        _CLUSTER, _number(0xE7, 0) + b"".join(_block(*each) for each in sorted(pictures + heard))
    )
    return _element(_EBML, _header()) + _element(_SEGMENT, head + _cues(position) + cluster)


def _block(milliseconds: int, track: int, content: bytes) -> bytes:
    return _element(0xA3, struct.pack(">BhB", 0x80 | track, milliseconds, 0x80) + content)


def _key_frame(frame: Image.Image) -> bytes:
    buffer = io.BytesIO()
    frame.save(buffer, "WEBP", quality=_QUALITY, method=2)
    data = buffer.getvalue()
    if data[12:16] != b"VP8 ":
        raise ValueError("this Pillow writes no plain lossy WebP")
    return data[20 : 20 + int.from_bytes(data[16:20], "little")]


def _header() -> bytes:
    numbers = {0x4286: 1, 0x42F7: 1, 0x42F2: 4, 0x42F3: 8, 0x4287: 2, 0x4285: 2}
    return b"".join(_number(*each) for each in numbers.items()) + _element(0x4282, b"webm")


def _video_track(size: tuple[int, int], rate: int) -> bytes:
    picture = _number(0xB0, size[0]) + _number(0xBA, size[1])
    entry = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _number(0x9C, 0)
    entry += _element(0x86, b"V_VP8") + _number(0x23E383, round(1e9 / rate)) + _element(0xE0, picture)
    return _element(0xAE, entry)


def _audio_track(sound: Soundtrack) -> bytes:
    heard = _element(0xB5, struct.pack(">d", 48_000)) + _number(0x9F, 1)
    entry = _number(0xD7, 2) + _number(0x73C5, 2) + _number(0x83, 2) + _number(0x9C, 0)
    entry += _element(0x86, b"A_OPUS") + _element(0x63A2, sound.head)
    # Nanoseconds: what is not played at the beginning, and what a decoder needs before a place it starts at.
    entry += _number(0x56AA, round(sound.skipped * 1e9 / 48_000)) + _number(0x56BB, 80_000_000)
    return _element(0xAE, entry + _element(0xE1, heard))


def _cues(position: int) -> bytes:
    """Where the cluster begins, counted from the segment's content."""
    place = _number(0xF7, 1) + _element(0xF1, position.to_bytes(4, "big"))
    return _element(_CUES, _element(0xBB, _number(0xB3, 0) + _element(0xB7, place)))


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, -(-value.bit_length() // 8)), "big"))


def _element(name: int, content: bytes) -> bytes:
    # As few bytes as can hold it: who looks for the word "webm" looks at the first bytes only.
    size = next(size for size in range(1, 9) if len(content) < (1 << 7 * size) - 1)
    length = (len(content) | 1 << 7 * size).to_bytes(size, "big")
    return name.to_bytes(-(-name.bit_length() // 8), "big") + length + content
