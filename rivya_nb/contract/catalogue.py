"""The models, with their params, their reference rules and their price.

The bundled records are the facts of the public model pages (`https://rivya.ai/docs/api/models/…`). None in a
record means *not known*, never *unlimited*: then the service decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from rivya_nb.contract.ideas import PREFIX, is_seed, shared_name
from rivya_nb.contract.media import MEDIA, Medium, medium_of
from rivya_nb.contract.text import did_you_mean, listing, nearest, printable, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake
from rivya_nb.typed import typed

DEFAULT_MODEL = "wan-2-7-image-pro"

MEGABYTE = 1_000_000
"""Bytes in the contract's MB. The contract does not say whether it means 10^6 or 2^20; 10^6 is always
accepted."""

AVAILABLE = "available"
"""The `api_status` of a model that can be called. The service's list also contains models that cannot."""

FIXED = "FIXED"
"""The `billing_type` of a model whose every request costs its base credits."""


@dataclass(frozen=True, slots=True)
class Param:
    """A param of a model. `type` is `select`, `number`, `text`, or an unknown type of a newer service."""

    key: str
    type: str
    required: bool = False
    default: str | int | float | None = None
    options: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None

    @property
    def is_switch(self) -> bool:
        """True if the param is switched on and off. It is sent as text, and True or False in Python."""
        return self.options is not None and set(self.options) == {"true", "false"}


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """The limits for references of one kind: at most `max_bytes` bytes, one of `mime_types`, and from
    `min_duration` to `max_duration` seconds."""

    kind: str
    max_bytes: int | None = None
    mime_types: tuple[str, ...] | None = None
    min_duration: float | None = None
    max_duration: float | None = None


@dataclass(frozen=True, slots=True)
class ReferenceRules:
    """How many references a model takes, and of which kinds.

    Where there are `mixes`, the references of a request have to fit one of them: at most so many of each kind, and
    none of a kind that it does not name.
    """

    max_files: int | None
    kinds: tuple[str, ...] | None
    rules: tuple[ReferenceRule, ...]
    mixes: tuple[tuple[tuple[str, int], ...], ...] = ()

    def rule(self, kind: str) -> ReferenceRule:
        """The rule for a kind. If the record has none, all of its limits are None."""
        return next((rule for rule in self.rules if rule.kind == kind), ReferenceRule(kind))

    def takes(self, kind: str) -> bool:
        """True if files of this kind are taken, or it is not known which ones are."""
        return self.kinds is None or kind in self.kinds


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the catalogue. `base_credits` is the price of one request in credits.

    `complete` is True if the whole record could be read. `api_status` is the service's own word, `live` is
    True if the service's list has the model, and `notes` say which parts of its entry could not be read.
    `takes_urls` is True if the service's list says that a reference may be a web address.
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
        """The param with this key, or with this name in an ask; the seed is found under each of its names."""
        own = key.removeprefix(PREFIX)
        found = next((param for param in self.params if param.key == own), None)
        if found is None and is_seed(own):
            found = next((param for param in self.params if is_seed(param.key)), None)
        return found

    @property
    def param_keys(self) -> tuple[str, ...]:
        """The names of its params, as the service has them."""
        return tuple(param.key for param in self.params)

    @property
    def makes(self) -> Medium:
        """What comes of a request; a picture where the category is none of the known ones."""
        return medium_of(self.category)

    @property
    def can_run(self) -> bool:
        """True if the model can be called and makes pictures, video or audio. Of video and audio the whole record
        must be known: they cost too much to find out."""
        is_known = self.category == "image" or (self.category in MEDIA and self.complete)
        return is_known and self.api_status == AVAILABLE

    @property
    def has_fixed_price(self) -> bool:
        """True if every request costs `base_credits`; otherwise `base_credits` is the lowest price."""
        return self.base_credits is not None and self.billing_type in (FIXED, None)

    @property
    def price_is_least(self) -> bool:
        """True if a request costs `base_credits` at least."""
        return self.base_credits is not None and not self.has_fixed_price

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the record does not say, in words."""
        rules = self.references
        taken: Sequence[str] = (rules.kinds or ("image",)) if rules is not None else ()
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
    """Models by id. `fetched_at` is when the service listed them, in epoch seconds; None for the bundled
    ones."""

    def __init__(self, models: Iterable[Model], fetched_at: float | None = None) -> None:
        self._models = {model.id: model for model in models}
        self.fetched_at = fetched_at

    def __getitem__(self, model_id: str) -> Model:
        return self._models[model_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def runnable(self, model_id: object) -> Model:
        """The model with that id, which must be one that can be run.

        Raises:
            InvalidRequestError: the catalogue does not have it, it makes neither pictures nor video nor audio, its
                record is not complete, or it cannot be called; the message names the most similar model that can
                be used.
        """
        if not isinstance(model_id, str):
            raise InvalidRequestError(
                [Mistake("model", f"{short_repr(model_id)} is not a model's id; give the id as text")]
            )
        model = self.get(model_id)
        usable = {model.id: model for model in self.values() if model.can_run}
        if model is None:
            hint = did_you_mean(model_id, usable) or f"; {typed('models', 'rv.models()')} lists them"
            raise InvalidRequestError(
                [Mistake("model", f"{short_repr(model_id)} is not in the catalogue{hint}")]
            )
        if not model.can_run:
            alike = [each.id for each in usable.values() if each.category == model.category] or list(usable)
            fallback = DEFAULT_MODEL if DEFAULT_MODEL in alike else next(iter(alike), None)
            near = nearest(model_id, alike) or fallback
            hint = "" if near is None else f"; the nearest that can be run is {near!r}"
            raise InvalidRequestError([Mistake("model", f"{why_not(model)}{hint}")])
        return model


_ASKS_FOR = "this tool asks for pictures, video and audio"


def why_not(model: Model) -> str:
    """Why a model cannot be run; only for those that cannot."""
    name = repr(model.id)
    if not model.category:
        return f"what {name} makes is not known, and {_ASKS_FOR}"
    if model.category not in MEDIA:
        return f"{name} makes {printable(model.category)}, and {_ASKS_FOR}"
    if model.api_status == AVAILABLE:
        lacking = listing(model.unknown or model.notes or ("all of its params",))
        return (
            f"the record of {name} is not complete, so what it costs and takes cannot be checked (not known: "
            f"{lacking}); `{typed('models --refresh', 'rv.models(refresh=True)')}` asks the service for it"
        )
    if model.api_status == "coming_soon":
        return f"{name} is announced and cannot be called yet (coming_soon)"
    if model.api_status == "studio_only":
        return f"{name} works in the service's own studio only, not through its API (studio_only)"
    return (
        f"{name} cannot be called: the service says {short_repr(model.api_status)} of it, not {AVAILABLE!r}"
    )


def shared_param(key: str, models: Iterable[Model]) -> Param | None:
    """The param that stands for these models: the first model's that has it, but a number param before any
    other.

    Models that want text are sent the number as text.
    """
    params = [param for model in models if (param := model.param(key)) is not None]
    return next((param for param in params if param.type == "number"), next(iter(params), None))


def common_params(models: Sequence[Model]) -> tuple[Param, ...]:
    """The params that all these models have, in the order of the first one, with the values that all of them
    accept.

    Each has the name that asks have for it. The default is None unless it is the same for all. If they have no
    option in common, the first one's are kept.
    """
    keys = map(shared_name, models[0].param_keys if models else ())
    return tuple(_common(key, models) for key in keys if all(model.param(key) for model in models))


def _common(key: str, models: Sequence[Model]) -> Param:
    same = [param for model in models if (param := model.param(key)) is not None]
    first = shared_param(key, models) or same[0]
    listed = next((param.options for param in same if param.options is not None), ())
    options = tuple(option for option in listed if all(_has(param, option) for param in same))
    return replace(
        first,
        key=key,
        required=any(param.required for param in same),
        default=first.default if all(param.default == first.default for param in same) else None,
        options=options or listed or None,
        minimum=max((param.minimum for param in same if param.minimum is not None), default=None),
        maximum=min((param.maximum for param in same if param.maximum is not None), default=None),
    )


def _has(param: Param, option: str) -> bool:
    """True if a param may take an option of another model's: one of its own, or a number within its limits."""
    if param.options is not None or param.type != "number":
        return param.options is None or option in param.options
    try:
        number = float(option)
    except ValueError:
        return False
    least, most = param.minimum, param.maximum
    return (least is None or number >= least) and (most is None or number <= most)


@cache
def bundled() -> Catalogue:
    """The catalogue that is part of this package."""
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
        mixes=tuple(tuple(mix.items()) for mix in record.get("mixes", ())),
    )


def _read_rule(kind: str, record: Mapping[str, Any]) -> ReferenceRule:
    size = record["max_size_mb"]
    types = record["mime_types"]
    return ReferenceRule(
        kind=kind,
        max_bytes=None if size is None else int(size * MEGABYTE),
        mime_types=None if types is None else tuple(types),
        min_duration=record.get("min_duration_seconds"),
        max_duration=record.get("max_duration_seconds"),
    )
