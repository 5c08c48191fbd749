"""One idea, several names: models call the same setting differently, and none takes another's word for it.

A name is only ever suggested, never rewritten: what is sent is what was written.
"""

from __future__ import annotations

from collections.abc import Sequence

IDEAS: tuple[tuple[str, ...], ...] = (
    ("aspect_ratio", "aspectRatio", "image_size", "imageSize", "size", "ratio", "shape"),
    ("resolution", "image_resolution"),
    ("output_format", "outputFormat", "format"),
    ("max_images", "num_images", "n"),
    ("seed", "seeds"),
    ("expand_prompt", "promptUpsampling", "prompt_extend", "enable_prompt_expansion"),
    ("guidance_scale", "cfg_scale", "guidance"),
    ("rendering_speed", "speed"),
    ("nsfw_checker", "enable_safety_checker"),
    ("google_search", "web_search"),
)
"""Names of the documented params that mean the same, and a few that people bring from elsewhere."""


def same_idea(name: str, keys: Sequence[str]) -> str | None:
    """The key among `keys` that means what `name` does elsewhere; None where none is known to.

    A key that is only spelt otherwise (`aspectRatio`, `aspect_ratio`) comes before one of the same idea.
    """
    folded = _fold(name)
    alike = [key for key in keys if _fold(key) == folded]
    meant = [idea for idea in IDEAS if folded in {_fold(word) for word in idea}]
    named = [key for idea in meant for word in idea for key in keys if key == word]
    return next(iter([*alike, *named]), None)


def _fold(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
