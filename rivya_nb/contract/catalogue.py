"""The models that can be asked, with their params, their reference rules and their price.

The bundled records are the public model pages (`https://rivya.ai/docs/api/models/…`) as facts. None in a
record means *not known*, never *unlimited*: what is not known is left to the service to decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from rivya_nb.contract.text import did_you_mean, nearest
from rivya_nb.errors import InvalidRequestError, Mistake

DEFAULT_MODEL = "wan-2-7-image-pro"

MEGABYTE = 1_000_000
"""Bytes in the contract's MB. It does not say whether 10^6 or 2^20 is meant; the smaller one is safe."""

AVAILABLE = "available"
"""The `api_status` of a model that can be called; the list of the service holds others too."""

FIXED = "FIXED"
"""The `billing_type` of a model whose every request costs its base credits."""


@dataclass(frozen=True, slots=True)
class Param:
    """A model's own setting. `type` is `select`, `number`, `text`, or whatever a newer service calls it."""

    key: str
    type: str
    required: bool = False
    default: str | int | float | None = None
    options: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """What a reference of one kind may be: at most `max_bytes` bytes, of one of `mime_types`."""

    kind: str
    max_bytes: int | None
    mime_types: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ReferenceRules:
    """How many references a model takes, and of which kinds."""

    max_files: int | None
    kinds: tuple[str, ...] | None
    rules: tuple[ReferenceRule, ...]

    def rule(self, kind: str) -> ReferenceRule:
        """The rule for one kind; a rule that knows nothing where the record has none."""
        return next((rule for rule in self.rules if rule.kind == kind), ReferenceRule(kind, None, None))


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the catalogue. `base_credits` is the price of one request in credits.

    `complete` says that the record was read as a whole. `api_status` is the service's own word, `live` says
    that its list holds the model, and `notes` what of its entry there could not be read. `takes_urls` says that
    a reference may be a web address, which only the service's own list tells.
    """

    id: str
    display_name: str
    category: str
    inputs: tuple[str, ...]
    base_credits: int | None
    billing_type: str | None
    max_prompt_length: int | None
    params: tuple[Param, ...]
    references: ReferenceRules | None
    complete: bool
    api_status: str = AVAILABLE
    live: bool = False
    takes_urls: bool = False
    notes: tuple[str, ...] = ()

    def param(self, key: str) -> Param | None:
        """The param of that key, or None."""
        return next((param for param in self.params if param.key == key), None)

    @property
    def param_keys(self) -> tuple[str, ...]:
        return tuple(param.key for param in self.params)

    @property
    def makes_pictures(self) -> bool:
        """Whether pictures can be asked from it now."""
        return self.category == "image" and self.api_status == AVAILABLE

    @property
    def has_fixed_price(self) -> bool:
        """Whether every request costs its base credits; otherwise they are where the price begins."""
        return self.base_credits is not None and self.billing_type in (FIXED, None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What its record does not say, in words; the service decides there."""
        rules = self.references
        taken = (rules.kinds or ("image",)) if rules is not None else ()
        known = tuple(rules.rule(kind) for kind in taken) if rules is not None else ()
        missing = {
            "its price": self.base_credits is None,
            "how long a prompt may be": self.max_prompt_length is None,
            "how many references it takes": rules is not None and rules.max_files is None,
            "of which kinds they are": rules is not None and rules.kinds is None,
            "how large a reference may be": any(rule.max_bytes is None for rule in known),
            "in which formats references come": any(rule.mime_types is None for rule in known),
        }
        return tuple(words for words, holds in missing.items() if holds)


class Catalogue(Mapping[str, Model]):
    """Models by id. `fetched_at` (epoch seconds) is when the service listed them, None for bundled ones."""

    def __init__(self, models: Iterable[Model], fetched_at: float | None = None) -> None:
        self._models = {model.id: model for model in models}
        self.fetched_at = fetched_at

    def __getitem__(self, model_id: str) -> Model:
        return self._models[model_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def image_model(self, model_id: object) -> Model:
        """The model of that id, if pictures can be asked from it.

        Raises:
            InvalidRequestError: the catalogue does not have it, it makes something else, or it cannot be
                called; the message names the nearest model that can be asked.
        """
        if not isinstance(model_id, str):
            raise InvalidRequestError([Mistake("model", f"{model_id!r} is no model's id, which is a text")])
        model = self.get(model_id)
        images = [model.id for model in self.values() if model.makes_pictures]
        if model is None:
            hint = did_you_mean(model_id, images) or "; %rivya models lists them"
            raise InvalidRequestError([Mistake("model", f"{model_id!r} is not in the catalogue{hint}")])
        if not model.makes_pictures:
            fallback = DEFAULT_MODEL if DEFAULT_MODEL in images else None
            near = nearest(model_id, images) or fallback
            hint = "" if near is None else f"; the nearest that makes pictures is {near!r}"
            raise InvalidRequestError([Mistake("model", f"{_why_not(model)}{hint}")])
        return model


def _why_not(model: Model) -> str:
    name = repr(model.id)
    if not model.category:
        return f"what {name} makes is not known, and this tool asks for pictures"
    if model.category != "image":
        return f"{name} makes {model.category}, and this tool asks for pictures"
    if model.api_status == "coming_soon":
        return f"{name} is announced and cannot be called yet (coming_soon)"
    if model.api_status == "studio_only":
        return f"{name} works in the service's own studio only, not through its API (studio_only)"
    return f"{name} cannot be called: the service says {model.api_status!r} of it, not {AVAILABLE!r}"


def shared_param(key: str, models: Iterable[Model]) -> Param | None:
    """The param that stands for all these models': the first one's that has it.

    Where one model takes numbers, they are numbers for all: those that want text are sent the number's.
    """
    params = [param for model in models if (param := model.param(key)) is not None]
    return next((param for param in params if param.type == "number"), next(iter(params), None))


def common_params(models: Sequence[Model]) -> tuple[Param, ...]:
    """The params that all these models have, in the first one's order, each with what all of them take.

    A default that is not the same for all is none. Where they share no option, the first one's are left.
    """
    keys = models[0].param_keys if models else ()
    return tuple(_common(key, models) for key in keys if all(model.param(key) for model in models))


def _common(key: str, models: Sequence[Model]) -> Param:
    same = [param for model in models if (param := model.param(key)) is not None]
    first = shared_param(key, models) or same[0]
    limits = [set(param.options) for param in same if param.options is not None]
    options = tuple(option for option in first.options or () if all(option in each for each in limits))
    return replace(
        first,
        required=any(param.required for param in same),
        default=first.default if all(param.default == first.default for param in same) else None,
        options=options or first.options,
        minimum=max((param.minimum for param in same if param.minimum is not None), default=None),
        maximum=min((param.maximum for param in same if param.maximum is not None), default=None),
    )


@cache
def bundled() -> Catalogue:
    """The catalogue that ships with this package."""
    text = resources.files("rivya_nb.contract").joinpath("models.json").read_text(encoding="utf-8")
    return Catalogue(_read_model(record) for record in json.loads(text))


def _read_model(record: Mapping[str, Any]) -> Model:
    return Model(
        id=record["id"],
        display_name=record["display_name"],
        category=record["category"],
        inputs=tuple(record["inputs"]),
        base_credits=record["base_credits"],
        billing_type=record["billing_type"],
        max_prompt_length=record["max_prompt_length"],
        params=tuple(_read_param(param) for param in record["params"]),
        references=_read_references(record["reference"]),
        complete=record["complete"],
    )


def _read_param(record: Mapping[str, Any]) -> Param:
    limits = record.get("range", {})
    options = record.get("options")
    return Param(
        key=record["key"],
        type=record["type"],
        required=record["required"],
        default=record["default"],
        options=None if options is None else tuple(options),
        minimum=limits.get("min"),
        maximum=limits.get("max"),
        step=limits.get("step"),
    )


def _read_references(record: Mapping[str, Any] | None) -> ReferenceRules | None:
    if record is None:
        return None
    per_kind: Mapping[str, Any] = record["per_kind"] or {}
    return ReferenceRules(
        max_files=record["max_files"],
        kinds=None if record["kinds"] is None else tuple(record["kinds"]),
        rules=tuple(_read_rule(kind, rule) for kind, rule in per_kind.items()),
    )


def _read_rule(kind: str, record: Mapping[str, Any]) -> ReferenceRule:
    size = record["max_size_mb"]
    types = record["mime_types"]
    return ReferenceRule(
        kind=kind,
        max_bytes=None if size is None else int(size * MEGABYTE),
        mime_types=None if types is None else tuple(types),
    )
