"""The size of a picture in pixels, from the params of any model.

A resolution is an area (1K: 1024 by 1024, 2K: 2048 by 2048), an aspect ratio its shape; both sides are
multiples of 16. The public documentation has the options, but not the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rivya_nb.contract.ideas import shape

_SHAPE_KEYS = ("aspect_ratio", "aspectRatio", "imageSize", "image_size", "size")
_RESOLUTION_KEYS = ("resolution", "image_resolution")
_SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
_GRID = 16

DRAWN_ELSEWHERE = frozenset(
    {*_SHAPE_KEYS, *_RESOLUTION_KEYS, "seed", "watermark", "max_images", "output_format", "outputFormat"}
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


def _snap(length: float) -> int:
    return max(_GRID, round(length / _GRID) * _GRID)
