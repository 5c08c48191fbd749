"""Reads the parts of a study file one by one. A mistake is noted with its key, and the next part is read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.text import did_you_mean, listing, mark, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.values import MAX_VALUES, is_range, read_range
from rivya_nb.study.study_file import NONE, TEXT

_OF_WHOEVER_RUNS_IT = (
    *("key", "api_key", "token", "secret", "base_url", "address", "service", "store"),
    *("limit", "max_credits", "max_parallel", "parallel"),
)
"""What a study file has no place for, by the names under which it might be written."""

_NAMES_LENGTH = 60
_KINDS: Mapping[type, str] = {dict: "a table", list: "a list"}


class PartsReader:
    """Reads values, texts, lists and tables; `mistakes` are those that were found."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def values(self, where: str, given: object) -> tuple[object, ...]:
        """The values of a param: one, several, or a range."""
        if not isinstance(given, list):
            given = [given]
        if not given:
            self.wrong(where, f'an empty list leaves nothing to ask; "{NONE}" is not sent')
        values: dict[object, object] = {}
        for each in given:
            for value in self.ranged(where, each):
                key = (isinstance(value, bool), mark(value) if isinstance(value, str) else value)
                if key in values:
                    self.wrong(where, f"{told(each)} is given twice")
                values[key] = value
            if len(values) > MAX_VALUES:
                self.wrong(where, f"more than {MAX_VALUES:,} values are too many for an axis")
                break
        return tuple(values.values()) or (None,)

    def ranged(self, where: str, given: object) -> Sequence[object]:
        if not (isinstance(given, str) and is_range(given)):
            return (self.value(where, given),)
        try:
            return read_range(given, where)
        except UsageError as error:
            self.mistakes += [Mistake(_shown(where), each.message) for each in error.mistakes]
            return ()

    def value(self, where: str, given: object) -> object:
        """One value of a param; None is not sent."""
        if isinstance(given, dict) and given.keys() == {TEXT} and isinstance(given[TEXT], str):
            return given[TEXT]
        if isinstance(given, str):
            return None if given.casefold() == NONE else given
        if isinstance(given, (bool, int)) or (isinstance(given, float) and math.isfinite(given)):
            return given
        self.wrong(where, f"{told(given)} is no value; it takes text in quotes, a number, true or false")
        return None

    def whole(self, where: str, given: object, least: int, most: int | None = None) -> int:
        """A whole number that is not below `least` nor above `most`, where there is such a bound."""
        is_number = isinstance(given, int) and not isinstance(given, bool)
        if isinstance(given, int) and is_number and given >= least and (most is None or given <= most):
            return given
        bound = "on" if most is None else f"to {most:,}"
        self.wrong(where, f"{told(given)} is not a whole number from {least} {bound}")
        return least

    def seeds(self, where: str, given: object) -> tuple[ParamValue, ...]:
        """Seeds that were drawn."""
        found = []
        for seed in self.listed(where, given):
            is_number = isinstance(seed, int) and not isinstance(seed, bool)
            if isinstance(seed, (int, str)) and (is_number or str(seed).isdecimal()):
                found.append(seed)
            else:
                self.wrong(where, f"{told(seed)} is not a seed")
        return tuple(found)

    def text(self, where: str, given: object) -> str:
        if isinstance(given, str):
            return given
        self.wrong(where, f"{told(given)} is not text; put it in quotes")
        return ""

    def texts(self, where: str, given: object, *, marked: bool = False) -> tuple[str, ...]:
        """A list of different texts. `marked` ones may differ in the blanks around them."""
        texts: dict[str, str] = {}
        for each in self.listed(where, given):
            text = self.text(where, each)
            if (key := mark(text) if marked else text) in texts:
                self.wrong(where, f"{short_repr(text)} is given twice")
            texts[key] = text
        if len(texts) > MAX_VALUES:
            self.wrong(where, f"more than {MAX_VALUES:,} values are too many for an axis")
            return tuple(texts.values())[:MAX_VALUES]
        return tuple(texts.values())

    def listed(self, where: str, given: object) -> list[object]:
        if isinstance(given, list):
            return given
        self.wrong(where, f"{told(given)} is not a list; write it in brackets")
        return []

    def table(self, key: str, content: Mapping[str, object], within: str = "") -> Mapping[str, object]:
        given = content.get(key, {})
        if isinstance(given, dict):
            return given
        where = f"{within}.{key}" if within else key
        self.wrong(where, f"{told(given)} is not a table; write its parts below [{key}]")
        return {}

    def tables(self, where: str, given: object) -> list[tuple[str, Mapping[str, object]]]:
        """Tables, each with what messages call it."""
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            name = where.rpartition(".")[2]
            self.wrong(where, f"write each of them below [[{name}]]")
            return []
        return [(f"{where} {number}", each) for number, each in enumerate(given, 1)]

    def check_keys(self, where: str, given: Mapping[str, object], keys: Collection[str]) -> None:
        """Note every key that nobody reads."""
        for key in given.keys() - keys:
            full = f"{where}.{key}" if where else key
            if key.casefold().replace("-", "_") in _OF_WHOEVER_RUNS_IT:
                self.wrong(full, "a study file has no key, address or limit: whoever runs it gives them")
            else:
                hint = did_you_mean(key, keys) or f"; it takes {listing(keys)}"
                self.wrong(full, f"nothing is called so here{hint}")

    def wrong(self, where: str, message: str) -> None:
        self.mistakes.append(Mistake(_shown(where), message))


def _shown(where: str) -> str:
    return printable(where, 2 * _NAMES_LENGTH)


def told(value: object) -> str:
    """A value as a message shows it; what holds others is only named."""
    if isinstance(value, (dict, list)):
        return _KINDS[type(value)]
    if isinstance(value, (str, bool, int, float)):
        return short_repr(value)
    return f"{printable(str(value), _NAMES_LENGTH)} (a date or time without quotes)"
