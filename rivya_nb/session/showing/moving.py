"""What is told where videos and sounds are measured."""

from __future__ import annotations

from rivya_nb.media.frames import MIDDLE, Frames

SOUNDS = "these are sounds, and measures look at pictures and at frames of videos"


def frames_words(frames: Frames) -> str:
    """Which frames of videos a number is of."""
    if frames.number > 1:
        return f"Of each video {frames.number} frames count, the middles of as many equal parts; numbers are means"
    if frames == MIDDLE:
        return "Of each video the frame in its middle counts (at=0.5); frames=8 takes the mean of several"
    return f"Of each video one frame counts, at {frames.first:g} of its length"
