"""From what a picture carries to what was asked for: prompt, seed, size, model and params, as far as told.

The texts are foreign: they are of any length, shape and depth, and whatever cannot be read says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rivya_nb.contract.references import Reference
from rivya_nb.store.inscriptions import COMFY, INVOKE
from rivya_nb.store.provenance import WEB_UI_NAMES
from rivya_nb.store.stamping import OURS, PARAMETERS

_MOST_NODES = 500
"""Nodes of a graph that are visited in search of one value."""

_PARAM = re.compile(r'(?:^|,)\s{0,4}(\w[\w \-/]{0,60}):\s{0,4}("(?:\\.|[^"\\])*"|[^,]*)')
_SIZE = re.compile(r"\D{0,4}(\d{1,5})\D{1,4}(\d{1,5})\D{0,4}")
_OUR_NAMES = {name: key for key, name in WEB_UI_NAMES.items()}
_NEGATIVE = "Negative prompt:"


@dataclass(frozen=True)
class Found:
    """What a picture tells of its request. `teller` is who wrote it, in words; `params` are ours by name.

    `size` is width and height in pixels. `job` is the id that our store knows it by. `rest` names what was
    told and means nothing to this tool.
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


def find_request(texts: Mapping[str, str]) -> Found | None:
    """The request that the texts of a picture tell, the best told first; None where none is told."""
    return next(_readings(texts), None)


def _readings(texts: Mapping[str, str]) -> Iterator[Found]:
    ours, comfy, parameters = (read_object(texts.get(key, "")) for key in (OURS, COMFY, PARAMETERS))
    if ours is not None and (found := read_ours(ours)):
        yield found
    for key in INVOKE:
        told = read_object(texts.get(key, ""))
        if told is not None and (found := _read_flat(told, "InvokeAI")):
            yield found
    if parameters is not None and (found := _read_flat(parameters, "the web UI")):
        yield found
    elif parameters is None and (text := texts.get(PARAMETERS, "")):
        yield _read_parameters(text)
    if comfy is not None and (found := _read_graph(comfy)):
        yield found


def read_object(text: str) -> dict[str, object] | None:
    """A JSON object; None for anything else, however deep or broken."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def read_ours(told: Mapping[str, object]) -> Found | None:
    """What this tool wrote, inside a picture or beside it."""
    prompt, params, job = told.get("prompt"), told.get("params"), told.get("job")
    if told.get("tool") != OURS or not isinstance(prompt, str):
        return None
    listed = told.get("references")
    references = [_reference(each) for each in listed] if isinstance(listed, list) else []
    return Found(
        teller=OURS,
        prompt=prompt,
        model=_text(told.get("model")),
        params={key: value for key, value in params.items() if value is not None}
        if isinstance(params, dict)
        else {},
        references=tuple(each for each in references if each is not None),
        job=_text(job),
        rest=("references",) if None in references else (),
    )


def _reference(told: object) -> Reference | None:
    if not isinstance(told, dict):
        return None
    name, sha256, kind = (_text(told.get(key)) for key in ("name", "sha256", "kind"))
    size = told.get("size")
    # The hash becomes a file's name in the store: nothing else may come from there.
    if sha256 is None or re.fullmatch(r"[0-9a-f]{64}", sha256) is None:
        return None
    return Reference(
        sha256=sha256,
        kind=kind or "image",
        mime_type=_text(told.get("mime_type")) or "",
        name=name or sha256[:12],
        size=size if isinstance(size, int) else 0,
    )


def _read_parameters(text: str) -> Found:
    """The form of A1111: the prompt, a negative one, and a last line of `Name: value` pairs."""
    *lines, last = text.strip().split("\n")
    facts = {key.strip(): _unquoted(value.strip()) for key, value in _PARAM.findall(last)}
    if len(facts) < 3 and "Seed" not in facts:
        lines, facts = [*lines, last], {}
    starts = (place for place, line in enumerate(lines) if line.startswith(_NEGATIVE))
    at = next(starts, len(lines))
    negative = "\n".join(lines[at:])[len(_NEGATIVE) :].strip()
    known = ("Seed", "Size", "Model", "Version")
    is_ours = facts.get("Version", "").startswith(OURS)
    return Found(
        teller="the web UI",
        prompt="\n".join(lines[:at]).strip(),
        model=facts.get("Model"),
        seed=_number(facts.get("Seed")),
        size=_size(facts.get("Size")),
        negative=negative or None,
        params={_OUR_NAMES.get(key, key): facts[key] for key in facts if key not in known} if is_ours else {},
        rest=() if is_ours else tuple(key for key in facts if key not in known),
    )


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, str) else value


def _read_flat(told: Mapping[str, object], teller: str) -> Found | None:
    """One JSON object with the names that InvokeAI, SwarmUI and Fooocus give."""
    for key, name in (("sui_image_params", "SwarmUI"), ("image", teller)):
        inner = told.get(key)
        if isinstance(inner, dict):
            told, teller = {**told, **inner}, name
    if "base_model" in told:
        teller = "Fooocus"
    prompt = _first_text(told, "positive_prompt", "prompt")
    if prompt is None:
        return None
    negative = _first_text(told, "negative_prompt", "negativeprompt")
    model = told.get("model", told.get("base_model"))
    if isinstance(model, dict):
        model = _first_text(model, "name", "model_name")
    sides = (told.get("width"), told.get("height"))
    size = _size(f"{sides[0]}x{sides[1]}") if None not in sides else _size(_text(told.get("resolution")))
    return Found(teller, prompt, _text(model), _number(told.get("seed")), size, negative or None)


def _first_text(told: Mapping[str, object], *keys: str) -> str | None:
    for key in keys:
        value = told.get(key)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = value[0].get("prompt")
        if isinstance(value, str):
            return value
    return None


def _read_graph(graph: Mapping[str, object]) -> Found | None:
    """ComfyUI's graph of nodes: what leads into the first sampler that has a prompt."""
    nodes = {
        key: node["inputs"] for key, node in graph.items() if isinstance(node, dict) and "inputs" in node
    }
    walk = _Walk({key: inputs for key, inputs in nodes.items() if isinstance(inputs, dict)})
    for node, inputs in walk.nodes.items():
        if not {"positive", "guider"} & inputs.keys() or not set(_TO_SEED) & inputs.keys():
            continue
        prompt = walk.first(node, _TO_PROMPT, _PROMPTS)
        if isinstance(prompt, str) and prompt.strip():
            width, height = (walk.first(node, _TO_SIZE, (side,)) for side in ("width", "height"))
            seed = _number(walk.first(node, _TO_SEED, ("seed", "noise_seed", "value")))
            return Found("ComfyUI", prompt, None, seed, _size(f"{width}x{height}"))
    return None


_PROMPTS = ("text", "t5xxl", "text_g", "clip_l", "prompt", "string", "value")
_TO_PROMPT = ("positive", "guider", "conditioning", "conditioning_1", *_PROMPTS)
_TO_SEED = ("noise", "seed", "noise_seed")
_TO_SIZE = ("latent_image", "samples", "latent", "width", "height")


@dataclass(frozen=True)
class _Walk:
    """Nodes by id, with their inputs: a value, or a link to another node's output."""

    nodes: Mapping[str, Mapping[str, object]]

    def first(self, start: str, along: tuple[str, ...], keys: tuple[str, ...]) -> object:
        """The first value under one of `keys` that is met on the way from a node along these inputs."""
        found = self.reachable(start, along)
        return next((found[key] for key in keys if key in found), None)

    def reachable(self, start: str, along: tuple[str, ...]) -> dict[str, object]:
        """The values that are met, the nearest for each name."""
        values: dict[str, object] = {}
        waiting, seen = [start], {start}
        while waiting and len(seen) < _MOST_NODES:
            inputs = self.nodes.get(waiting.pop(0), {})
            for key, value in inputs.items():
                if not isinstance(value, list):
                    if value != "":
                        values.setdefault(key, value)
                elif key in along and value and isinstance(value[0], str) and value[0] not in seen:
                    seen.add(value[0])
                    waiting.append(value[0])
        return values


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> object:
    """A whole number that may have been written as text; other values as they are."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        return int(value)
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _size(text: str | None) -> tuple[int, int] | None:
    match = _SIZE.fullmatch(text or "")
    if match is None or 0 in (sides := (int(match[1]), int(match[2]))):
        return None
    return sides
