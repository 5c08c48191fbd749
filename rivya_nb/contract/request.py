"""A request: one validated call, immutable, known by the hash of what would be sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rivya_nb.contract.catalogue import Model
from rivya_nb.contract.params import REFERENCES_KEY, ParamValue, check_params
from rivya_nb.contract.references import Reference, check_references
from rivya_nb.contract.text import HALF, is_whole, prompt_length
from rivya_nb.errors import InvalidRequestError, Mistake

SEED_KEY = "seed"


@dataclass(frozen=True, repr=False)
class Request:
    """One call: a model, a prompt, the params that are sent and the references.

    Two requests are equal when what would be sent is: the prompt stripped, references by their content.
    `base_credits` is the documented price of the call in credits, None where it is not known. `notes` tell the
    user how it differs from what it was made from; they are not sent.
    """

    model: str
    prompt: str
    params: Mapping[str, ParamValue] = field(default_factory=dict, hash=False)
    references: tuple[Reference, ...] = ()
    base_credits: int | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt", self.prompt.strip())
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __repr__(self) -> str:
        asked = [f"model={self.model!r}", f"prompt={self.prompt!r}", f"params={dict(self.params)!r}"]
        if self.references:
            asked.append(f"references=[{', '.join(reference.name for reference in self.references)}]")
        return "\n".join([f"Request({', '.join(asked)})", *(f"  {note}" for note in self.notes)])

    @property
    def identity(self) -> str:
        """SHA-256 in hex over what would be sent; names of references do not count."""
        sent = [self.model, self.prompt, dict(self.params), [ref.sha256 for ref in self.references]]
        text = json.dumps(sent, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def seed(self) -> ParamValue | None:
        """The seed that is sent, None where the service draws one."""
        return self.params.get(SEED_KEY)

    def body(self, media_items: Sequence[Mapping[str, Any]], client_request_id: str) -> dict[str, Any]:
        """The JSON body of `POST /generations`; `media_items` are the uploaded references, in order."""
        params: dict[str, Any] = dict(self.params)
        if media_items:
            params[REFERENCES_KEY] = [dict(item) for item in media_items]
        return {
            "model": self.model,
            "prompt": self.prompt,
            "params": params,
            "client_request_id": client_request_id,
        }


def check_prompt(model: Model, prompt: str) -> list[Mistake]:
    """Every mistake in a prompt: image models need one, and each has its own maximum length."""
    if not prompt.strip():
        return [Mistake("prompt", "it is empty; write what the picture should show")]
    if not is_whole(prompt):
        return [Mistake("prompt", HALF)]
    length = prompt_length(prompt.strip())
    if model.max_prompt_length is not None and length > model.max_prompt_length:
        return [
            Mistake(
                "prompt", f"{length:,} characters are too many; {model.id} takes {model.max_prompt_length:,}"
            )
        ]
    return []


def build_request(
    model: Model, prompt: str, params: Mapping[str, object], references: Sequence[Reference] = ()
) -> Request:
    """A valid request, or all of its mistakes at once.

    Raises:
        InvalidRequestError: with every mistake in the prompt, the params and the references.
    """
    mistakes = check_prompt(model, prompt)
    accepted, wrong = check_params(model, params)
    mistakes += wrong + check_references(model, references)
    if mistakes:
        raise InvalidRequestError(mistakes)
    return Request(model.id, prompt, accepted, tuple(references), model.base_credits)
