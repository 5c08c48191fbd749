"""A random part of the places of a product: the same one for the same number, and an even part of each prompt.

A larger sample has all places of a smaller one with the same number, as long as no axis changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice, product
from math import prod
from random import Random


def sample_places(
    sizes: Sequence[int], strata: Collection[int], count: int, seed: int
) -> list[tuple[int, ...]]:
    """`count` different places, in grid order, as an index into each axis; `sizes` are the lengths of the axes.

    The axes at the indices `strata` make groups, of which each gets as many places as any other, or one more;
    `seed` decides which ones get one more, and which places are taken. `count` is at most the number of places.
    """
    groups = [range(size) if axis in strata else (0,) for axis, size in enumerate(sizes)]
    rest = [1 if axis in strata else size for axis, size in enumerate(sizes)]
    number = prod(map(len, groups))
    each, more = divmod(count, number)
    lucky = set(islice(_shuffled(number, f"{seed}"), more))
    places = []
    for at, group in enumerate(product(*groups)):
        for index in islice(_shuffled(prod(rest), f"{seed}:{at}"), each + (at in lucky)):
            places.append(tuple(map(sum, zip(group, _place(index, rest), strict=True))))
    return sorted(places)


def _shuffled(size: int, seed: str) -> Iterator[int]:
    """The numbers below `size` in random order, drawn one by one: a product may be far too large to list."""
    # Of Random, `random()` alone is promised to give the same numbers in every Python.
    draw = Random(seed).random  # noqa: S311 - a sample, no secret
    moved: dict[int, int] = {}
    for at in range(size):
        chosen = min(size - 1, at + int(draw() * (size - at)))
        yield moved.get(chosen, chosen)
        moved[chosen] = moved.get(at, at)


def _place(index: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The place with this number, where the last axis runs fastest."""
    place = []
    for size in reversed(sizes):
        index, at = divmod(index, size)
        place.append(at)
    return tuple(reversed(place))
