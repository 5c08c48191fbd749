"""Small rules about text that the contract's checks share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def prompt_length(text: str) -> int:
    """Length in UTF-16 code units, the strictest way a service may count characters (an emoji is two)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` most likely meant, or None where nothing is close."""
    folded = {_fold(choice): choice for choice in choices}
    close = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A sentence part to append to a message: `"; did you mean 'seed'?"`, or nothing."""
    best = nearest(word, choices)
    return f"; did you mean {best!r}?" if best is not None else ""


def listing(choices: Iterable[object]) -> str:
    """Choices as a reader wants them: `1K, 2K`."""
    return ", ".join(str(choice) for choice in choices)


def _fold(word: str) -> str:
    # Separators and case carry no meaning in names and ratios: 16x9, aspectRatio.
    return word.casefold().replace("x", ":").replace("_", "").replace("-", "").replace(" ", "")
