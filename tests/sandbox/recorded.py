"""Small video and audio files that say how long they are, without a picture or a tone in them."""

from __future__ import annotations

import io
import struct
import wave


def mp4(seconds: float, *, handler: bytes = b"vide", brand: bytes = b"isom") -> bytes:
    """An MP4 with one track; with the brand `qt  ` a MOV, with the handler `soun` an M4A."""
    header = struct.pack(">4xIIII80x", 0, 0, 1000, round(seconds * 1000))
    head = struct.pack(">4xIIII", 0, 0, 1, 0) + struct.pack(">I60x", round(seconds * 1000))
    media = _box(b"mdia", _box(b"hdlr", bytes(8) + handler + bytes(13)))
    movie = _box(b"moov", _box(b"mvhd", header) + _box(b"trak", _box(b"tkhd", head) + media))
    return _box(b"ftyp", brand + bytes(4) + brand) + _box(b"mdat", bytes(64)) + movie


def matroska(seconds: float, *, doc_type: bytes = b"webm", track: int = 1) -> bytes:
    """A WebM, or with another `doc_type` a Matroska file; track 1 is video, 2 is audio."""
    info = _element(0x2AD7B1, (1_000_000).to_bytes(3, "big")) + _element(
        0x4489, struct.pack(">d", seconds * 1000)
    )
    tracks = _element(0xAE, _element(0x83, bytes([track])))
    segment = _element(0x1549A966, info) + _element(0x1654AE6B, tracks) + _element(0x1F43B675, bytes(16))
    return _element(0x1A45DFA3, _element(0x4282, doc_type)) + _element(0x18538067, segment)


def wav(seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * round(8000 * seconds)))
    return buffer.getvalue()


def mp3(seconds: float) -> bytes:
    """Frames of silence, of 128 kbit/s, behind an empty ID3 tag."""
    frame = b"\xff\xfb\x90\xc0".ljust(417, b"\0")
    return b"ID3\x04" + bytes(6) + frame * round(seconds * 44100 / 1152)


def ogg(seconds: float) -> bytes:
    head = b"OpusHead\1\1" + struct.pack("<HI", 312, 48000) + bytes(3)
    ticks = round(seconds * 48000) + 312
    # A packet has 5760 ticks at most.
    packets = -(-ticks // 5760)
    last = (
        b"OggS\0\4"
        + struct.pack("<qIII", ticks, 1, 1, 0)
        + bytes([packets])
        + b"\1" * packets
        + b"\x19" * packets
    )
    return b"OggS\0\2" + struct.pack("<qIII", 0, 1, 0, 0) + bytes([1, len(head)]) + head + last


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _element(name: int, content: bytes) -> bytes:
    return (
        name.to_bytes(-(-name.bit_length() // 8), "big") + b"\x01" + len(content).to_bytes(7, "big") + content
    )
