"""The service's own list of models, read leniently and merged into the bundled catalogue.

What stands inside `params[]` and `reference_media` is not documented, so several plausible spellings are
accepted. Where a part of an entry cannot be read, the bundled record of that model stands in for it, and a
note says so. Nothing here raises, whatever JSON came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rivya_nb.contract.catalogue import AVAILABLE, Catalogue, Model, Param
from rivya_nb.contract.lenient import MISSING, any_of, text_of, texts_of, whole_of
from rivya_nb.contract.live_params import read_params
from rivya_nb.contract.live_references import read_references

NOT_LISTED = "the service's list does not name it"


def merge(catalogue: Catalogue, entries: Sequence[object], fetched_at: float) -> Catalogue:
    """The catalogue as the service's list has it; models that it does not name stay, with a note.

    `entries` are the objects of `data` as they came; what has no id is skipped, and of two with one id the
    first counts. An empty list is no list: then everything is as it was.
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
        billing_type=_billing(entry) or (known.billing_type if known else None),
        max_prompt_length=whole_of(any_of(entry, "max_prompt_length", "maxPromptLength"), least=1)
        or (known.max_prompt_length if known else None),
        params=params,
        references=references,
        complete=False,
        api_status=(text_of(any_of(entry, "api_status", "apiStatus")) or AVAILABLE).casefold(),
        live=True,
        takes_urls=any_of(entry, "url_input_supported", "urlInputSupported") is True,
        notes=(*price_notes, *param_notes, *reference_notes),
    )
    return replace(model, complete=_is_complete(model, known, read_whole=not param_notes))


def _is_complete(model: Model, known: Model | None, *, read_whole: bool) -> bool:
    """Whether the record says everything: the bundled one did, or the live one does."""
    if known is not None and known.complete:
        return True
    return read_whole and not model.unknown and not any(_is_odd(param) for param in model.params)


def _is_odd(param: Param) -> bool:
    return param.type not in ("select", "number", "text") or (param.type == "select" and not param.options)


def _billing(entry: Mapping[object, object]) -> str | None:
    text = text_of(any_of(entry, "billing_type", "billingType"))
    return None if text is None else text.upper()


def _price(entry: Mapping[object, object], known: Model | None) -> tuple[int | None, tuple[str, ...]]:
    """The base credits; an explicit null says that there is no such price."""
    value = any_of(entry, "base_credits", "baseCredits")
    if value is None:
        return None, ()
    price = whole_of(value, least=0)
    if price is not None:
        return price, ()
    bundled = known.base_credits if known else None
    if value is MISSING:
        return bundled, ()
    return bundled, (f"its price could not be read{'; the bundled one is used' if known else ''}",)
