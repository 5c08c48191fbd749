"""What a picture's texts say about its request, and functions that all their readers share.

The texts are foreign: they may have any length, shape and depth. A prompt is read as a whole or not at all,
because the user will pay for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import comparable, short_repr

_SIZE = re.compile(r"\D{0,4}(\d{1,5})\D{1,4}(\d{1,5})\D{0,4}")
_RUBBISH = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
"""Control characters, halves of characters, and the replacement for bytes that could not be decoded."""

_MOST_SHOWN = 4


class UnreadError(Exception):
    """A text has no whole prompt; the message tells a user why."""


@dataclass(frozen=True)
class Found:
    """The request that was found in a picture. `teller` is the name of the tool that wrote it; `params` are
    ours by name.

    `size` is width and height in pixels, `replicate` the number of a request of ours that was asked several times.
    `job` is the id in our store. `rest` names settings that mean
    nothing to this tool, `notes` say what else was left out. If the prompt is empty, `notes` say why.
    """

    teller: str
    prompt: str
    model: str | None = None
    seed: object = None
    size: tuple[int, int] | None = None
    negative: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    job: str | None = None
    rest: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    replicate: int = 1


def whole_prompt(teller: str, texts: Iterable[str]) -> str:
    """The prompt in texts that all belong together.

    Raises:
        UnreadError: there is none, there are several, or it was not decoded correctly.
    """
    several = {comparable(text): text for text in texts if comparable(text)}
    if not several:
        raise UnreadError(f"{teller} wrote down no prompt")
    if len(several) > 1:
        shown = "; ".join(short_repr(text, 200) for text in list(several)[:_MOST_SHOWN])
        raise UnreadError(
            f"{teller} made it from {len(several)} prompts, none of which is the whole ({shown}); "
            "write one prompt of your own from them"
        )
    prompt = next(iter(several.values()))
    if _RUBBISH.search(prompt):
        raise UnreadError(f"{teller}'s prompt is in an unknown encoding ({short_repr(prompt)})")
    return prompt


def read_object(text: str) -> dict[str, object] | None:
    """A JSON object; None for anything else."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def as_text(value: object) -> str | None:
    """A text unchanged; None for anything else."""
    return value if isinstance(value, str) else None


def as_number(value: object) -> object:
    """A whole number, which may be written as text; texts and numbers otherwise unchanged."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        return int(value)
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def as_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in pixels, from a text such as `1024x768` or `(1024, 768)`."""
    match = _SIZE.fullmatch(text or "")
    if match is None or 0 in (sides := (int(match[1]), int(match[2]))):
        return None
    return sides
