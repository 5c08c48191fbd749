"""Small videos and sounds for outputs, which play where they are shown; the originals stay in the store."""

from __future__ import annotations

from pathlib import Path

from rivya_nb.contract.media import medium_of
from rivya_nb.imaging.formats import Format
from rivya_nb.media import ffmpeg
from rivya_nb.media.facts import read_kind
from rivya_nb.media.formats import M4A, MP3, MP4, OGG, WAV, WEBA, WEBM
from rivya_nb.media.words import PREVIEW_BYTES

_BOX = (480, 480)

_SMALL = PREVIEW_BYTES // 2
"""The bytes of an original that is not made smaller."""

_LOWEST_RATE, _LOWEST_SOUND_RATE = 60_000, 12_000
"""Bits a second, below which a video shows nothing, and words in a sound are not understood."""

_BEST_SOUND_RATE = 64_000

_PLAYED = (MP4, WEBM, M4A, WEBA, OGG, MP3, WAV)
"""What browsers play."""


def make_preview(path: Path) -> tuple[str, bytes] | None:
    """The MIME type and the bytes, at most `PREVIEW_BYTES`, of what plays in the place of a video or sound: the
    original if it is small, else a copy by ffmpeg. None if there is none. It may take seconds: call it off the
    event loop."""
    try:
        found = read_kind(path)
        if found is None or medium_of(found[0].mime_type) == "image":
            return None
        kind, walked = found
        size = path.stat().st_size
        small = None if size <= _SMALL and kind in _PLAYED else _made(path, kind, walked.duration)
        if small is not None and len(small) <= PREVIEW_BYTES:
            return f"{medium_of(kind.mime_type)}/webm", small
        # Of a file that is cut, a browser may show nothing at all.
        is_played = size <= PREVIEW_BYTES and kind in _PLAYED and walked.whole is not False
        return (kind.mime_type, path.read_bytes()) if is_played else None
    except OSError:
        return None


def _made(path: Path, kind: Format, duration: float | None) -> bytes | None:
    if not duration:
        return None
    # A fifth is left, since no encoder meets a rate exactly.
    rate = int(PREVIEW_BYTES * 8 * 0.8 / duration)
    if medium_of(kind.mime_type) == "audio":
        enough = rate >= _LOWEST_SOUND_RATE
        return ffmpeg.small_sound(path, kind, min(rate, _BEST_SOUND_RATE)) if enough else None
    rate -= ffmpeg.SOUND_RATE
    return ffmpeg.small_film(path, kind, _BOX, rate) if rate >= _LOWEST_RATE else None
