"""The size of a picture or a video in pixels, and how long a video or a sound takes, from the params of any model.

A resolution of pictures is an area (1K: 1024 by 1024, 2K: 2048 by 2048), an aspect ratio its shape; both sides are
multiples of 16. The public documentation has the options, but not the pixels. What moves or sounds is made smaller
and shorter than it was asked for, because it is drawn on the user's own machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rivya_nb.contract.ideas import shape

_SHAPE_KEYS = ("aspect_ratio", "aspectRatio", "imageSize", "image_size", "size")
_RESOLUTION_KEYS = ("resolution", "image_resolution")
_SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
_GRID = 16
_LINES = {"480p": 480, "720p": 720, "1080p": 1080}
_WIDE = (16, 9)
_LENGTH_KEYS = ("duration", "duration_seconds", "n_frames")
"""Names of the seconds that were asked for; the documented `n_frames` are seconds, too."""
_EXACT_KEY = "seconds"
"""The name of the seconds that a model of the sandbox's own takes exactly."""
SEED_KEYS = ("seed", "seeds")
_SOUND_KEYS = ("sound", "generate_audio")

LONGEST = 3.0
"""The most seconds of a video or a sound."""
SMALLER = 2
"""By how much the sides of a video are smaller than those that were asked for."""

DRAWN_ELSEWHERE = frozenset(
    {
        *_SHAPE_KEYS,
        *_RESOLUTION_KEYS,
        *_LENGTH_KEYS,
        _EXACT_KEY,
        *SEED_KEYS,
        *_SOUND_KEYS,
        "watermark",
        "max_images",
        "output_format",
        "outputFormat",
    }
    | {"referenceMediaItems"}
)
"""Params for the size, the number or the sources of a picture: they do not change its style."""


def pixel_size(params: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels; `params` include the model's defaults."""
    named = next((str(params[key]) for key in _SHAPE_KEYS if params.get(key)), "1:1")
    resolution = next((str(params[key]) for key in _RESOLUTION_KEYS if params.get(key)), "1K")
    side = _SIDES.get(resolution, 1024)
    if named == "square":
        side //= 2
    width, height = shape(named) or (1, 1)
    return _snap(side * math.sqrt(width / height)), _snap(side * math.sqrt(height / width))


def video_size(params: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels of a video: a half of those that were asked for; `params` include the model's
    defaults."""
    found = (shape(str(params[key])) for key in _SHAPE_KEYS if params.get(key))
    width, height = next((each for each in found if each is not None), _WIDE)
    short = _LINES.get(str(params.get("resolution", "")), 720) / SMALLER
    share = short / min(width, height)
    return _even(width * share), _even(height * share)


def video_seconds(params: Mapping[str, Any]) -> float:
    """Seconds of a video, from 1 to `LONGEST`: more where more were asked for."""
    if _EXACT_KEY in params:
        return float(params[_EXACT_KEY])
    asked = _asked_seconds(params) or 8.0
    return max(1.0, min(LONGEST, 1 + asked / 7.5))


def has_sound(params: Mapping[str, Any]) -> bool:
    """True if a video has to have sound."""
    return any(params.get(key) == "true" for key in _SOUND_KEYS)


def audio_seconds(params: Mapping[str, Any], prompt: str) -> float:
    """Seconds of a sound, up to `LONGEST`: those that were asked for, or else what the prompt's words take."""
    if _EXACT_KEY in params:
        return float(params[_EXACT_KEY])
    asked = _asked_seconds(params) or 0.4 * len(prompt.split()) / float(params.get("speed", 1))
    return max(0.5, min(LONGEST, asked))


def sampling_rate(params: Mapping[str, Any]) -> int:
    """Samples a second, from an output format such as `mp3_44100_128`."""
    named = re.search(r"_(\d{4,5})", str(params.get("output_format", "")))
    return int(named[1]) if named else 22_050


def _asked_seconds(params: Mapping[str, Any]) -> float | None:
    return next((float(params[key]) for key in _LENGTH_KEYS if params.get(key)), None)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _snap(length: float) -> int:
    return max(_GRID, round(length / _GRID) * _GRID)
