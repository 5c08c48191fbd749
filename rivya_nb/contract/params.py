"""Checks params against a model's record and converts them to the types that the service demands.

Select values are strings, booleans included; only number params are JSON numbers. A text param takes text,
even if it is a model's seed (the public model pages).
"""

from __future__ import annotations

import math
import numbers
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import NoReturn

from rivya_nb.contract.catalogue import Model, Param
from rivya_nb.contract.ideas import is_seed, same_idea, same_shape
from rivya_nb.contract.text import HALF, did_you_mean, is_whole, listing, short_repr
from rivya_nb.errors import Mistake

ParamValue = str | int | float
"""The types of a param's value in a request."""

LARGEST_EXACT = 2**53
"""The largest whole number that every JSON reader keeps exactly."""

_NOISE = Decimal("1e-6")
"""The part of a step by which a computed number may miss it."""

REFERENCES_KEY = "referenceMediaItems"
"""The key of the uploaded references in a request; users never give it themselves."""


COUNTS = ("n", "num_images", "num_outputs", "batch_size", "batch_count", "images", "count", "samples")
"""What other tools call the number of pictures."""

_AT_RANDOM = ("-1", "-1.0", "random", "rand", "rnd", "any", "auto", "?", "*")
"""What other tools take for a seed that is drawn."""

_MISSING = ("NAType", "NaTType", "MaskedConstant")
"""The types of what is missing in pandas, and in a masked array of numpy."""


class FrozenParams(dict[str, ParamValue]):
    """The params of a request: a dict that cannot be changed. It can be copied, pickled and dumped as JSON."""

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise TypeError(
            "The params of a request cannot be changed. A request with others is "
            "dataclasses.replace(request, params={**request.params, 'seed': 7})."
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenParams], tuple[dict[str, ParamValue]]]:
        # Without this, copies and pickles would set the items one by one.
        return type(self), (dict(self),)


def check_params(model: Model, params: Mapping[str, object]) -> tuple[dict[str, ParamValue], list[Mistake]]:
    """The params as they are sent, and every mistake in them.

    They may bear the names that they have in an ask, and are sent under the model's own. A param that is None is
    not sent; one that the model requires, and of which nothing is said, is sent with its documented default.
    Numpy's numbers and booleans are converted; any other value that does not fit is a mistake.
    """
    accepted: dict[str, ParamValue] = {}
    mistakes: list[Mistake] = []
    given: dict[str, str] = {}
    for name, given_value in params.items():
        param, value = model.param(name), plain_value(given_value)
        if param is None:
            mistakes.append(Mistake(name, _unknown(model, name)))
            continue
        key = param.key
        if (other := given.setdefault(key, name)) != name:
            mistakes.append(Mistake(name, f"it is given as {other!r} too; leave one of them out"))
        elif value is not None:
            # A mistake bears the name that the user wrote.
            result = _check_value(replace(param, key=name), value)
            if isinstance(result, Mistake):
                mistakes.append(result)
            else:
                accepted[key] = result
    for param in model.params:
        if param.required and param.key not in given and param.default is not None:
            accepted[param.key] = param.default
        elif param.required and params.get(given.get(param.key, "")) is None:
            mistakes.append(Mistake(param.key, f"{model.id} requires it{_allowed(param)}"))
    return accepted, mistakes


def _unknown(model: Model, key: str) -> str:
    if key == REFERENCES_KEY:
        return "give references with --ref or references=; they are uploaded for you"
    if key.casefold() in COUNTS and same_idea(key, model.param_keys) is None:
        return f"unknown param; {key}=4 is written --repeat 4 in a cell, and repeat=4 in Python"
    same = same_idea(key, model.param_keys) or (
        same_idea("size", model.param_keys) if key.casefold() in ("width", "height") else None
    )
    if same is not None:
        param = model.param(same)
        return f"{model.id} calls it {same!r}{'' if param is None else _allowed(param)}"
    if not model.params:
        return f"unknown param; {model.id} has no params"
    return f"unknown param; {model.id} has {listing(model.param_keys)}{did_you_mean(key, model.param_keys)}"


def _check_value(param: Param, value: object) -> ParamValue | Mistake:
    if not is_seed(param.key) or str(value).strip().casefold() not in _AT_RANDOM:
        return _checked(param, value)
    found = _checked(param, value)
    wrong = found.message if isinstance(found, Mistake) else f"{short_repr(value)} is not a seed"
    return Mistake(param.key, f"{wrong}; leave the seed out, and one is drawn and told")


def _checked(param: Param, value: object) -> ParamValue | Mistake:
    value = plain_value(value)
    if param.type == "number":
        return _check_number(param, value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer():
        value = str(int(value))
    elif isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str):
        return Mistake(param.key, f"{_no(value, 'text')}{_allowed(param)}")
    if not is_whole(value):
        return Mistake(param.key, f"{short_repr(value)}: {HALF}")
    if param.is_switch and value in ("True", "False"):
        # As Python writes it, and as pictures show it.
        value = value.lower()
    if param.options is not None and value not in param.options:
        same = same_shape(value, sorted(param.options, key=lambda option: option != param.default))
        folded = next((option for option in param.options if option.casefold() == value.casefold()), same)
        hint = did_you_mean(value, param.options) if folded is None else f"; did you mean {folded!r}?"
        return Mistake(param.key, f"{short_repr(value)} is not an option{_allowed(param)}{hint}")
    return value


def plain_value(value: object) -> object:
    """The Python value of a scalar of numpy, torch, xarray or Arrow, of a member of an enumeration, and of a
    Decimal; None for what is missing in pandas or masked; other values as they are. No package is imported."""
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if type(value).__name__ in _MISSING:
        return None
    if callable(as_py := getattr(value, "as_py", None)):
        return plain_value(as_py())
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def listed(value: object) -> Sequence[object] | None:
    """What a list, a tuple, a range, a deque, an array or a Series holds; None for all else: texts, sets, tables.

    Arrays and Series may be of any package (numpy, pandas, polars, Arrow, xarray, torch): they are known by the
    method that gives their values, and nothing is imported.

    Raises:
        ValueError: an array has several dimensions.
    """
    if isinstance(value, (list, tuple, range)):
        return value
    if isinstance(value, deque):
        return list(value)
    dimensions = getattr(value, "ndim", 1)
    if dimensions == 0 or hasattr(type(value), "columns") or isinstance(value, (type, memoryview)):
        return None
    methods = (getattr(value, name, None) for name in ("tolist", "to_list", "to_pylist", "to_numpy"))
    if (method := next(filter(callable, methods), None)) is None:
        return None
    if dimensions != 1:
        raise ValueError(f"an array of {dimensions} dimensions is no list of values")
    values = method()
    return values if isinstance(values, list) else listed(values)


def _no(value: object, what: str) -> str:
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray))
    return f"{short_repr(value)} is not {what}{'; give several values as a list' if several else ''}"


def _check_number(param: Param, value: object) -> ParamValue | Mistake:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return Mistake(param.key, f"{_no(value, 'a number')}{_allowed(param)}")
    value = on_step(param, value)
    number = int(value) if isinstance(value, int) else float(value)  # type: ignore[arg-type]
    if isinstance(number, float) and not math.isfinite(number):
        return Mistake(param.key, f"{short_repr(value)} is not a number{_allowed(param)}")
    if abs(number) > LARGEST_EXACT:
        # The number is not shown: Python refuses to print an int of thousands of digits.
        return Mistake(param.key, f"it is too large to be sent exactly{_allowed(param)}")
    whole = param.step == 1 or is_seed(param.key)
    if whole and number != int(number):
        return Mistake(param.key, f"{short_repr(value)} is not a whole number{_allowed(param)}")
    if param.minimum is not None and number < param.minimum:
        return Mistake(param.key, f"{short_repr(value)} is below {_plain(param.minimum)}{_allowed(param)}")
    if param.maximum is not None and number > param.maximum:
        return Mistake(param.key, f"{short_repr(value)} is above {_plain(param.maximum)}{_allowed(param)}")
    if param.step is not None and not _on_step(number, param.minimum or 0, param.step):
        return Mistake(param.key, f"{short_repr(value)} is between two steps{_allowed(param)}")
    return int(number) if number == int(number) else number


def on_step(param: Param, value: object) -> object:
    """The value, or the step that it is next to if only computing in binary keeps them apart: 0.15 for
    0.15000000000000002."""
    plain = plain_value(value)
    if param.step is None or not isinstance(plain, float) or not abs(plain) <= LARGEST_EXACT:
        return value
    start, step = Decimal(repr(param.minimum or 0)), Decimal(repr(param.step))
    nearest = start + round((Decimal(repr(plain)) - start) / step) * step
    return float(nearest) if abs(Decimal(repr(plain)) - nearest) <= step * _NOISE else value


def _on_step(number: float, start: float, step: float) -> bool:
    """True if a number can be reached from `start` in steps. Decimal, because 0.1 is not exact in binary."""
    return (Decimal(repr(number)) - Decimal(repr(start))) % Decimal(repr(step)) == 0


def _allowed(param: Param) -> str:
    if param.options is not None:
        return f"; it takes {listing(param.options)}"
    if param.type != "number":
        return ""
    return f"; it takes {range_words(param)}"


def takes_words(param: Param) -> str:
    """What a param takes: its options, its numbers, or text."""
    if param.options is not None:
        return listing(param.options)
    return range_words(param) if param.type == "number" else "text"


def range_words(param: Param) -> str:
    """The numbers that a param takes: `a whole number from 0 on`, `a number from 1 to 10 in steps of 0.1`."""
    words = "a whole number" if param.step == 1 or is_seed(param.key) else "a number"
    if param.minimum is not None and param.maximum is not None:
        words += f" from {_plain(param.minimum)} to {_plain(param.maximum)}"
    elif param.minimum is not None:
        words += f" from {_plain(param.minimum)} on"
    elif param.maximum is not None:
        words += f" up to {_plain(param.maximum)}"
    return words if param.step in (None, 1) else f"{words} in steps of {_plain(param.step or 0)}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
