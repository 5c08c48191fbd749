"""Values that fit a param, as they are written on a line."""

from __future__ import annotations

from collections.abc import Iterator

from rivya_nb.contract.catalogue import Param
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.errors import UsageError
from rivya_nb.magics.completion.offers import QUOTES, Offer, Offers, fitting, value_offer
from rivya_nb.planning.values import is_free_text, parse_values

_FEW = 12
"""The most values of a range that is offered."""


def value_offers(param: Param, typed: str) -> Iterator[Offer]:
    """The values that are worth writing for a param, its default first."""
    for value, note in _values(param):
        if "," not in value:
            yield value_offer(value, typed, note)
        elif not typed or typed[0] in QUOTES:
            yield value_offer(value, typed or '"', note)
    if not param.required and typed[:1] not in QUOTES:
        yield Offer("none", "not sent: the service chooses")


def _values(param: Param) -> Iterator[tuple[str, str]]:
    if param.default is not None and param.key != SEED_KEY:
        yield _number(param.default), "the default"
    if param.options is not None:
        yield from ((option, "option") for option in param.options if option != param.default)
    elif param.key == SEED_KEY:
        least = int(param.minimum or 0)
        yield f"{least + 1}..{least + 4}", "a range: four seeds"
        yield f"{least + 7}", "one seed: the same request always"
    elif param.type == "number":
        low, high = param.minimum, param.maximum
        if low is not None and high is not None and high > low:
            step = param.step or 1
            ending = "" if step == 1 else f":{_number(step)}"
            if (high - low) / step < _FEW:
                yield f"{_number(low)}..{_number(high)}{ending}", "a range: all values"
        for bound, note in ((low, "the least"), (high, "the most")):
            if bound is not None and bound != param.default:
                yield _number(bound), note


def _number(value: str | int | float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def listed(typed: str, rest: str, param: Param) -> tuple[list[str], str, str]:
    """The values of a list that stand around the cursor, and the parts of the one at the cursor."""
    if typed[:1] in QUOTES or is_free_text(param):
        return [], typed, rest
    *before, typed = typed.split(",")
    rest, *after = rest.split(",")
    return [*before, *after], typed, rest


def _meant(text: str, param: Param) -> set[object]:
    """The values that a text gives; none where it cannot be read yet."""
    try:
        return set(parse_values(text, param))
    except UsageError:
        return set()


def list_offers(typed: str, rest: str, param: Param, more: list[Offer]) -> Offers:
    """The values of a param that are not in its list yet, then `more`, which stand alone."""
    given, typed, rest = listed(typed, rest, param)
    there = _meant(",".join(given), param) if given else set()
    offers = [
        offer
        for offer in value_offers(param, typed)
        if there.isdisjoint(_meant(offer.plain or offer.text, param))
    ]
    return fitting(typed, rest, offers if given else [*offers, *more])
