"""The params of a model in the service's live list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.lenient import ALIASES, fields, number_of, text_of, word_of
from rivya_nb.contract.params import REFERENCES_KEY

_TYPES = ("select", "number", "text")

_Record = Mapping[object, object]
_Limits = tuple[float | None, float | None, float | None]


def read_params(value: object, known: Sequence[Param] | None) -> tuple[tuple[Param, ...], tuple[str, ...]]:
    """The params of an entry, and notes on what could not be read.

    `known` are the bundled params of the model, None if the model is not bundled. They are used instead if any
    param of the entry has no readable key, if the list of params is empty (as in the documentation's own
    example), and for the columns that the entry leaves out of a param.
    """
    records = [fields(each) for each in value] if isinstance(value, list) else None
    keyed = [(text_of(record.get("key")), record) for record in records or ()]
    unread = sum(key is None for key, _ in keyed)
    if known is None and records is None:
        return (), ("its params are not known",)
    if known is not None and (records is None or unread):
        return tuple(known), ("its params could not be read; the bundled ones are used",)
    if known and not records:
        return tuple(known), ("the list tells none of its params; the bundled ones are used",)
    bundled = {param.key: param for param in known or ()}
    params: dict[str, Param] = {}
    for key, record in keyed:
        if key is not None and key != REFERENCES_KEY and key not in params:
            params[key] = _read_param(key, record, bundled.get(key))
    return tuple(params.values()), ((f"{unread} of its params could not be read",) if unread else ())


def _read_param(key: str, record: _Record, known: Param | None) -> Param:
    options, limits = _options(record.get("options")), _limits(record)
    has_limits = any(limit is not None for limit in limits)
    kind = _type(record, known, has_options=options is not None, has_limits=has_limits)
    required, default = record.get("required"), record.get("default")
    if known is not None and known.type == kind:
        options = options or known.options
        limits = limits if has_limits else (known.minimum, known.maximum, known.step)
        default = default if "default" in record else known.default
    return Param(
        key=key,
        type=kind,
        required=required if isinstance(required, bool) else known is not None and known.required,
        default=number_of(default) if kind == "number" else word_of(default),
        options=options if kind != "number" else None,
        minimum=limits[0],
        maximum=limits[1],
        step=limits[2],
    )


def _type(record: _Record, known: Param | None, *, has_options: bool, has_limits: bool) -> str:
    """The documented type of a param, else the bundled one; an unknown type is kept, and treated as text."""
    word = (text_of(record.get("type")) or "").casefold()
    word = ALIASES.get(word, word)
    if word in _TYPES:
        return word
    if known is not None:
        return known.type
    return word or ("select" if has_options else "number" if has_limits else "text")


def _options(value: object) -> tuple[str, ...] | None:
    """The options of a select, as they are sent; None if one of them cannot be read."""
    words = [word_of(item) for item in value] if isinstance(value, list) else []
    read = [word for word in words if word is not None]
    return tuple(dict.fromkeys(read)) if read and len(read) == len(words) else None


def _limits(record: _Record) -> _Limits:
    """The minimum, the maximum and the step, which stand in the param itself or in its `range`."""
    place = {**record, **fields(record.get("range"))}
    low, high, step = (number_of(place.get(name)) for name in ("min", "max", "step"))
    if low is not None and high is not None and low > high:
        low = high = None
    return low, high, (step if step is not None and step > 0 else None)
