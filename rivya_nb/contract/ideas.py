"""Different names for the same setting: the models do not agree on one.

A name is only suggested to the user. What is sent is what was written, except for the seed: it has one name in
every ask, and each model is sent it under its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

Value = TypeVar("Value")

SEED_KEY = "seed"
"""What the seed is called everywhere but in a request."""

_SEEDS = (SEED_KEY, "seeds")

RESERVED = ("model", "prompt", "references", "repeat", "replicate", "request")
"""Names that mean something else than a param: a param that is called so has `PREFIX` before its name."""

PREFIX = "params."

IDEAS: tuple[tuple[str, ...], ...] = (
    ("aspect_ratio", "aspectRatio", "image_size", "imageSize", "size", "ratio", "shape"),
    ("resolution", "image_resolution"),
    ("output_format", "outputFormat", "format"),
    ("max_images", "num_images", "n"),
    _SEEDS,
    ("duration", "duration_seconds", "seconds", "length", "n_frames", "num_frames"),
    ("generate_audio", "sound", "audio", "with_audio"),
    ("camera_fixed", "fixed_lens"),
    ("loop", "soundLoop"),
    ("expand_prompt", "promptUpsampling", "prompt_extend", "enable_prompt_expansion", "prompt_optimizer"),
    ("guidance_scale", "cfg_scale", "guidance"),
    ("rendering_speed", "speed"),
    ("nsfw_checker", "enable_safety_checker"),
    ("google_search", "web_search"),
)
"""Names of documented params that mean the same, and some names that users know from other tools."""

TIMED = ("resolution", "quality", "rendering_speed", "max_images", "duration")
"""Params by which a task takes longer or shorter."""

_NAMED_SHAPES = {"landscape": (16, 9), "portrait": (9, 16)}

_SAME_SHAPE = 0.03
"""The largest relative difference of two ratios that still have one name: 1344 × 768 is called 16:9."""


def is_seed(key: str) -> bool:
    """True if a param of this name is the seed."""
    return _fold(key) in _SEEDS


def seed_named(name: str) -> str:
    """The name of an axis, in which each name of the seed is the same."""
    return SEED_KEY if is_seed(name) else name


def shared_name(key: str) -> str:
    """What asks, axes and the history call a param: the seed always `seed`, and what is called like something else
    `params.model`."""
    own = seed_named(key.removeprefix(PREFIX))
    return f"{PREFIX}{own}" if own in RESERVED else own


def shared_names(params: Mapping[str, Value]) -> dict[str, Value]:
    """Params by their `shared_name`."""
    return {shared_name(key): value for key, value in params.items()}


def same_idea(name: str, keys: Sequence[str]) -> str | None:
    """The key among `keys` that means the same as `name`; None if there is none.

    A key with another spelling of the same name (`aspectRatio`, `aspect_ratio`) comes before a synonym.
    """
    folded = _fold(name)
    alike = [key for key in keys if _fold(key) == folded]
    meant = [idea for idea in IDEAS if folded in {_fold(word) for word in idea}]
    named = [key for idea in meant for word in idea for key in keys if key == word]
    return next(iter([*alike, *named]), None)


def takes_time(name: str) -> bool:
    """True if a param decides how long a task takes, under whatever name a model has for it."""
    return same_idea(name, TIMED) is not None


def same_shape(value: str, options: Sequence[str]) -> str | None:
    """The option with the same shape as `value`: `landscape_16_9` for `16:9` or `1920x1080`."""
    wanted = shape(value)
    return next((option for option in options if wanted is not None and shape(option) == wanted), None)


def nearest_shape(size: tuple[int, int], options: Sequence[str]) -> str | None:
    """The option whose ratio is nearest to that of a size, among those that differ by at most 3 %."""
    wanted = size[0] / size[1]
    off = {
        option: abs(sides[0] / sides[1] / wanted - 1)
        for option in options
        if (sides := shape(option)) is not None
    }
    best = min(off, key=off.__getitem__, default=None)
    return best if best is not None and off[best] <= _SAME_SHAPE else None


def shape(text: str) -> tuple[int, int] | None:
    """Width and height without a common divisor, of `16:9`, `1024x768`, `landscape_16_9`, `landscape`, `square_hd`
    or `portrait_4_3` (which is 3 wide and 4 high); None for any other text."""
    name = text.casefold()
    if name.startswith("square"):
        return 1, 1
    if name in _NAMED_SHAPES:
        return _NAMED_SHAPES[name]
    match = re.fullmatch(r"(?:landscape_|portrait_)?(\d{1,5})[:x*_](\d{1,5})", name)
    if match is None or 0 in (sides := (int(match[1]), int(match[2]))):
        return None
    width, height = (min(sides), max(sides)) if name.startswith("portrait") else sides
    divisor = math.gcd(width, height)
    return width // divisor, height // divisor


def _fold(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
