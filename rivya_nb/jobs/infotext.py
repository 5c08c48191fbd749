"""Reads the text that A1111, Forge and similar tools write: the prompt, a negative one, and a line of `Name:
value` pairs.

```
a lighthouse
Negative prompt: fog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768, Model: dream
Template: a {lighthouse|mill}
```

The web UI writes the settings last; an extension adds its templates behind them.
"""

from __future__ import annotations

import json
import re

from rivya_nb.contract.text import short_repr
from rivya_nb.jobs.telling import Found, UnreadError, as_number, as_size, whole_prompt
from rivya_nb.store.provenance import WEB_UI_NAMES
from rivya_nb.store.stamping import OURS

_TELLER = "the web UI"
_NEGATIVE = "Negative prompt:"
_TEMPLATES = ("Template", "Negative Template")
_USED = ("Seed", "Size", "Model", "Version")
_OUR_NAMES = {name: key for key, name in WEB_UI_NAMES.items()}

_COMMON = (
    "Steps",
    "Sampler",
    "CFG scale",
    "Guidance Scale",
    "Seed",
    "Size",
    "Model",
    "Model hash",
    "Version",
)
"""Names that occur in a line of settings."""
_FORMS = {"Steps": r"\d{1,6}", "Seed": r"-?\d{1,20}", "Size": r"\d{1,5}x\d{1,5}"}

_FIRST = re.compile(rf"\s*({'|'.join(_COMMON)}):")
_NAME = re.compile(r"\s{0,4}(\w[\w \-/.+()]{0,60}):\s{0,4}")
_END = re.compile(r"\s{0,4}(?:,|$)")
_MOST_PAIRS = 500
_DECODER = json.JSONDecoder()


def read_infotext(text: str) -> Found:
    """The request in such a text.

    Raises:
        UnreadError: it has no line of settings, or the beginning or end of its prompt is not certain.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    place, facts = _settings(lines, text)
    behind = _behind(lines[place + 1 :])
    head = lines[:place]
    negatives = [at for at, line in enumerate(head) if line.lstrip().startswith(_NEGATIVE)]
    if len(negatives) > 1:
        raise UnreadError(f"{_TELLER}'s text has {_NEGATIVE!r} twice, so where its prompt ends is not known")
    at = negatives[0] if negatives else len(head)
    negative = "\n".join(head[at:]).lstrip()[len(_NEGATIVE) :].strip()
    prompt = whole_prompt(_TELLER, ["\n".join(head[:at]).strip()])
    is_ours = facts.get("Version", "").startswith(OURS)
    told = {name: value for name, value in facts.items() if name not in _USED}
    prompts = {} if is_ours else {name: value for name, value in told.items() if _is_prompt(name)}
    return Found(
        teller=_TELLER,
        prompt=prompt,
        model=facts.get("Model"),
        seed=as_number(facts.get("Seed")),
        size=as_size(facts.get("Size")),
        negative=negative or None,
        params={_OUR_NAMES.get(name, name): value for name, value in told.items()} if is_ours else {},
        rest=() if is_ours else tuple(name for name in told if name not in prompts),
        notes=tuple(
            f"{name}: {_TELLER} wrote this beside the prompt; {short_repr(value)} is left out"
            for name, value in {**prompts, **behind}.items()
            if value
        ),
    )


def _settings(lines: list[str], text: str) -> tuple[int, dict[str, str]]:
    """The index of the line with the settings, and the settings."""
    found: tuple[int, dict[str, str]] | None = None
    for place, line in enumerate(lines):
        if found and found[0] == place - 1 and _template(line) is not None:
            # A template may contain lines that look like settings.
            break
        if _FIRST.match(line) and _is_settings(facts := read_settings(line)):
            if found:
                raise UnreadError(f"{_TELLER}'s text has two lines of settings, so its prompt is not certain")
            found = place, facts
    if not found:
        raise UnreadError(f"the text {short_repr(text)} has no line of settings as {_TELLER} writes it")
    return found


def _is_settings(facts: dict[str, str]) -> bool:
    common = [name for name in _COMMON if name in facts]
    fits = all(re.fullmatch(form, facts[name]) for name, form in _FORMS.items() if name in facts)
    return fits and len(common) >= (2 if "Steps" in common else 3)


def read_settings(line: str) -> dict[str, str]:
    """The values of a line of `Name: value` pairs, without quotes; the first of each name."""
    facts: dict[str, str] = {}
    at = 0
    for _ in range(_MOST_PAIRS):
        if match := _NAME.match(line, at):
            value, at = _value(line, match.end())
            facts.setdefault(match[1].strip(), value)
        comma = line.find(",", at)
        if comma < 0:
            break
        at = comma + 1
    return facts


def _value(line: str, at: int) -> tuple[str, int]:
    """The value that begins here, and its end: JSON as a whole, anything else up to a comma."""
    if line[at : at + 1] in ('"', "{", "["):
        try:
            read, end = _DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            if _END.match(line, end):
                return (read if isinstance(read, str) else line[at:end]), end
    comma = line.find(",", at)
    end = len(line) if comma < 0 else comma
    return line[at:end].strip(), end


def _is_prompt(name: str) -> bool:
    return "prompt" in name.casefold() or name in _TEMPLATES


def _template(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    return (name, value) if colon and name in _TEMPLATES else None


def _behind(lines: list[str]) -> dict[str, str]:
    """The texts behind the settings: templates by their name, and anything else."""
    parts: dict[str, list[str]] = {}
    name = "behind the settings"
    for line in lines:
        if template := _template(line):
            name, line = template
        parts.setdefault(name, []).append(line)
    return {name: "\n".join(part).strip() for name, part in parts.items()}
