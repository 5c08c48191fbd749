"""Reads a JSON object with a picture's settings, as InvokeAI, SwarmUI, Fooocus, NovelAI and Draw Things write
it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rivya_nb.contract.text import short_repr
from rivya_nb.jobs.telling import Found, UnreadError, as_number, as_size, as_text, whole_prompt

_POSITIVE = ("positive_prompt", "prompt")
_NEGATIVE = ("negative_prompt", "negativeprompt", "uc")
_USED = {*_POSITIVE, *_NEGATIVE, "c", "seed", "width", "height", "resolution", "size", "model", "base_model"}

_MORE_PROMPTS = {"positive_style_prompt", "positivePrompt", "char_caption", "base_caption"}
"""Names of further prompts at any depth: of a style, a region, a character."""

_DRAWN = re.compile(r"<(?:random|wildcard|setvar|var|setmacro|macro)[\[:]")
"""Placeholders that SwarmUI replaces before it draws; its earlier versions write them into the file."""

_INVERTED = re.compile(r"\[([^\[\]]*)\]")
"""In an early InvokeAI, text in brackets belongs to the negative prompt."""

_DREAM = re.compile(r'"(.*)"((?: +-\S+| +[^\s"-]\S*)*) *', re.DOTALL)
_LONGEST_LINE = 20_000
_DREAM_FLAG = re.compile(r" -([SWH]) +(\d{1,20})")


def read_settings(told: Mapping[str, object], teller: str) -> Found:
    """The request in such an object; `teller` is the name of the tool if the object does not tell it.

    Raises:
        UnreadError: it has no prompt that is known here, or several.
    """
    for key, name in (("sui_image_params", "SwarmUI"), ("image", teller)):
        inner = told.get(key)
        if isinstance(inner, dict):
            told, teller = {**{name: told[name] for name in told if name != key}, **inner}, name
    if "base_model" in told:
        teller = "Fooocus"
    if "c" in told and "uc" in told:
        told, teller = {**told, "prompt": told["c"]}, "Draw Things"
    elif "uc" in told:
        teller = "NovelAI"
    if not any(name in told for name in _POSITIVE):
        raise UnreadError(f"{teller}'s JSON has no prompt under a name that is known here")
    prompt = whole_prompt(teller, [*_prompts(told), *_further(told)])
    if teller == "SwarmUI" and _DRAWN.search(prompt):
        raise UnreadError(
            f"{teller}'s prompt has wildcards, and the text that replaced them is not known ({short_repr(prompt)})"
        )
    negative = next((text for name in _NEGATIVE if isinstance(text := told.get(name), str)), None)
    if "app_id" in told:
        prompt, negative = _without_inverted(teller, prompt, negative)
    model = told.get("model", told.get("base_model"))
    if isinstance(model, dict):
        model = model.get("name", model.get("model_name"))
    sides = (told.get("width"), told.get("height"))
    written = as_text(told.get("resolution")) or as_text(told.get("size"))
    size = as_size(f"{sides[0]}x{sides[1]}") if None not in sides else as_size(written)
    rest = tuple(key for key, value in told.items() if key not in _USED and value not in (None, "", [], {}))
    return Found(
        teller, prompt, as_text(model), as_number(told.get("seed")), size, negative or None, rest=rest
    )


def read_dream(text: str) -> Found:
    """The request in the command line of the earliest InvokeAI: `"a barn [fog]" -s 50 -S 7 -W 512 -H 768`.

    Raises:
        UnreadError: it is not such a line, or has no prompt.
    """
    match = _DREAM.fullmatch(text.strip()) if len(text) <= _LONGEST_LINE else None
    if match is None:
        raise UnreadError("InvokeAI's command line cannot be read")
    flags = dict(_DREAM_FLAG.findall(match[2]))
    prompt, negative = _without_inverted("InvokeAI", match[1], None)
    size = as_size(f"{flags.get('W')}x{flags.get('H')}")
    return Found("InvokeAI", prompt, None, as_number(flags.get("S")), size, negative)


def _prompts(told: Mapping[str, object]) -> Iterator[str]:
    """The prompt; early versions of InvokeAI list several with weights."""
    for name in _POSITIVE:
        value = told.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for each in value:
                text = each.get("prompt") if isinstance(each, dict) else each
                if isinstance(text, str):
                    yield text


def _further(told: Mapping[str, object]) -> Iterator[str]:
    """Further prompts at any depth of the object."""
    waiting: list[object] = [told]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (text for key in _MORE_PROMPTS if isinstance(text := value.get(key), str))
            waiting += (inner for key, inner in value.items() if "negative" not in key)
        elif isinstance(value, list):
            waiting += value


def _without_inverted(teller: str, prompt: str, negative: str | None) -> tuple[str, str | None]:
    inverted = [text.strip() for text in _INVERTED.findall(prompt) if text.strip()]
    if not inverted:
        return prompt, negative
    return whole_prompt(teller, [_INVERTED.sub("", prompt).strip()]), ", ".join(inverted)
