"""How videos and sounds are told of, also where none is met: it imports nothing heavy."""

from __future__ import annotations

SOUND_RATIO = 2.0
"""Width over height of the picture that stands for a sound."""

PREVIEW_BYTES = 160_000
"""The most bytes of a small video or sound that plays in an output."""


def length_words(duration: float | None) -> str:
    """A length as players show it: `0:05`, `1:02:03`; empty where it is not known."""
    if duration is None:
        return ""
    minutes, rest = divmod(max(1, round(duration)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
