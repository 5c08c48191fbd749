"""A request: one validated, immutable call, known by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from rivya_nb.contract.catalogue import Model
from rivya_nb.contract.ideas import SEED_KEY as SEED_KEY
from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.media import Medium
from rivya_nb.contract.params import REFERENCES_KEY, FrozenParams, ParamValue, check_params, plain_value
from rivya_nb.contract.references import Reference, check_references
from rivya_nb.contract.text import HALF, as_sent, comparable, is_whole, prompt_length, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake

LAST_REPLICATE = 2**31 - 1
"""The highest number of a replicate."""

MOST_IN_A_ROW = 100_000
"""The most replicates that are asked for together. Higher numbers are of single pictures: a canary's, by the time
of its occasion."""


def replicates_before(number: int) -> int:
    """How many replicates have to be asked for to get the one of this number; 1 for a single picture, for which
    the first one is asked instead."""
    return number if number <= MOST_IN_A_ROW else 1


@dataclass(frozen=True, repr=False, eq=False)
class Request:
    """One call: a model, a prompt, params and references.

    The prompt and text params are normalized by `as_sent`, and params that are None are left out. Two
    requests are equal if their identities are. `base_credits` is the documented price in credits, None if it
    is not known; where `price_is_least`, the model is not billed by request, and it may cost more. `makes` is what
    its model makes. `notes` tell the user how the request differs from the picture it was recalled from; they are
    not sent. `replicate` numbers requests that are the same on purpose, from 1 on: it is not sent, and the store
    keeps the pictures of each number apart.

    Raises:
        InvalidRequestError: `replicate` is not a whole number from 1 on.
    """

    model: str
    prompt: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    base_credits: int | None = None
    notes: tuple[str, ...] = ()
    replicate: int = 1
    price_is_least: bool = False
    makes: Medium = "image"

    def __post_init__(self) -> None:
        params = {key: _as_sent(value) for key, value in self.params.items() if value is not None}
        object.__setattr__(self, "prompt", as_sent(self.prompt))
        object.__setattr__(self, "params", FrozenParams(params))
        object.__setattr__(self, "references", tuple(self.references))
        number = self.replicate
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LAST_REPLICATE:
            told = f"{short_repr(number)} is not a whole number from 1 to {LAST_REPLICATE:,}"
            raise InvalidRequestError([Mistake("replicate", told)])

    def __eq__(self, other: object) -> bool:
        return self.identity == other.identity if isinstance(other, Request) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        asked = [f"model={self.model!r}", f"prompt={self.prompt!r}", f"params={dict(self.params)!r}"]
        if self.references:
            asked.append(f"references=[{', '.join(reference.name for reference in self.references)}]")
        if self.replicate > 1:
            asked.append(f"replicate={self.replicate}")
        return "\n".join([f"Request({', '.join(asked)})", *(f"  {note}" for note in self.notes)])

    @cached_property
    def identity(self) -> str:
        """SHA-256 in hex of the content: model, prompt and params in NFC, and the references' hashes, not
        their names; of a replicate beyond the first, its number too.

        The store keeps it: whatever changes it makes the store forget what it has.
        """
        params = {
            key: comparable(value) if isinstance(value, str) else value for key, value in self.params.items()
        }
        hashes = [reference.sha256 for reference in self.references]
        sent: list[object] = [self.model, comparable(self.prompt), params, hashes]
        if self.replicate > 1:
            sent.append(self.replicate)
        text = json.dumps(sent, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def seed(self) -> ParamValue | None:
        """The seed, whatever the model calls it; None if it is not sent, so that the service chooses one."""
        return shared_names(self.params).get(SEED_KEY)

    def body(self, media_items: Sequence[Mapping[str, Any]], client_request_id: str) -> dict[str, Any]:
        """The JSON body of `POST /generations`; `media_items` are the uploaded references, in their order."""
        params: dict[str, Any] = dict(self.params)
        if media_items:
            params[REFERENCES_KEY] = [dict(item) for item in media_items]
        return {
            "model": self.model,
            "prompt": self.prompt,
            "params": params,
            "client_request_id": client_request_id,
        }


def _as_sent(value: object) -> ParamValue:
    value = plain_value(value)
    return as_sent(value) if isinstance(value, str) else cast(ParamValue, value)


def check_prompt(model: Model, prompt: str) -> list[Mistake]:
    """Every mistake in a prompt: it must not be empty, nor longer than the model allows."""
    prompt = as_sent(prompt)
    if not prompt:
        return [Mistake("prompt", "it is empty; describe what the model should make")]
    if not is_whole(prompt):
        return [Mistake("prompt", HALF)]
    length = prompt_length(prompt)
    if model.max_prompt_length is not None and length > model.max_prompt_length:
        return [
            Mistake(
                "prompt", f"{length:,} characters are too many; {model.id} takes {model.max_prompt_length:,}"
            )
        ]
    return []


def build_request(
    model: Model,
    prompt: str,
    params: Mapping[str, object],
    references: Sequence[Reference] = (),
    *,
    replicate: int = 1,
) -> Request:
    """A valid request.

    Raises:
        InvalidRequestError: with every mistake in the prompt, the params and the references.
    """
    mistakes = check_prompt(model, prompt)
    accepted, wrong = check_params(model, params)
    mistakes += wrong + check_references(model, references)
    if mistakes:
        raise InvalidRequestError(mistakes)
    return Request(
        model.id,
        prompt,
        accepted,
        tuple(references),
        model.base_credits,
        replicate=replicate,
        price_is_least=model.price_is_least,
        makes=model.makes,
    )
