"""What is known of a file of any medium without decoding it: its format, its duration, and its size in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from rivya_nb.contract.media import Medium, medium_of
from rivya_nb.imaging.formats import Format
from rivya_nb.media.formats import FORMATS, HEADER_BYTES, find_kind, with_tracks
from rivya_nb.media.mpeg import tags_end
from rivya_nb.media.walking import Walked


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file's bytes tell. `duration` is in seconds, None for pictures and where it cannot be read; `width`
    and `height` are in pixels, 0 for sound, and for pictures, which are decoded for that. `whole` is False if the
    file is cut, None if that is not known, as for pictures."""

    medium: Medium
    mime_type: str
    duration: float | None = None
    width: int = 0
    height: int = 0
    whole: bool | None = None


def read_facts(path: Path) -> Facts | None:
    """The facts of a file; None if it is neither a picture nor video nor audio that is known here. A long file may
    take a second: call it off the event loop.

    Raises:
        OSError: it cannot be read.
    """
    found = read_kind(path)
    if found is None:
        return None
    kind, walked = found
    return Facts(
        medium_of(kind.mime_type),
        kind.mime_type,
        walked.duration,
        walked.width,
        walked.height,
        walked.whole,
    )


_MOST_FRAMES = 1000
"""Frames a second that no video has: a header that says so is wrong."""


def frame_rate(path: Path) -> float:
    """How many frames a video has in a second, on average; 0 for other files, and where it is not known.

    Raises:
        OSError: it cannot be read.
    """
    found = read_kind(path)
    rate = 0.0 if found is None else found[1].rate
    return rate if 0 < rate < _MOST_FRAMES else 0.0


def read_kind(path: Path) -> tuple[Format, Walked] | None:
    """The format of a file, for video and audio with what its parts tell; None if it is unknown."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if not header:
            return None
        # Mapped, not read: it may be large.
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            kind = find_kind(header)
            tag_end = tags_end(data)
            if tag_end:
                behind = find_kind(data[tag_end : tag_end + HEADER_BYTES])
                kind = behind if behind in FORMATS else kind
            if kind is None or kind not in FORMATS:
                return None if kind is None else (kind, Walked(None))
            # Imported only where a video or sound is met.
            from rivya_nb.media.structure import walk

            walked = walk(data, kind)
    return with_tracks(kind, walked.medium), walked
