"""Params of the service's live list, in whichever of the plausible spellings they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.lenient import MISSING, any_of, number_of, text_of, word_of
from rivya_nb.contract.params import REFERENCES_KEY

_KEYS = ("key", "name", "id", "param", "field")
_VALUES = ("value", "id", "key", "name", "label")
_LISTS = ("options", "choices", "enum", "values", "allowed_values", "allowedValues")
_DEFAULTS = ("default", "default_value", "defaultValue")

_TYPES = {
    "enum": "select",
    "dropdown": "select",
    "choice": "select",
    "radio": "select",
    "integer": "number",
    "int": "number",
    "float": "number",
    "slider": "number",
    "range": "number",
    "string": "text",
    "textarea": "text",
    "boolean": "switch",
    "bool": "switch",
    "toggle": "switch",
    "checkbox": "switch",
}
"""Other names of the documented types; a switch is a select of two strings."""

_SWITCH = ("false", "true")

Notes = tuple[str, ...]


def read_params(value: object, known: Sequence[Param] | None) -> tuple[tuple[Param, ...], Notes]:
    """The params of an entry, and notes on what could not be read.

    `known` are the model's bundled ones, None for a model that is not bundled. They stand in for the whole
    where an entry has no readable key, and for the parts of a param that the list does not tell. An empty
    list tells nothing: the documentation's own example shows one.
    """
    given = _listed(value)
    records = [(text_of(any_of(record, *_KEYS)), record) for record in given or ()]
    if given is None or any(key is None for key, _ in records):
        if known is not None:
            return tuple(known), ("its params could not be read; the bundled ones are used",)
        if given is None:
            return (), ("its params are not known",)
    if not records and known is not None:
        return tuple(known), (
            ("the list tells none of its params; the bundled ones are used",) if known else ()
        )
    bundled = {param.key: param for param in known or ()}
    params: dict[str, Param] = {}
    for key, record in records:
        if key is not None and key != REFERENCES_KEY and key not in params:
            params[key] = _read_param(key, record, bundled.get(key))
    unread = sum(key is None for key, _ in records)
    return tuple(params.values()), ((f"{unread} of its params could not be read",) if unread else ())


def _listed(value: object) -> list[Mapping[object, object]] | None:
    """The params as records, from a list of them or from an object of them by key; None for anything else."""
    if isinstance(value, Mapping):
        return [
            {"key": key, **(record if isinstance(record, Mapping) else {})} for key, record in value.items()
        ]
    if not isinstance(value, list):
        return None
    return [item if isinstance(item, Mapping) else {"key": item} for item in value]


def _read_param(key: str, record: Mapping[object, object], known: Param | None) -> Param:
    options = _options(any_of(record, *_LISTS))
    limits = _limits(record)
    kind = _type(record, known, has_options=bool(options), has_limits=any(end is not None for end in limits))
    if kind == "switch":
        kind, options = "select", options or _SWITCH
    if known is not None and known.type == kind:
        options = options or known.options
        if all(end is None for end in limits):
            limits = (known.minimum, known.maximum, known.step)
    return Param(
        key=key,
        type=kind,
        required=_required(record, known),
        default=_default(any_of(record, *_DEFAULTS), kind, known),
        options=options if kind != "number" else None,
        minimum=limits[0],
        maximum=limits[1],
        step=limits[2],
    )


def _type(
    record: Mapping[object, object], known: Param | None, *, has_options: bool, has_limits: bool
) -> str:
    """The type as it came where it is one that is documented or known under another name.

    A type that nobody knows stays as it is (and is treated as text), unless the bundled record knows better.
    """
    said = text_of(any_of(record, "type", "kind", "input_type", "inputType"))
    word = None if said is None else said.casefold()
    if word in ("select", "number", "text"):
        return word
    if word in _TYPES:
        return _TYPES[word]
    if known is not None:
        return known.type
    if word is not None:
        return word
    if has_options:
        return "select"
    return "number" if has_limits else "text"


def _options(value: object) -> tuple[str, ...] | None:
    """The values of a select, as they are sent; None where one of them cannot be read."""
    items: list[object]
    if isinstance(value, Mapping):
        items = list(value)
    elif isinstance(value, list):
        items = [any_of(item, *_VALUES) if isinstance(item, Mapping) else item for item in value]
    else:
        return None
    words = [word_of(item) for item in items]
    known = [word for word in words if word is not None]
    return tuple(dict.fromkeys(known)) if known and len(known) == len(words) else None


_Limits = tuple[float | None, float | None, float | None]


def _limits(record: Mapping[object, object]) -> _Limits:
    """Least, largest and step, flat or within `range`, which may be a list of two."""
    inner = any_of(record, "range", "limits", "bounds")
    if isinstance(inner, list) and len(inner) in (2, 3):
        inner = dict(zip(("min", "max", "step"), inner, strict=False))
    places = [place for place in (inner, record) if isinstance(place, Mapping)]
    low = _first(places, "min", "minimum", "from")
    high = _first(places, "max", "maximum", "to")
    step = _first(places, "step", "increment", "multipleOf", "multiple_of")
    if low is not None and high is not None and low > high:
        low = high = None
    return low, high, (step if step is not None and step > 0 else None)


def _first(places: Sequence[Mapping[object, object]], *keys: str) -> float | None:
    numbers = (number_of(any_of(place, *keys)) for place in places)
    return next((number for number in numbers if number is not None), None)


def _required(record: Mapping[object, object], known: Param | None) -> bool:
    value = any_of(record, "required", "is_required", "isRequired")
    if isinstance(value, bool):
        return value
    word = text_of(value)
    if word is not None and word.casefold() in ("true", "yes", "false", "no"):
        return word.casefold() in ("true", "yes")
    return known.required if known is not None else False


def _default(value: object, kind: str, known: Param | None) -> str | int | float | None:
    if value is MISSING:
        return known.default if known is not None and known.type == kind else None
    return number_of(value) if kind == "number" else word_of(value)
