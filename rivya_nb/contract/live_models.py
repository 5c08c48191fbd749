"""The service's own list of models, merged into the bundled catalogue.

The documentation names the keys of an entry, but not those inside `params[]` and `reference_media`. The names
that its model pages show are read, and the few in `lenient.ALIASES`. If a part of an entry cannot be read, the
bundled record of that model is used for it, and a note says so. No JSON makes these functions raise an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rivya_nb.contract.catalogue import AVAILABLE, Catalogue, Model, Param
from rivya_nb.contract.lenient import text_of, texts_of, whole_of
from rivya_nb.contract.live_params import read_params
from rivya_nb.contract.live_references import read_references

NOT_LISTED = "the service's list does not name it"
NEEDS_FILES = "the service's list says that each request needs a reference"


def merge(catalogue: Catalogue, entries: Sequence[object], fetched_at: float) -> Catalogue:
    """The catalogue, updated by the service's list. Models that the list does not have stay, with a note.

    `entries` are the objects of `data` as they came. An entry without an id is skipped; if two have the same
    id, the first counts. An empty list changes nothing.
    """
    listed: dict[str, Model] = {}
    for entry in entries:
        model = _read_entry(entry, catalogue)
        if model is not None:
            listed.setdefault(model.id, model)
    if not listed:
        return catalogue
    merged = [
        listed.pop(model.id, replace(model, live=False, notes=(*model.notes, NOT_LISTED)))
        for model in catalogue.values()
    ]
    return Catalogue([*merged, *listed.values()], fetched_at)


def _read_entry(entry: object, catalogue: Catalogue) -> Model | None:
    if not isinstance(entry, Mapping):
        return None
    model_id = text_of(entry.get("id"))
    if model_id is None:
        return None
    known = catalogue.get(model_id)
    params, param_notes = read_params(entry.get("params"), None if known is None else known.params)
    references, reference_notes = read_references(entry, None if known is None else known.references)
    price, price_notes = _price(entry, known)
    model = Model(
        id=model_id,
        display_name=text_of(entry.get("display_name")) or (known.display_name if known else model_id),
        category=(text_of(entry.get("category")) or (known.category if known else "")).casefold(),
        inputs=texts_of(entry.get("supported_api_inputs")) or (known.inputs if known else ()),
        base_credits=price,
        billing_type=(text_of(entry.get("billing_type")) or "").upper()
        or (known.billing_type if known else None),
        max_prompt_length=whole_of(entry.get("max_prompt_length"), least=1)
        or (known.max_prompt_length if known else None),
        params=params,
        references=references,
        complete=False,
        api_status=(text_of(entry.get("api_status")) or AVAILABLE).casefold(),
        live=True,
        takes_urls=entry.get("url_input_supported") is True,
        notes=(*price_notes, *param_notes, *reference_notes, *_needs(entry)),
    )
    says_all = not param_notes and not model.unknown and not any(map(_is_odd, model.params))
    return replace(model, complete=(known is not None and known.complete) or says_all)


def _needs(entry: Mapping[object, object]) -> tuple[str, ...]:
    """A note where nothing can be asked for without a file. The service decides: that is not said of each mode."""
    return (NEEDS_FILES,) if entry.get("api_input_status") == "requires_files_api" else ()


def _is_odd(param: Param) -> bool:
    return param.type not in ("select", "number", "text") or (param.type == "select" and not param.options)


def _price(entry: Mapping[object, object], known: Model | None) -> tuple[int | None, tuple[str, ...]]:
    """The base credits. An explicit null means that the model has no such price."""
    bundled = known.base_credits if known else None
    if "base_credits" not in entry:
        return bundled, ()
    price = whole_of(entry["base_credits"], least=0)
    if price is not None or entry["base_credits"] is None:
        return price, ()
    return bundled, (f"its price could not be read{'; the bundled one is used' if known else ''}",)
