"""Writes an MP4 of single pictures, for models whose references may be MP4 and not WebM.

Pillow writes a sequence of AVIF pictures, which is an MP4 of AV1 in all but name: it says that they are pictures,
are repeated for ever, and when they were written.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rivya_nb.media.boxes import Box, find_box, top_boxes
from rivya_nb.media.walking import Steps

if TYPE_CHECKING:
    from PIL import Image

_QUALITY, _SPEED = 55, 10
_TICKS = 1000
"""The ticks of a frame; Pillow takes them for milliseconds."""


def can_write_mp4() -> bool:
    """True if this Pillow encodes AVIF; older ones, and those of some systems, do not."""
    # Pillow is loaded with the first result, not with the server.
    from PIL import features

    return bool(features.check("avif"))


def mp4(frames: Iterable[Image.Image], rate: int, comment: str) -> bytes:
    """A video of frames of one size, `rate` of them a second, without sound."""
    first, *others = frames
    buffer = io.BytesIO()
    options = {"quality": _QUALITY, "speed": _SPEED, "max_threads": 1, "duration": _TICKS}
    first.save(buffer, "AVIF", save_all=True, append_images=others, **options)
    data = bytearray(buffer.getvalue())
    tops = {box.kind: box for box in top_boxes(bytes(data), Steps())}
    start, end = tops[b"ftyp"].content, tops[b"ftyp"].end
    data[start:end] = b"isom\0\0\0\0" + b"isomav01mp41".ljust(end - start - 8, b"\0")
    # It lists the first picture as one that stands alone.
    data[tops[b"meta"].start + 4 : tops[b"meta"].content] = b"free"
    _rename(data, tops[b"moov"], rate, (1 + len(others)) * _TICKS)
    text = comment.encode()
    return bytes(data) + struct.pack(">I4s", 8 + len(text), b"free") + text


def _rename(data: bytearray, moov: Box, rate: int, ticks: int) -> None:
    """Make a film of the pictures' track, which is shown once."""
    times, long = bytes(16), struct.pack(">Q", ticks)
    clock = times + struct.pack(">I", rate * _TICKS) + long
    for path, offset, new in (
        ((b"mvhd",), 4, clock),
        ((b"trak", b"tkhd"), 4, times),
        ((b"trak", b"tkhd"), 28, long),
        ((b"trak", b"mdia", b"mdhd"), 4, clock),
        ((b"trak", b"mdia", b"hdlr"), 8, b"vide"),
        # Its flags: whether it is repeated.
        ((b"trak", b"edts", b"elst"), 1, bytes(3)),
    ):
        box = find_box(bytes(data), moov, Steps(), *path)
        if box is not None:
            data[box.content + offset : box.content + offset + len(new)] = new
