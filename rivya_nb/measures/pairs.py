"""Which pictures of a grid are compared, and what their differences come to. Pure: no picture is looked at.

Two pictures are compared that share every value but one. So what they differ by is the doing of that axis (and,
where the service draws something itself, of chance).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import comb
from statistics import median, quantiles

from rivya_nb.measures.metric import Difference

MOST_PAIRS = 300
"""Pairs of one axis that are compared. Of more, these many are drawn, and always the same ones."""

Coordinates = tuple[int, ...]
"""One index into each axis' values."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places that differ along one axis only, which is told by its number."""

    axis: int
    one: Coordinates
    other: Coordinates


@dataclass(frozen=True, slots=True)
class Spread:
    """Some numbers in short: the middle one, the middle half (`low` to `high`), and all of them."""

    low: float
    median: float
    high: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AxisDifferences:
    """How much pictures differ of which only this axis' value differs.

    `structure` and `colour` (see `Difference`) are None where no two pictures can be compared; `pairs` is how
    many were, out of `possible`.
    """

    name: str
    structure: Spread | None
    colour: Spread | None
    pairs: int
    possible: int


def choose_pairs(places: Collection[Coordinates], axes: int, most: int = MOST_PAIRS) -> list[Pair]:
    """The pairs to compare, axis by axis: all of them, or `most` that are drawn evenly, always the same ones."""
    return [pair for axis in range(axes) for pair in _of_axis(axis, places, most)]


def count_pairs(places: Collection[Coordinates], axis: int) -> int:
    """How many pairs there are along an axis."""
    return sum(comb(len(line), 2) for line in _lines(places, axis))


def _of_axis(axis: int, places: Collection[Coordinates], most: int) -> Iterator[Pair]:
    lines = _lines(places, axis)
    ends = list(accumulate(comb(len(line), 2) for line in lines))
    total = ends[-1] if ends else 0
    drawn = random.Random(0).sample(range(total), min(total, most))  # noqa: S311 - a sample, no secret
    for number in sorted(drawn):
        line = bisect_right(ends, number)
        yield Pair(axis, *_pair(lines[line], number - (ends[line - 1] if line else 0)))


def _pair(line: Sequence[Coordinates], number: int) -> tuple[Coordinates, Coordinates]:
    """That pair of a line: first those of its first place, then those of its second that are left, …"""
    first = 0
    while number >= (left := len(line) - 1 - first):
        number -= left
        first += 1
    return line[first], line[first + 1 + number]


def _lines(places: Collection[Coordinates], axis: int) -> list[list[Coordinates]]:
    """The places by what they share: all their values but that axis'."""
    lines: dict[Coordinates, list[Coordinates]] = defaultdict(list)
    for place in sorted(set(places)):
        lines[place[:axis] + place[axis + 1 :]].append(place)
    return list(lines.values())


def by_axis(
    names: Sequence[str], places: Collection[Coordinates], found: Mapping[Pair, Difference]
) -> tuple[AxisDifferences, ...]:
    """What moves the pictures how much: the differences along each axis."""
    of_axis: dict[int, list[Difference]] = defaultdict(list)
    for pair, difference in found.items():
        of_axis[pair.axis].append(difference)
    return tuple(
        AxisDifferences(
            name=name,
            structure=_spread(each.structure for each in of_axis[axis]),
            colour=_spread(each.colour for each in of_axis[axis]),
            pairs=len(of_axis[axis]),
            possible=count_pairs(places, axis),
        )
        for axis, name in enumerate(names)
    )


def by_place(found: Mapping[Pair, Difference]) -> dict[Coordinates, Difference]:
    """How far each picture is from those that share all but one value with it: the median difference."""
    around: dict[Coordinates, list[Difference]] = defaultdict(list)
    for pair, difference in found.items():
        around[pair.one].append(difference)
        around[pair.other].append(difference)
    return {
        place: Difference(median(each.structure for each in near), median(each.colour for each in near))
        for place, near in around.items()
    }


def _spread(numbers: Iterable[float]) -> Spread | None:
    values = tuple(sorted(numbers))
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Spread(low, middle, high, values)
