"""The server's own check of a request, by the model's record and as strict as the documentation.

It is independent of the client's checks (`rivya_nb.contract`'s params, references and request) on purpose:
those convert and help, these only refuse, so that a mistake in one is found by the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rivya_nb.contract.catalogue import MEGABYTE, Model, Param, ReferenceRule
from rivya_nb.media.facts import Facts
from rivya_nb.sandbox.config import SandboxConfig

DEFAULT_RULES = {
    "image": ReferenceRule("image", 10 * MEGABYTE, ("image/jpeg", "image/png", "image/webp")),
    "video": ReferenceRule(
        "video", 100 * MEGABYTE, ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska")
    ),
    "audio": ReferenceRule(
        "audio", 20 * MEGABYTE, ("audio/mpeg", "audio/wav", "audio/mp4", "audio/ogg", "audio/flac")
    ),
}
"""The limits of a file if no model has others. Those of images are documented (public documentation, files), the
others are the sandbox's own."""

_MEDIA = "referenceMediaItems"
_MEDIA_TEXTS = ("url", "kind", "name", "mimeType", "durationToken")
_MEDIA_KEYS = (*_MEDIA_TEXTS, "durationSeconds")


def problems(model: Model, prompt: str, params: Mapping[str, Any], config: SandboxConfig) -> list[str]:
    """All mistakes in a generation request, in the order of its body."""
    found = list(_prompt_problems(model, prompt, config))
    by_key = {param.key: param for param in model.params}
    for key, value in params.items():
        param = by_key.get(key)
        if key == _MEDIA and model.references is not None:
            found += _media_problems(model, value)
        elif param is None:
            found.append(f"params.{key} is not a parameter of {model.id}")
        else:
            found += _value_problems(param, value)
    found += [f"params.{p.key} is required" for p in model.params if p.required and p.key not in params]
    return found


def media_items(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The references in params without mistakes."""
    return list(params.get(_MEDIA, []))


def upload_rule(model: Model | None, kind: str) -> ReferenceRule | None:
    """The limits for a file of that kind; None if the model takes no such file. Size and types are never None."""
    default = DEFAULT_RULES[kind]
    if model is None:
        return default
    if model.references is None or kind not in (model.references.kinds or (kind,)):
        return None
    rule = model.references.rule(kind)
    most = default.max_bytes if rule.max_bytes is None else rule.max_bytes
    return replace(rule, max_bytes=most, mime_types=rule.mime_types or default.mime_types)


def upload_problems(
    rule: ReferenceRule, facts: Facts | None, size: int, config: SandboxConfig
) -> Iterator[str]:
    """What the rule does not allow in a file of `size` bytes; `facts` are what the file itself shows."""
    types, most = rule.mime_types or (), int((rule.max_bytes or 0) / MEGABYTE * config.megabyte)
    if facts is None or facts.medium != rule.kind or facts.mime_type not in types:
        yield f"The file's signature is none of {', '.join(types)}."
    elif size > most:
        yield f"The file has {size} bytes; the maximum is {most}."
    elif rule.kind != "image" and not facts.duration:
        yield "The file's duration cannot be read."
    elif facts.duration is not None:
        # The clocks of files rarely meet a limit exactly.
        seconds = round(facts.duration, 3)
        if rule.max_duration is not None and seconds > rule.max_duration:
            yield f"The file takes {seconds:g} seconds; the maximum is {rule.max_duration:g}."
        if rule.min_duration is not None and seconds < rule.min_duration:
            yield f"The file takes {seconds:g} seconds; the minimum is {rule.min_duration:g}."


def _prompt_problems(model: Model, prompt: str, config: SandboxConfig) -> Iterator[str]:
    if not prompt.strip():
        yield "prompt is required"
    units = len(prompt.encode("utf-16-le")) // 2 if config.prompt_unit == "utf-16" else len(prompt)
    if model.max_prompt_length is not None and units > model.max_prompt_length:
        yield f"prompt has {units} characters; the maximum is {model.max_prompt_length}"


def _value_problems(param: Param, value: object) -> Iterator[str]:
    name = f"params.{param.key}"
    if param.type == "number":
        yield from _number_problems(param, name, value)
    elif not isinstance(value, str):
        yield f"{name} must be a string"
    elif param.options is not None and value not in param.options:
        yield f"{name} must be one of {', '.join(param.options)}"


def _number_problems(param: Param, name: str, value: object) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"{name} must be a number"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{name} must be a finite number"
    elif param.minimum is not None and value < param.minimum:
        yield f"{name} must be at least {param.minimum:g}"
    elif param.maximum is not None and value > param.maximum:
        yield f"{name} must be at most {param.maximum:.12g}"
    elif param.step is not None and not _on_step(value, param.minimum or 0, param.step):
        yield f"{name} must go in steps of {param.step:g}"


def _on_step(value: int | float, start: float, step: float) -> bool:
    if isinstance(value, int) and float(step).is_integer() and float(start).is_integer():
        return (value - int(start)) % int(step) == 0
    steps = (value - start) / step
    # 0.1 is not exact in binary: the step may be missed by a rounding error.
    return abs(steps - round(steps)) < 1e-6


def _media_problems(model: Model, items: object) -> Iterator[str]:
    if not isinstance(items, list):
        yield f"params.{_MEDIA} must be a list"
        return
    limit = model.references.max_files if model.references else None
    if limit is not None and len(items) > limit:
        yield f"params.{_MEDIA} has {len(items)} items; the maximum is {limit}"
    elif not _goes_together(model, items):
        yield f"params.{_MEDIA} has files that do not go together"
    for index, item in enumerate(items):
        yield from _media_item_problems(model, f"params.{_MEDIA}[{index}]", item)


def _goes_together(model: Model, items: list[object]) -> bool:
    mixes = model.references.mixes if model.references else ()
    kinds = [str(item.get("kind")) for item in items if isinstance(item, dict)]
    return not mixes or any(
        all(kinds.count(kind) <= dict(mix).get(kind, 0) for kind in kinds) for mix in mixes
    )


def _media_item_problems(model: Model, name: str, item: object) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{name} must be an object"
        return
    for key, value in item.items():
        if key not in _MEDIA_KEYS:
            yield f"{name}.{key} is not known"
        elif key in _MEDIA_TEXTS and not isinstance(value, str):
            yield f"{name}.{key} must be a string"
        elif key == "durationSeconds" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            yield f"{name}.{key} must be a number"
    yield from (f"{name}.{key} is required" for key in ("url", "kind") if key not in item)
    kinds = model.references.kinds if model.references else None
    if kinds is not None and isinstance(item.get("kind"), str) and item["kind"] not in kinds:
        yield f"{name}.kind must be one of {', '.join(kinds)}"
