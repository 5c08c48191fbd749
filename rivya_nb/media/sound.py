"""WAV, Ogg and FLAC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rivya_nb.media.mpeg import tags_end
from rivya_nb.media.walking import Bytes, Steps, Walked, number, seconds, shown_size

_UNPACKED = (1, 3, 6, 7)
"""Codings of a WAV with as many bytes for each sample: whole numbers, fractions, and those of the telephone."""

UNKNOWN_SIZE = 0xFFFF_FFFF
"""A size that is told elsewhere, or nowhere."""

_UNKNOWN_FROM = 0x7FFF_F000
"""From so many bytes on, a size in a WAV was written by a program that did not know it yet."""


def walk_wav(data: Bytes, steps: Steps) -> Walked:
    order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
    stated = 8 + number(data, 4, 4, order)
    at, second, wide_size, rate, samples = 12, 0, 0, 0, 0
    while at + 8 <= len(data):
        steps.take()
        kind, size, content = bytes(data[at : at + 4]), number(data, at + 4, 4, order), at + 8
        if kind == b"ds64":
            wide_size = number(data, content + 8, 8, order)
        elif kind == b"fmt ":
            second = _bytes_a_second(data, content, order)
            rate = 0 if number(data, content, 2, order) in _UNPACKED else number(data, content + 4, 4, order)
        elif kind == b"fact":
            samples = number(data, content, 4, order)
        elif kind == b"data":
            size = wide_size if size == UNKNOWN_SIZE and wide_size else size
            is_open = size >= _UNKNOWN_FROM > len(data) - content or (size == 0 and content < len(data))
            end = len(data) if is_open else content + size
            duration = seconds(min(end, len(data)) - content, second)
            if samples != UNKNOWN_SIZE and end <= len(data) and not is_open:
                # Of packed samples, their number is told; how many bytes make a second is often wrong.
                duration = seconds(samples, rate) or duration
            return Walked(_wav_whole(len(data), end, stated, is_open), duration)
        at = content + size + size % 2
    return Walked(False)


def _bytes_a_second(data: Bytes, form: int, order: Literal["big", "little"]) -> int:
    """Counted from the samples where these have a size: what is stated beside it is wrong in some files."""
    coding, samples = number(data, form, 2, order), number(data, form + 4, 4, order)
    counted = samples * number(data, form + 12, 2, order) if coding in _UNPACKED else 0
    return counted or number(data, form + 8, 4, order)


def _wav_whole(length: int, end: int, stated: int, is_open: bool) -> bool | None:
    if is_open:
        return None
    if end > length:
        return False
    if stated >= _UNKNOWN_FROM or stated <= length:
        return True
    # All of the sound is there. Some programs count the head to the length, which states too much.
    return None if end == length and stated - length <= 8 else False


@dataclass(slots=True)
class _Stream:
    """One of the streams of an Ogg: how many ticks go to a second, how many stand before its start, and how many a
    packet has at most, None where each one tells it, 0 if that is not known; then the ticks at its start and at
    its end. Those of a film are the number of the last key frame, `shift` bits up, and in the bits `behind` how
    many frames follow it."""

    rate: float = 0.0
    skipped: int = 0
    packet: int | None = 1
    shift: int = 0
    behind: int = 0
    width: int = 0
    height: int = 0
    start: int | None = None
    end: int = 0

    def read_page(self, ticks: int, packets: int, head: bytes) -> None:
        """Take what a page tells: the ticks where its last packet ends, how many end in it, and how they begin."""
        ticks = (ticks >> self.shift) + (ticks & self.behind)
        if ticks > 0:
            if self.start is None:
                # What was recorded from a broadcast does not begin at 0: its packets cannot have so many ticks.
                each = _opus_ticks(head) if self.packet is None else self.packet
                self.start = max(0, ticks - packets * each) if each else 0
            self.end = max(self.end, ticks)


def walk_ogg(data: Bytes, steps: Steps) -> Walked:
    at, streams, whole = 0, dict[int, _Stream](), None
    unended = set[int]()
    before, film = 0.0, None
    while data[at : at + 4] == b"OggS":
        steps.take()
        count = number(data, at + 26, 1)
        content = at + 27 + count
        sizes = bytes(data[at + 27 : content])
        end = content + sum(sizes)
        if content > len(data) or end > len(data):
            whole = False
            break
        flags, serial = data[at + 5], number(data, at + 14, 4)
        if flags & 2 and streams and not unended:
            # Files that were joined end to end play as one.
            before += _lasting(streams)
            streams = {}
        if serial not in streams:
            steps.take(100)
            streams[serial] = _ogg_stream(bytes(data[content : content + 80]))
            unended.add(serial)
            film = film or (streams[serial] if streams[serial].width else None)
        ticks = int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        streams[serial].read_page(ticks, count - sizes.count(255), bytes(data[content : content + 2]))
        if flags & 4:
            unended.discard(serial)
        at = end
    rest = bytes(data[at : at + 4])
    if whole is None and streams:
        if not unended:
            whole = True
        elif (rest and b"OggS".startswith(rest)) or not any(stream.end for stream in streams.values()):
            whole = False
    return Walked(
        whole if streams else False,
        before + _lasting(streams) or None,
        film.width if film else 0,
        film.height if film else 0,
        None if not streams else "video" if film else "audio",
    )


def _lasting(streams: Mapping[int, _Stream]) -> float:
    """How long what plays side by side lasts, in seconds: from where the first begins to where the last ends."""
    timed = [each for each in streams.values() if each.rate and each.start is not None]
    start = min(((each.start or 0) / each.rate for each in timed), default=0.0)
    end = max(((each.end - each.skipped) / each.rate for each in timed), default=0.0)
    return seconds(end - start, 1.0) or 0.0


def _ogg_stream(head: bytes) -> _Stream:
    """A stream, by its first packet."""
    if head.startswith(b"\x01vorbis"):
        return _Stream(number(head, 12, 4, "little"), packet=(1 << (number(head, 28, 1) >> 4)) // 2)
    if head.startswith(b"OpusHead"):
        return _Stream(48_000, number(head, 10, 2, "little"), packet=None)
    if head.startswith(b"Speex   "):
        frame, frames = number(head, 56, 4, "little"), number(head, 64, 4, "little")
        return _Stream(number(head, 36, 4, "little"), packet=frame * frames)
    if head.startswith(b"\x7fFLAC"):
        return _Stream(number(head, 27, 3) >> 4, packet=number(head, 19, 2))
    if head.startswith(b"\x80theora"):
        parts = number(head, 26, 4)
        shift = number(head, 40, 2) >> 5 & 31
        rate = number(head, 22, 4) / parts if parts else 0.0
        width, height = shown_size(*(number(head, place, 3) for place in (14, 17, 30, 33)))
        return _Stream(rate, shift=shift, behind=(1 << shift) - 1, width=width, height=height)
    if head.startswith(b"OVP80\1"):
        parts = number(head, 22, 4)
        rate = number(head, 18, 4) / parts if parts else 0.0
        places = ((8, 2), (10, 2), (12, 3), (15, 3))
        width, height = shown_size(*(number(head, place, size) for place, size in places))
        return _Stream(rate, shift=32, width=width, height=height)
    return _Stream()


def _opus_ticks(head: bytes) -> int:
    """How many ticks a packet of Opus has that begins with these two bytes."""
    coding, several = number(head, 0, 1) >> 3, number(head, 0, 1) & 3
    shortest = 480 if coding < 16 else 120
    each = 2880 if coding < 12 and coding & 3 == 3 else shortest << (coding & (1 if 12 <= coding < 16 else 3))
    return each * (1 if several == 0 else number(head, 1, 1) & 63 if several == 3 else 2)


_FLAC_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
_LONGEST_FRAME, _MOST_FRAME = 1 << 17, 1 << 21
"""Bytes behind which a frame's head is sought where the file does not tell its longest frame, and at most."""


def walk_flac(data: Bytes, steps: Steps) -> Walked:
    at = tags_end(data) + 4
    head, is_last = at + 4, False
    while not is_last:
        steps.take()
        if at + 4 > len(data):
            return Walked(False)
        is_last = bool(data[at] & 0x80)
        at += 4 + number(data, at + 1, 3)
    rate, total = number(data, head + 10, 3) >> 4, number(data, head + 13, 5) & (1 << 36) - 1
    if at > len(data) or (total and at == len(data)):
        return Walked(False, seconds(total, rate))
    longest = min(number(data, head + 7, 3) or _LONGEST_FRAME, _MOST_FRAME)
    last = _last_frame(data, max(at, len(data) - longest - (1 << 17)), number(data, head, 2), total, steps)
    if last is None:
        return Walked(None, seconds(total, rate))
    place, reached = last
    return Walked(reached >= total and _flac_ends(data[place:]), seconds(total or reached, rate))


def _last_frame(data: Bytes, start: int, fixed: int, total: int, steps: Steps) -> tuple[int, int] | None:
    """Where the last frame begins, and how many samples there are to its end, as its head tells; None without such
    a head. Other bytes may look like a head, but not tell of samples that follow those of another frame, or are
    the file's last ones."""
    tail, ends, found = bytes(data[start:]), set[int](), None
    at = tail.find(b"\xff")
    while at >= 0:
        steps.take()
        head = _flac_head(tail[at : at + 16], fixed)
        if head is not None:
            first, end = head
            if found is None or first in ends or end == total:
                found = start + at, end
            ends.add(end)
        at = tail.find(b"\xff", at + 1)
    return found


def _flac_ends(frame: bytes) -> bool | None:
    """Whether a frame is whole, by the checksum that ends it; None if it may end before these bytes do."""
    crc, ends = 0, False
    for byte in frame:
        crc = crc << 8 & 0xFFFF ^ _CRC16[crc >> 8 ^ byte]
        ends = ends or crc == 0
    return True if crc == 0 else None if ends else False


def _flac_head(head: bytes, fixed: int) -> tuple[int, int] | None:
    """The samples before the frame with this head, and those up to its end; None if it is none."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8 or head[3] & 1 or head[2] & 15 == 15 or head[2] >> 4 == 0:
        return None
    # The number is written like a character in UTF-8.
    more = max(0, 8 - (head[4] ^ 0xFF).bit_length() - 1)
    value = head[4] if head[4] < 0x80 else head[4] & (0x3F >> more)
    at = 5 + more
    for byte in head[5:at]:
        value = value << 6 | byte & 0x3F
    code = head[2] >> 4
    if code in (6, 7):
        size = number(head, at, code - 5) + 1
        at += code - 5
    else:
        size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    at += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    first = value if head[1] & 1 else value * fixed
    return first, first + size


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _shifted(crc: int, bits: int, polynomial: int) -> int:
    """A checksum of so many bits behind eight more of them."""
    for _ in range(8):
        crc <<= 1
        if crc >> bits:
            crc ^= 1 << bits | polynomial
    return crc


_CRC8 = [_shifted(byte, 8, 0x07) for byte in range(256)]
_CRC16 = [_shifted(byte << 8, 16, 0x8005) for byte in range(256)]
