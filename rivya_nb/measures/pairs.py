"""Which pictures of a grid are compared, and the statistics of their differences. No picture is read here.

Two pictures are compared if they share every value but one: then that axis causes their difference (or
chance, if the service draws something itself).
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
"""The most pairs of one axis that are compared. If there are more, a fixed sample of them is compared."""

Coordinates = tuple[int, ...]
"""An index into each axis' values."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places that differ along one axis only; `axis` is its index."""

    axis: int
    one: Coordinates
    other: Coordinates


@dataclass(frozen=True, slots=True)
class Spread:
    """Numbers in short: the median, the middle half (`low` to `high`), and all of them, sorted."""

    low: float
    median: float
    high: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AxisDifferences:
    """The differences of pictures that differ along this axis only.

    `structure` and `colour` (see `Difference`) are None if no two pictures can be compared; `pairs` of
    `possible` pairs were compared.
    """

    name: str
    structure: Spread | None
    colour: Spread | None
    pairs: int
    possible: int


def choose_pairs(places: Collection[Coordinates], axes: int, most: int = MOST_PAIRS) -> list[Pair]:
    """The pairs to compare along each axis: all of them, or an even sample of `most`, always the same one."""
    return [pair for axis in range(axes) for pair in _of_axis(axis, places, most)]


def count_pairs(places: Collection[Coordinates], axis: int) -> int:
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
    """The pair with this number in a line: first the pairs with its first place, then those with its second,
    …"""
    first = 0
    while number >= (left := len(line) - 1 - first):
        number -= left
        first += 1
    return line[first], line[first + 1 + number]


def _lines(places: Collection[Coordinates], axis: int) -> list[list[Coordinates]]:
    """The places in groups that share all values but that axis'."""
    lines: dict[Coordinates, list[Coordinates]] = defaultdict(list)
    for place in sorted(set(places)):
        lines[place[:axis] + place[axis + 1 :]].append(place)
    return list(lines.values())


def by_axis(
    names: Sequence[str], places: Collection[Coordinates], found: Mapping[Pair, Difference]
) -> tuple[AxisDifferences, ...]:
    of_axis: dict[int, list[Difference]] = defaultdict(list)
    for pair, difference in found.items():
        of_axis[pair.axis].append(difference)
    return tuple(
        AxisDifferences(
            name=name,
            structure=spread(each.structure for each in of_axis[axis]),
            colour=spread(each.colour for each in of_axis[axis]),
            pairs=len(of_axis[axis]),
            possible=count_pairs(places, axis),
        )
        for axis, name in enumerate(names)
    )


def by_place(found: Mapping[Pair, Difference]) -> dict[Coordinates, Difference]:
    """For each place, the median difference to all that share all but one value with it."""
    around: dict[Coordinates, list[Difference]] = defaultdict(list)
    for pair, difference in found.items():
        around[pair.one].append(difference)
        around[pair.other].append(difference)
    return {
        place: Difference(median(each.structure for each in near), median(each.colour for each in near))
        for place, near in around.items()
    }


def spread(numbers: Iterable[float]) -> Spread | None:
    values = tuple(sorted(numbers))
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Spread(low, middle, high, values)
