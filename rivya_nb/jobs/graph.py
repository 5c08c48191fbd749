"""Reads ComfyUI's graph of nodes, as it was run: from the samplers back to the texts of their prompts.

A node is followed only if its effect on texts is known. If a node is unknown, or several texts are combined,
no prompt is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rivya_nb.contract.text import short_repr
from rivya_nb.jobs.telling import Found, UnreadError, as_number, as_size, whole_prompt

_TELLER = "ComfyUI"
_DEEPEST = 100
"""The most nodes that one text passes."""
_LONGEST = 100_000
_MOST_NODES = 500
"""The most nodes that are visited in search of one value."""

_ENCODERS = ("CLIPTextEncode", "TextEncode")
"""The beginnings of the names of ComfyUI's own encoders: all their texts are prompts, except for these
inputs."""
_NO_TEXTS = {"clip", "clip_vision_output", "vae", "image", "image1", "image2", "image3", "mask", "latent"} | {
    *("pixels", "control_net", "model", "system_prompt", "guidance", "ascore", "width", "height"),
    *("crop_w", "crop_h", "target_width", "target_height"),
}

_TEXTS = ("text", "prompt", "populated", "wildcard", "string")
"""The beginnings of the names of text inputs in most custom nodes."""

_DETAILS = ("wildcard", "text", "prompt")
"""The names under which a sampling node may have its own prompt."""

_OTHER_ENCODERS = {
    "BNK_CLIPTextEncodeAdvanced": ("text",),
    "smZ CLIPTextEncode": ("text", "text_g", "text_l"),
    "ImpactWildcardEncode": ("populated_text",),
    "GLIGENTextBoxApply": ("text",),
    "GLIGENTextboxApply": ("text",),
}
_STRINGS = {
    "PrimitiveString": "value",
    "PrimitiveStringMultiline": "value",
    "PreviewAny": "source",
    "String Literal": "string",
    "StringConstant": "string",
    "ShowText|pysssss": "text",
    "ImpactWildcardProcessor": "populated_text",
}
"""Nodes that pass on one text, and the name of the input that has it."""

_POSITIVE = ("positive", "conditioning", "cond", "guider")
_NEGATIVE = "negative"
_SEEDS = ("noise_seed", "seed")
_TO_SEED = ("noise", *_SEEDS)
_TO_SIZE = ("latent_image", "samples", "latent", "width", "height")
_NEVER = ("KSampler", "SamplerCustom", "VAEDecode", "SaveImage", "PreviewImage", "CLIPTextEncode")
"""Nodes without a setting that a request could lack."""
_PICTURES = "LoadImage"
"""The beginning of the names of nodes that load pictures."""


_Link = tuple[str, int]


@dataclass(frozen=True)
class _Node:
    kind: str
    inputs: Mapping[str, object]


def is_graph(told: Mapping[str, object]) -> bool:
    """True for a JSON object with nodes of ComfyUI."""
    return any(isinstance(node, dict) and "class_type" in node for node in told.values())


def read_graph(told: Mapping[str, object]) -> Found:
    """The request in a graph: one prompt for all its samplers, the seed if they have only one, and the size.

    Raises:
        UnreadError: it has no prompt, several, or one that passes through an unknown node.
    """
    nodes = {
        key: _Node(str(node.get("class_type", "")), node["inputs"])
        for key, node in told.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    walk = _Walk(nodes)
    samplers = walk.samplers()
    if not samplers:
        raise UnreadError(f"{_TELLER}'s graph has no sampler that is known here")
    texts = [text for key in samplers for text in walk.prompts_of(key)]
    prompt = whole_prompt(_TELLER, [*texts, *walk.further_texts(samplers)])
    negative, notes = _negative(walk, samplers)
    seeds = list(dict.fromkeys(seed for key in samplers if (seed := walk.seed_of(key)) is not None))
    if len(seeds) > 1:
        notes.append(f"seed: {_TELLER}'s samplers have {len(seeds)} of them; they are left out")
    kinds = [kind for kind in dict.fromkeys(node.kind for node in nodes.values()) if kind]
    if any(kind.startswith(_PICTURES) for kind in kinds):
        notes.append(
            f"{_TELLER} made it from other references too; they are left out, give them as references"
        )
    return Found(
        _TELLER,
        prompt,
        seed=seeds[0] if len(seeds) == 1 else None,
        size=next((size for key in samplers if (size := walk.size_of(key))), None),
        negative=negative,
        rest=tuple(kind for kind in kinds if not kind.startswith((*_NEVER, _PICTURES))),
        notes=tuple(notes),
    )


def _negative(walk: _Walk, samplers: list[str]) -> tuple[str | None, list[str]]:
    """The negative prompt, and a note if there is one that cannot be read."""
    try:
        texts = [text for key in samplers for text in walk.prompts_of(key, negative=True)]
        return (whole_prompt(_TELLER, texts), []) if any(map(str.strip, texts)) else (None, [])
    except UnreadError as error:
        return None, [f"negative_prompt: {error}; it is left out"]


@dataclass(frozen=True)
class _Walk:
    """Nodes by id, with their inputs: a value, or a link to another node's output."""

    nodes: Mapping[str, _Node]
    _made: dict[_Link, str] = field(default_factory=dict)
    """The texts of outputs that were read already."""

    def samplers(self) -> list[str]:
        """The nodes that sample; those whose output is not used only if there are no others."""
        taken = {
            link[0]
            for node in self.nodes.values()
            for value in node.inputs.values()
            if (link := _link(value))
        }
        found = [
            key
            for key, node in self.nodes.items()
            if {"positive", "guider"} & node.inputs.keys() and set(_TO_SEED) & node.inputs.keys()
        ]
        return [key for key in found if key in taken] or found

    def prompts_of(self, sampler: str, *, negative: bool = False) -> list[str]:
        """The texts that lead into a sampler."""
        inputs = self.nodes[sampler].inputs
        if negative and (guider := _link(inputs.get("guider"))):
            inputs = self._followed(guider).inputs
        # A detailer may have its own text instead of the prompt.
        texts = [] if negative else [text for name in _DETAILS if isinstance(text := inputs.get(name), str)]
        waiting, seen = self._conditionings(inputs, negative), set[_Link]()
        while waiting:
            if (link := waiting.pop(0)) not in seen:
                seen.add(link)
                told, further = self._encoded(link)
                texts += told
                waiting[:0] = further
        return texts

    def further_texts(self, samplers: list[str]) -> Iterator[str]:
        """The texts on any other way than a negative one: those of regions come along with the model."""
        waiting, seen = list(samplers), set(samplers)
        while waiting:
            node = self.nodes.get(waiting.pop())
            if node is None or "ZeroOut" in node.kind:
                continue
            if node.kind.startswith(_ENCODERS) or node.kind in _OTHER_ENCODERS:
                yield from self._own_texts(node)
            links = [_link(value) for name, value in node.inputs.items() if not name.startswith(_NEGATIVE)]
            new = {link[0] for link in links if link} - seen
            seen |= new
            waiting += sorted(new)

    def _conditionings(self, inputs: Mapping[str, object], negative: bool) -> list[_Link]:
        """The links to all conditionings in the inputs."""
        return [
            link
            for name, value in inputs.items()
            if name.startswith(_NEGATIVE if negative else _POSITIVE) and (link := _link(value))
        ]

    def _encoded(self, link: _Link) -> tuple[list[str], list[_Link]]:
        """The texts that a conditioning's node encodes, and the conditionings that it combines."""
        node = self._followed(link)
        if "ZeroOut" in node.kind:
            return [], []
        inputs = node.inputs
        # A node that takes a positive and a negative input has two outputs in this order.
        is_pair = any(name.startswith(_NEGATIVE) and _link(value) for name, value in inputs.items())
        if is_pair and link[1] > 1:
            raise UnreadError(_unknown(node))
        texts, further = list(self._own_texts(node)), self._conditionings(inputs, is_pair and link[1] == 1)
        if not texts and not further:
            raise UnreadError(_unknown(node))
        return texts, further

    def _own_texts(self, node: _Node) -> Iterator[str]:
        """The texts that a node encodes, including empty ones."""
        names = _OTHER_ENCODERS.get(node.kind, ())
        for name, value in node.inputs.items():
            is_told = bool(value) and (isinstance(value, str) or _link(value) is not None)
            if node.kind.startswith(_ENCODERS):
                if name not in _NO_TEXTS and (is_told or value == ""):
                    yield self._text(value)
            elif name in names:
                yield self._text(value)
            elif is_told and not names and name.startswith(_TEXTS):
                raise UnreadError(_unknown(node))

    def _text(self, value: object, depth: int = 0) -> str:
        """A text, or the text that a known node makes."""
        if isinstance(value, str):
            return value
        link = _link(value)
        if link is None or depth > _DEEPEST:
            raise UnreadError(f"{_TELLER}'s prompt is not text ({short_repr(value)})")
        if link not in self._made:
            self._made[link] = self._text_of(self._followed(link), depth)
        return self._made[link]

    def _text_of(self, node: _Node, depth: int) -> str:
        if node.kind == "StringConcatenate":
            parts = [self._text(node.inputs.get(name, ""), depth + 1) for name in ("string_a", "string_b")]
            joined = self._text(node.inputs.get("delimiter", ""), depth + 1).join(parts)
            if len(joined) > _LONGEST:
                raise UnreadError(f"{_TELLER}'s prompt has more than {_LONGEST:,} characters")
            return joined
        name = _STRINGS.get(node.kind)
        if name is None or name not in node.inputs or _link(node.inputs.get("wildcard_text")):
            raise UnreadError(_unknown(node))
        text = self._text(node.inputs[name], depth + 1)
        if node.kind.startswith("Impact") and ("{" in text or "__" in text):
            raise UnreadError(
                f"{_TELLER}'s prompt has wildcards, and the text that replaced them is not known"
            )
        return text

    def seed_of(self, sampler: str) -> object:
        """The seed of a sampler that adds noise, None if it has none."""
        if self.nodes[sampler].inputs.get("add_noise") == "disable":
            return None
        return as_number(self._first(sampler, _TO_SEED, (*_SEEDS, "value")))

    def size_of(self, sampler: str) -> tuple[int, int] | None:
        """Width and height of the latent with which a sampler begins."""
        return as_size("x".join(str(self._first(sampler, _TO_SIZE, (side,))) for side in ("width", "height")))

    def _first(self, start: str, along: tuple[str, ...], names: tuple[str, ...]) -> object:
        """The nearest value under one of `names`, following these inputs from a node."""
        waiting, seen = [start], {start}
        while waiting and len(seen) < _MOST_NODES:
            node = self.nodes.get(waiting.pop(0))
            inputs = {} if node is None else node.inputs
            for name in names:
                if name in inputs and not isinstance(inputs[name], (list, dict)):
                    return inputs[name]
            for name in along:
                link = _link(inputs.get(name))
                if link is not None and link[0] not in seen:
                    seen.add(link[0])
                    waiting.append(link[0])
        return None

    def _followed(self, link: _Link) -> _Node:
        node = self.nodes.get(link[0])
        if node is None:
            raise UnreadError(f"{_TELLER}'s graph lacks the node that its prompt comes from")
        return node


def _link(value: object) -> _Link | None:
    """The node and its output number that an input is linked to; None for a value."""
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], int):
        return None
    return (str(value[0]), value[1]) if isinstance(value[0], (str, int)) else None


def _unknown(node: _Node) -> str:
    return f"{_TELLER}'s prompt passes through a node that is not known here ({short_repr(node.kind)})"
