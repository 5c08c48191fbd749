"""Which pictures of a grid are compared, and the statistics of their differences. No picture is read here.

Two pictures are compared if they share every value but one: then that axis causes their difference, or chance, if
the service draws something itself. How much chance does is seen on pictures of the very same request: they are the
noise floor, and belong to no axis.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter, defaultdict
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


Requests = Mapping[Coordinates, str]
"""What was asked for each picture: equal for the very same request, whichever replicate. A picture that shares its
place with another one has coordinates of its own, which no place has."""

SAME = -1
"""In the place of an axis' index: nothing that was asked differs."""

SAME_NAME = "the very same request"

FLOOR_SHARE = 0.95
"""The part of the differences between pictures of the very same request that lies below the noise floor."""

_NO_REQUESTS: Requests = {}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places that differ along one axis only; `axis` is its index, or `SAME`."""

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
    """The differences of pictures that differ along this axis only; if it `is_floor`, in nothing that was asked.

    `structure` and `colour` (see `Difference`) are None if no two pictures can be compared; `pairs` of
    `possible` pairs were compared.
    """

    name: str
    structure: Spread | None
    colour: Spread | None
    pairs: int
    possible: int
    is_floor: bool = False


def choose_pairs(places: Collection[Coordinates], axes: int, requests: Requests = _NO_REQUESTS) -> list[Pair]:
    """The pairs to compare along each axis, and those of the very same of the `requests`: all of them, or an even
    sample of `MOST_PAIRS`, always the same one."""
    floor = _drawn(SAME, _alike(requests))
    along = (_drawn(axis, _lines(places, axis)) for axis in range(axes))
    return [*floor, *(pair for pairs in along for pair in pairs if not _is_same(pair, requests))]


def count_pairs(places: Collection[Coordinates], axis: int, requests: Requests = _NO_REQUESTS) -> int:
    """How many pairs there are along an axis, or of the very same request."""
    if axis == SAME:
        return sum(comb(len(group), 2) for group in _alike(requests))
    lines = _lines(places, axis)
    same = sum(
        comb(number, 2)
        for line in lines
        for number in Counter(requests[place] for place in line if place in requests).values()
    )
    return sum(comb(len(line), 2) for line in lines) - same


def _drawn(axis: int, lines: Sequence[Sequence[Coordinates]]) -> Iterator[Pair]:
    """Pairs of places that stand in the same of these lines."""
    ends = list(accumulate(comb(len(line), 2) for line in lines))
    total = ends[-1] if ends else 0
    drawn = random.Random(0).sample(range(total), min(total, MOST_PAIRS))  # noqa: S311 - a sample, no secret
    for number in sorted(drawn):
        line = bisect_right(ends, number)
        yield Pair(axis, *_pair(lines[line], number - (ends[line - 1] if line else 0)))


def _is_same(pair: Pair, requests: Requests) -> bool:
    return pair.one in requests and requests[pair.one] == requests.get(pair.other)


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


def _alike(requests: Requests) -> list[list[Coordinates]]:
    """The pictures of each request."""
    groups: dict[str, list[Coordinates]] = defaultdict(list)
    for place in sorted(requests):
        groups[requests[place]].append(place)
    return list(groups.values())


def by_axis(
    names: Sequence[str],
    places: Collection[Coordinates],
    found: Mapping[Pair, Difference],
    requests: Requests = _NO_REQUESTS,
) -> tuple[AxisDifferences, ...]:
    """The differences by axis; first those of the very same request, if there are any.

    An axis along which nothing that was asked differs, like that of replicates, is left out: it is the floor.
    """
    of_axis: dict[int, list[Difference]] = defaultdict(list)
    for pair, difference in found.items():
        of_axis[pair.axis].append(difference)

    def differences(axis: int, name: str) -> AxisDifferences:
        return AxisDifferences(
            name=name,
            structure=spread(each.structure for each in of_axis[axis]),
            colour=spread(each.colour for each in of_axis[axis]),
            pairs=len(of_axis[axis]),
            possible=count_pairs(places, axis, requests),
            is_floor=axis == SAME,
        )

    floor = [differences(SAME, SAME_NAME)] if of_axis[SAME] else []
    along = [differences(axis, name) for axis, name in enumerate(names)]
    return (
        *floor,
        *(each for axis, each in enumerate(along) if each.possible or not count_pairs(places, axis)),
    )


def floor_of(found: Spread | None) -> float | None:
    """Below which most differences of the very same request lie, by their spread; None where there are none."""
    if found is None:
        return None
    at = FLOOR_SHARE * (len(found.values) - 1)
    low, part = int(at), at % 1
    high = min(low + 1, len(found.values) - 1)
    return found.values[low] + part * (found.values[high] - found.values[low])


def by_place(found: Mapping[Pair, Difference]) -> dict[Coordinates, Difference]:
    """For each place, the median difference to all that share all but one value with it; where there is nothing
    but the very same request, to that."""
    around: dict[Coordinates, list[Difference]] = defaultdict(list)
    differing = {pair: difference for pair, difference in found.items() if pair.axis != SAME}
    for pair, difference in (differing or found).items():
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
