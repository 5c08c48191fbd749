"""The soundtracks of videos: short melodies that are kept as Opus, made with `tools/soundtracks.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rivya_nb.sandbox.scene import chance_of

FOLDER = Path(__file__).parent
COUNT = 6

PACKET_MILLISECONDS = 20
_PAGE_HEAD = 27


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """Opus packets of 20 ms each, and the head that a player needs before them."""

    head: bytes
    packets: tuple[bytes, ...]

    @property
    def skipped(self) -> int:
        """Samples at the beginning, of 48,000 a second, that are not played."""
        return int.from_bytes(self.head[10:12], "little")


def soundtrack(of: str, seconds: float) -> Soundtrack:
    """The same one for the same text, as long as that."""
    number = chance_of("soundtrack", of).randrange(COUNT)
    head, _tags, *packets = _packets((FOLDER / f"{number}.ogg").read_bytes())
    return Soundtrack(head, tuple(packets[: round(seconds * 1000 / PACKET_MILLISECONDS)]))


def _packets(data: bytes) -> list[bytes]:
    """The packets of an Ogg file of one stream. A segment of less than 255 bytes ends a packet."""
    found, packet, at = [], b"", 0
    while data[at : at + 4] == b"OggS":
        segments = data[at + _PAGE_HEAD : at + _PAGE_HEAD + data[at + _PAGE_HEAD - 1]]
        at += _PAGE_HEAD + len(segments)
        for length in segments:
            packet += data[at : at + length]
            at += length
            if length < 255:
                found.append(packet)
                packet = b""
    return found
