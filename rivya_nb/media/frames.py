"""Which frames of a video are looked at, and reading them: by ffmpeg, each video once."""

from __future__ import annotations

import math
import numbers
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.media import medium_of
from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, PictureError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_SPREAD = " sd"

MOST = 64
"""The most frames of one video."""


@dataclass(frozen=True, slots=True)
class Frames:
    """One frame, or several that are spread evenly. `first` is the place of the first one as a part of the video's
    length: 0 is its first frame, 1 its last one."""

    first: float = 0.5
    number: int = 1

    @property
    def key(self) -> str:
        """By what it is kept: `at=0.5` or `frames=8`."""
        return f"at={self.first!r}" if self.number == 1 else f"frames={self.number}"

    @property
    def spread_key(self) -> str:
        """By what the spread over them is kept, their standard deviation; empty for a single one."""
        return f"{self.key}{_SPREAD}" if self.number > 1 else ""

    @property
    def words(self) -> str:
        """`at 0.25` or `of 8 frames`, behind the name of a number; empty for the middle, which goes without."""
        if self.number > 1:
            return f"of {self.number} frames"
        return "" if self == MIDDLE else f"at {self.first!r}"


MIDDLE = Frames()
"""What is looked at where nobody says anything else."""


def read_choice(at: object = None, frames: object = None) -> Frames:
    """The frames that `at` or `frames` ask for; the middle one if neither is given.

    Raises:
        UsageError: it is no such place or number, or both are given.
    """
    if at is not None and frames is not None:
        both = "it takes one frame, and frames takes several: give one of the two"
        raise UsageError([Mistake("at", both)])
    if frames is not None:
        return _several(plain_value(frames), frames)
    place = plain_value(0.5 if at is None else at)
    if not isinstance(place, numbers.Real) or isinstance(place, bool) or not 0 <= float(place) <= 1:
        told = (
            f"{short_repr(at)} is no place in a video; give a part of its length, from 0 (the first frame) to 1 "
            "(the last one): at=0.5 is the middle, and second 3 of a video of 5 s is at=0.6"
        )
        raise UsageError([Mistake("at", told)])
    return Frames(float(place) + 0.0)


def _several(number: object, given: object) -> Frames:
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
        told = f"{short_repr(given)} is not a whole number from 1 to {MOST}, as frames=8"
        raise UsageError([Mistake("frames", told)])
    # The middle of each of so many equal parts: a single one is the middle of all, and films often begin in black.
    return Frames(0.5 / number, number)


def known_frames(key: str) -> Frames | None:
    """The frames with this key, also that of their spread; None if it is none."""
    name, _, text = key.removesuffix(_SPREAD).partition("=")
    try:
        found = read_choice(**{name: int(text) if name == "frames" else float(text)})
    except (TypeError, ValueError):
        return None
    return found if key in (found.key, found.spread_key) else None


def require_frames() -> None:
    """Check that frames can be read here.

    Raises:
        UsageError: there is no ffmpeg.
    """
    require_ffmpeg("Frames of videos are read by ffmpeg")


def require_ffmpeg(what: str) -> None:
    """Check that there is ffmpeg; `what` begins the sentence that is told if not. UsageError then."""
    from rivya_nb.media.ffmpeg import find_ffmpeg

    if find_ffmpeg() is None:
        raise UsageError(f"{what}, which is not installed here: pip install 'rivya-nb[video]'")


def read_frames(
    path: Path,
    frames: Frames,
    *,
    box: tuple[int, int] | None = None,
    stop: threading.Event | None = None,
) -> list[Picture]:
    """Frames of a video, upright, as RGB, within `box` (width, height in pixels) if that is given: those that a
    player shows at these places, in their order. It may take seconds: call it off the event loop. Once `stop` is
    set it ends soon, without them.

    Raises:
        PictureError: it is no video, its frames are too many pixels together, or ffmpeg cannot read them.
        OSError: the file cannot be read.
    """
    from rivya_nb.imaging.pixels import BUDGET, MAX_PIXELS
    from rivya_nb.media import ffmpeg
    from rivya_nb.media.facts import read_kind

    found = read_kind(path)
    if found is None or medium_of(found[0].mime_type) != "video":
        raise PictureError("it is no video")
    kind, walked = found
    duration = walked.duration
    if not duration or not math.isfinite(duration):
        raise PictureError("its length cannot be read, so no place in it is known")
    size = box or (walked.width, walked.height)
    pixels = frames.number * size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise PictureError(
            f"{frames.number} frames of {size[0]} × {size[1]} are more than {MAX_PIXELS:,} pixels; ask for fewer"
        )
    with BUDGET.taking(pixels):
        read = ffmpeg.frames(path, kind, duration, frames.first, frames.number, box, stop)
    if len(read) < frames.number:
        limit = ffmpeg.TIMEOUT + frames.number * ffmpeg.FRAME_TIMEOUT
        raise PictureError(f"ffmpeg cannot read its frames, or takes more than {limit:g} s")
    return read
