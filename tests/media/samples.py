"""Small files of half a second, as a common program writes them, and what that program says of them.

They were made with ffmpeg 5.1: a test picture of 48 × 32 pixels with ten frames a second, and a tone of 440 Hz.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rivya_nb.contract.media import Medium

FOLDER = Path(__file__).parent / "samples"


class Sample(NamedTuple):
    """`duration` is what ffprobe says. `whole` is what the structure can tell."""

    medium: Medium
    mime_type: str
    duration: float
    size: tuple[int, int] = (0, 0)
    whole: bool | None = True


FILM = (48, 32)

SAMPLES: Mapping[str, Sample] = {
    "film.mp4": Sample("video", "video/mp4", 0.5, FILM),
    "fast.mp4": Sample("video", "video/mp4", 0.5, FILM),
    "turned.mp4": Sample("video", "video/mp4", 0.5, (32, 48)),
    "fragments.mp4": Sample("video", "video/mp4", 0.7, FILM),
    "open_fragments.mp4": Sample("video", "video/mp4", 0.7, FILM, None),
    "dash.mp4": Sample("video", "video/mp4", 0.7, FILM),
    # Its first fragment is in the tables of the film.
    "frag_late.mp4": Sample("video", "video/mp4", 0.7, FILM),
    # Of 10 bits for each colour, with pixels twice as wide as high, and with a second film.
    "film_deep.mp4": Sample("video", "video/mp4", 0.5, FILM),
    "film_flat.mp4": Sample("video", "video/mp4", 0.5, (96, 32)),
    "film_flat.webm": Sample("video", "video/webm", 0.5, (96, 32)),
    "film_twice.mp4": Sample("video", "video/mp4", 0.5, FILM),
    "film_twice.mkv": Sample("video", "video/x-matroska", 0.5, FILM),
    "film.mov": Sample("video", "video/quicktime", 0.5, FILM),
    "film.webm": Sample("video", "video/webm", 0.508, FILM),
    "live.webm": Sample("video", "video/webm", 0.508, FILM, None),
    "film.mkv": Sample("video", "video/x-matroska", 0.546, FILM),
    "film.ogv": Sample("video", "video/ogg", 0.5, FILM),
    "film_vp8.ogv": Sample("video", "video/ogg", 0.5, FILM),
    "sound.m4a": Sample("audio", "audio/mp4", 0.5),
    "cover.m4a": Sample("audio", "audio/mp4", 0.5),
    "sound.weba": Sample("audio", "audio/webm", 0.507),
    "sound.ogg": Sample("audio", "audio/ogg", 0.5),
    "vorbis.ogg": Sample("audio", "audio/ogg", 0.5),
    "speex.ogg": Sample("audio", "audio/ogg", 0.5),
    "sound.mp3": Sample("audio", "audio/mpeg", 0.575),
    "cover.mp3": Sample("audio", "audio/mpeg", 0.575),
    "tagged.mp3": Sample("audio", "audio/mpeg", 0.575),
    "plain.mp3": Sample("audio", "audio/mpeg", 0.575, whole=None),
    "sound.wav": Sample("audio", "audio/wav", 0.5),
    "wide.wav": Sample("audio", "audio/wav", 0.5),
    "piped.wav": Sample("audio", "audio/wav", 0.5, whole=None),
    "sound.flac": Sample("audio", "audio/flac", 0.5),
    "blocks.flac": Sample("audio", "audio/flac", 0.288),
    "sound.aac": Sample("audio", "audio/aac", 0.557, whole=None),
}


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content
