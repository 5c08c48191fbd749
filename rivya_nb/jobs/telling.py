"""What a picture tells of its request, and what the readers of it share.

The texts are foreign: they are of any length, shape and depth. A prompt is either told whole or not at all,
since it will be paid for.
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
"""Control characters, halves of characters, and what stands for a byte that could not be decoded."""

_MOST_SHOWN = 4


class UnreadError(Exception):
    """A text is there, and tells no whole prompt; the message says why, for a user to read."""


@dataclass(frozen=True)
class Found:
    """What a picture tells of its request. `teller` is who wrote it, in words; `params` are ours by name.

    `size` is width and height in pixels. `job` is the id that our store knows it by. `rest` names what was
    told and means nothing to this tool, `notes` say what else the prompt alone leaves out. An empty prompt is
    none: `notes` then say why.
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


def whole_prompt(teller: str, texts: Iterable[str]) -> str:
    """The prompt, of texts that are all meant together.

    Raises:
        UnreadError: there is none, there are several, or it is no text that was decoded rightly.
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
    """A JSON object; None for anything else, however deep or broken."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def as_text(value: object) -> str | None:
    """A text as it is; None for anything else."""
    return value if isinstance(value, str) else None


def as_number(value: object) -> object:
    """A whole number that may have been written as text; other values as they are."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        return int(value)
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def as_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in pixels, of a text such as `1024x768` or `(1024, 768)`."""
    match = _SIZE.fullmatch(text or "")
    if match is None or 0 in (sides := (int(match[1]), int(match[2]))):
        return None
    return sides
