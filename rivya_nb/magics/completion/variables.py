"""The notebook's variables that fit in a place. What one holds is never shown: it may be a secret."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from rivya_nb.contract.catalogue import Model
from rivya_nb.contract.params import check_params, plain_value
from rivya_nb.errors import UsageError
from rivya_nb.magics.completion.offers import Offer
from rivya_nb.planning.values import FIRST_VALUES, as_axis, first_values

Namespace = Mapping[str, object]

_LONG = 10_000

_WORDS: Mapping[type, str] = {str: "text", bool: "True or False", int: "whole number", float: "number"}


def fitting_variables(namespace: Namespace, fits: Callable[[object], bool]) -> Iterator[tuple[str, str]]:
    """The names of the variables that fit, those defined last first, each with what kind of thing it is."""
    for name, value in reversed(list(namespace.items())):
        try:
            if fits(value):
                yield name, _kind(value)
        except Exception:  # noqa: S112 - a user's object may raise anything when it is looked at
            continue


def variable_offers(namespace: Namespace, fits: Callable[[object], bool]) -> list[Offer]:
    """The variables that fit as values of a line: `{name}`."""
    return [Offer(f"{{{name}}}", kind) for name, kind in fitting_variables(namespace, fits)]


def fits_param(key: str, models: Sequence[Model]) -> Callable[[object], bool]:
    """What tells whether a value, or each of several, is one that all the models take for a param."""

    def fits(value: object) -> bool:
        values = _several(value)
        return all(map(_is_short, values)) and not any(
            mistake.where == key
            for model in models
            for one in values
            for mistake in check_params(model, {key: one})[1]
        )

    return fits


def fits_model(ids: Sequence[str]) -> Callable[[object], bool]:
    """What tells whether a value is one of these ids, or several of them."""
    return lambda value: all(isinstance(one, str) and one in ids for one in _several(value))


def fits_reference(value: object) -> bool:
    """True if a value can be given as a reference, by its type; nothing is opened."""
    if isinstance(value, Mapping):
        return bool(value) and all(map(fits_reference, islice(value.values(), FIRST_VALUES)))
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(fits_reference, first_values(value)))
    if isinstance(value, str):
        return value.startswith(("https://", "data:image/")) or _is_file(value)
    if isinstance(value, os.PathLike):
        return _is_file(value)
    return (
        isinstance(value, (bytes, bytearray, memoryview))
        or _is_picture(value)
        or (hasattr(value, "dtype") and getattr(value, "ndim", 0) in (2, 3))
        or (callable(getattr(value, "read", None)) and "r" in getattr(value, "mode", "r"))
    )


def _is_short(value: object) -> bool:
    """True if it is of a type that params have, and small enough to be checked while a user waits."""
    value = plain_value(value)
    return isinstance(value, (int, float)) or (isinstance(value, str) and len(value) < _LONG)


def _is_picture(value: object) -> bool:
    """True if it is an image of Pillow, or has pictures of the store. Only loaded modules can have made one."""
    kinds = (
        ("PIL.Image", "Image"),
        ("rivya_nb.session.pictures", "Pictures"),
        ("rivya_nb.session.job", "Job"),
    )
    known = (getattr(sys.modules.get(module), name, None) for module, name in kinds)
    return isinstance(value, tuple(kind for kind in known if isinstance(kind, type)))


def _is_file(path: str | os.PathLike[str]) -> bool:
    return len(os.fspath(path)) < 1000 and os.path.isfile(os.path.expanduser(path))  # noqa: PTH111, PTH113


def _several(value: object) -> tuple[object, ...]:
    try:
        several = as_axis(first_values(value))
    except UsageError:
        several = None
    return (value,) if several is None else several


def _kind(value: object) -> str:
    if (word := _WORDS.get(type(value))) is not None:
        return word
    name = type(value).__name__
    return f"{name} of {len(value)}" if isinstance(value, (list, tuple, range, dict)) else name
