"""What an uploaded video or audio file is, and how long it takes, read from its own structure.

It is independent of what the client reads, on purpose: a mistake in one is found by the other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_EBML, _SEGMENT, _INFO, _TRACKS, _TRACK = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE
_DOC_TYPE, _SCALE, _DURATION, _TRACK_TYPE, _CLUSTER = 0x4282, 0x2AD7B1, 0x4489, 0x83, 0x1F43B675
_MOST_BYTES = 1 << 20
"""The most that is read of one part: what is asked for is small."""


class Recording(NamedTuple):
    """A file's MIME type, and its seconds; None if they cannot be read."""

    mime_type: str
    seconds: float | None


def read_recording(file: BinaryIO) -> Recording | None:
    """The recording in a file that can be searched; None if its signature is that of no video or audio."""
    file.seek(0)
    head = file.read(64)
    try:
        if head[4:8] == b"ftyp":
            return _mp4(file, head[8:12])
        if head.startswith(b"\x1aE\xdf\xa3"):
            return _matroska(file)
        if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
            return Recording("audio/wav", _wav_seconds(file))
        if head.startswith(b"OggS"):
            return Recording("audio/ogg", _ogg_seconds(file, head))
        if head.startswith(b"fLaC"):
            return Recording("audio/flac", _flac_seconds(head))
        if head.startswith(b"ID3") or _mp3_frame(head):
            return Recording("audio/mpeg", _mp3_seconds(file, head))
    except (struct.error, IndexError, ValueError, ZeroDivisionError):
        # A part ends before what it says to hold.
        return None
    return None


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4 from `start` to `end`: their type, and where their content begins and ends."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            content += 8
        stop = end if size == 0 else start + size
        if stop < content or stop > end:
            raise ValueError("a box ends behind what holds it")
        yield kind, content, stop
        start = stop


def _mp4(file: BinaryIO, brand: bytes) -> Recording:
    seconds, handlers = None, set()
    for kind, start, end in _boxes(file, 0, _size(file)):
        if kind != b"moov":
            continue
        for part, first, last in list(_boxes(file, start, end)):
            file.seek(first)
            if part == b"mvhd":
                data = file.read(32)
                scale, length = struct.unpack_from(*((">IQ", data, 20) if data[0] else (">II", data, 12)))
                seconds = length / scale or None
            if part == b"trak":
                handlers |= {
                    _handler(file, *at) for name, *at in _boxes(file, first, last) if name == b"mdia"
                }
    if b"soun" in handlers and b"vide" not in handlers:
        return Recording("audio/mp4", seconds)
    return Recording("video/quicktime" if brand == b"qt  " else "video/mp4", seconds)


def _handler(file: BinaryIO, start: int, end: int) -> bytes:
    first = next((at for kind, at, _ in _boxes(file, start, end) if kind == b"hdlr"), None)
    if first is None:
        return b""
    file.seek(first + 8)
    return file.read(4)


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The elements of a Matroska file: their id, and where their content begins and ends."""
    while start < end:
        file.seek(start)
        head = file.read(12)
        id_length = 9 - head[0].bit_length()
        name = int.from_bytes(head[:id_length], "big")
        length = 9 - head[id_length].bit_length()
        mask = (1 << 7 * length) - 1
        size = int.from_bytes(head[id_length : id_length + length], "big") & mask
        content = start + id_length + length
        stop = end if size == mask else content + size
        yield name, content, min(stop, end)
        start = stop


def _content(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _MOST_BYTES))


def _matroska(file: BinaryIO) -> Recording:
    doc_type, scale, length, types = b"", 1_000_000, None, set()
    end = _size(file)
    for name, start, stop in _elements(file, 0, end):
        if name == _EBML:
            types_of = {part: _content(file, *at) for part, *at in _elements(file, start, stop)}
            doc_type = types_of.get(_DOC_TYPE, b"")
        elif name == _SEGMENT:
            for part, first, last in _elements(file, start, stop):
                if part == _INFO:
                    told = {key: _content(file, *at) for key, *at in _elements(file, first, last)}
                    scale = int.from_bytes(told.get(_SCALE, b""), "big") or scale
                    if number := told.get(_DURATION):
                        (length,) = struct.unpack(">f" if len(number) == 4 else ">d", number)
                elif part == _TRACKS:
                    for key, low, high in _elements(file, first, last):
                        if key == _TRACK:
                            types |= {
                                _content(file, *at)
                                for n, *at in _elements(file, low, high)
                                if n == _TRACK_TYPE
                            }
                elif part == _CLUSTER:
                    break
            break
    kind = "audio" if types == {b"\x02"} else "video"
    form = "webm" if doc_type.rstrip(b"\0") == b"webm" else "x-matroska"
    return Recording(f"{kind}/{form}", None if length is None else length * scale / 1e9)


def _wav_seconds(file: BinaryIO) -> float | None:
    at, end, rate = 12, _size(file), 0
    while at + 8 <= end:
        file.seek(at)
        kind, size = struct.unpack("<4sI", file.read(8))
        if kind == b"fmt ":
            (rate,) = struct.unpack_from("<I", file.read(16), 8)
        if kind == b"data":
            return float(min(size, end - at - 8) / rate)
        at += 8 + size + size % 2
    return None


def _ogg_seconds(file: BinaryIO, head: bytes) -> float | None:
    opus, vorbis = head[28:36] == b"OpusHead", head[28:35] == b"\x01vorbis"
    if not (opus or vorbis):
        return None
    skipped, rate = (int.from_bytes(head[38:40], "little"), 48_000) if opus else (0, head[40:44])
    rate = rate if isinstance(rate, int) else int.from_bytes(rate, "little")
    file.seek(max(0, _size(file) - 70_000))
    tail = file.read()
    last = tail.rindex(b"OggS")
    return (int.from_bytes(tail[last + 6 : last + 14], "little") - skipped) / rate


def _flac_seconds(head: bytes) -> float | None:
    bits = int.from_bytes(head[18:26], "big")
    return (bits & (1 << 36) - 1) / (bits >> 44) or None


_MP3_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MP3_KILOBITS = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mp3_frame(head: bytes) -> tuple[int, int, int] | None:
    """Of a frame of layer III: its samples, its samples per second, and its bits per second."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, kilobits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or not 0 < kilobits < 15 or rate == 3:
        return None
    bits = 1000 * _MP3_KILOBITS[3 if version == 3 else 2][kilobits - 1]
    return 1152 if version == 3 else 576, _MP3_RATES[version][rate], bits


def _mp3_seconds(file: BinaryIO, head: bytes) -> float | None:
    start = 0
    if head.startswith(b"ID3"):
        start = 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
    file.seek(start)
    data = file.read(4096)
    start += next((at for at in range(len(data) - 3) if _mp3_frame(data[at:])), len(data))
    file.seek(start)
    data = file.read(200)
    frame = _mp3_frame(data)
    if frame is None:
        return None
    samples, rate, bits = frame
    at = max(data.find(b"Xing"), data.find(b"Info"))
    if at > 0 and data[at + 7] & 1:
        return int.from_bytes(data[at + 8 : at + 12], "big") * samples / rate
    return (_size(file) - start) * 8 / bits
