"""How the form's controls are called."""

from __future__ import annotations

import re
from collections.abc import Iterable


def title(key: str) -> str:
    """A param's key as a label: `aspect_ratio` and `aspectRatio` are `Aspect ratio`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("_", " ").strip()
    return words[:1].upper() + words[1:].lower()


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them: `a, b and c`; empty where there are none."""
    *others, last = [*names] or [""]
    return f"{', '.join(others)}{' and ' if others else ''}{last}"
