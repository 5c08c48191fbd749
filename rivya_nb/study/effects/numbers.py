"""What is known of the pictures: a number of each (a measure), or distances between those of the same prompt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.observations import Codes, Observations
from rivya_nb.study.effects.patterns import (
    Floats,
    Patterns,
    differing_axes,
    patterns_of_pairs,
    patterns_of_values,
    sorted_pairs,
)

_AT_ONCE = 1_000_000
"""Numbers of permutations × pictures that are in memory at once."""


class Paired(ABC):
    """Pictures of which pairs can be compared."""

    seen: Observations

    @property
    @abstractmethod
    def has_zero(self) -> bool:
        """Whether paired differences are 0 on average where nothing differs."""

    @abstractmethod
    def paired(self, axis: int, one: int, other: int) -> tuple[Floats, Codes, Codes]:
        """How much two values of an axis differ, for each pair that agrees in all else; the prompt of each, and
        one of its pictures."""


class Numbers(Paired):
    """Pictures and what is known of them."""

    @abstractmethod
    def patterns(self) -> Patterns: ...

    @abstractmethod
    def permuted(self, axis: int, permutations: int) -> Iterator[Patterns]:
        """The patterns after the values of an axis changed places at random among pictures that agree in all
        else."""

    @abstractmethod
    def only(self, which: NDArray[np.bool_]) -> Numbers:
        """Those of these pictures alone."""


@dataclass(frozen=True)
class Values(Numbers):
    """A number of each picture; none is NaN."""

    seen: Observations
    values: Floats

    def patterns(self) -> Patterns:
        return patterns_of_values(self.seen, self.values)

    def permuted(self, axis: int, permutations: int) -> Iterator[Patterns]:
        for values in self.shuffled(axis, permutations):
            yield patterns_of_values(self.seen, values)

    def shuffled(self, axis: int, permutations: int) -> Iterator[Floats]:
        """The numbers themselves after such permutations, several at once (permutations × pictures)."""
        step = max(1, _AT_ONCE // len(self.values))
        moves = shuffles(strata_of(self.seen, axis), permutations)
        for start in range(0, permutations, step):
            yield self.values[np.stack([next(moves) for _ in range(min(step, permutations - start))])]

    def only(self, which: NDArray[np.bool_]) -> Values:
        return Values(self.seen.only(which), self.values[which])

    @property
    def has_zero(self) -> bool:
        return True

    def paired(self, axis: int, one: int, other: int) -> tuple[Floats, Codes, Codes]:
        strata, codes = strata_of(self.seen, axis), self.seen.codes[:, axis]
        of_one, of_other = (
            _means(self.values, strata, codes == code, int(strata.max()) + 1) for code in (one, other)
        )
        both = ~np.isnan(of_one) & ~np.isnan(of_other)
        first = np.unique(strata, return_index=True)[1][both]
        return (of_other - of_one)[both], self.seen.prompts[first], first


@dataclass(frozen=True)
class Distances(Numbers):
    """The distances between pictures of a prompt: between `one` and `other`, which are places in `seen`."""

    seen: Observations
    one: Codes
    other: Codes
    distances: Floats

    def patterns(self) -> Patterns:
        return patterns_of_pairs(self.seen, self.one, self.other, self.distances)

    def permuted(self, axis: int, permutations: int) -> Iterator[Patterns]:
        bit, codes, halves = 1 << axis, self.seen.codes[:, axis], self.distances**2 / 2
        others = differing_axes(self.seen, self.one, self.other) & ~bit
        for move in shuffles(strata_of(self.seen, axis), permutations):
            moved = codes[move]
            pattern = others + bit * (moved[self.one] != moved[self.other])
            found = sorted_pairs(self.seen, pattern, self.one, halves)
            yield Patterns(found.sums[None], found.pairs)

    def only(self, which: NDArray[np.bool_]) -> Distances:
        place = np.cumsum(which) - 1
        kept = which[self.one] & which[self.other]
        return Distances(
            self.seen.only(which), place[self.one[kept]], place[self.other[kept]], self.distances[kept]
        )

    @property
    def has_zero(self) -> bool:
        return bool((differing_axes(self.seen, self.one, self.other) == 0).any())

    def paired(self, axis: int, one: int, other: int) -> tuple[Floats, Codes, Codes]:
        """How far the two values lie apart, beyond the distance of two of the very same request of that prompt."""
        strata, codes = strata_of(self.seen, axis), self.seen.codes[:, axis]
        alike = strata[self.one] == strata[self.other]
        first, second = codes[self.one], codes[self.other]
        crossing = alike & (np.minimum(first, second) == min(one, other))
        crossing &= np.maximum(first, second) == max(one, other)
        groups = int(strata.max()) + 1
        apart = _means(self.distances, strata[self.one], crossing, groups)
        places = np.unique(strata, return_index=True)[1]
        prompts = self.seen.prompts[places]
        same = alike & (first == second)
        floor = _means(self.distances, self.seen.prompts[self.one], same, len(self.seen.prompt_labels))
        beyond = apart - floor[prompts] if same.any() else apart
        found = ~np.isnan(beyond)
        return beyond[found], prompts[found], places[found]


def strata_of(seen: Observations, axis: int) -> Codes:
    """The group of each picture of those that agree in their prompt and all axes but this."""
    keys = np.column_stack([seen.prompts, np.delete(seen.codes, axis, axis=1)])
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.intp)


def _means(numbers: Floats, groups: Codes, which: NDArray[np.bool_], count: int) -> Floats:
    """The mean of each group over some of its members; NaN where it has none."""
    there = np.bincount(groups[which], minlength=count)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(groups[which], numbers[which], count) / there)


def shuffles(strata: Codes, permutations: int, seed: int = 0) -> Iterator[Codes]:
    """Permutations within groups, always the same ones."""
    generator = np.random.default_rng(seed)
    base = np.argsort(strata, kind="stable")
    for _ in range(permutations):
        move = np.empty_like(base)
        # A random part behind the group's number shuffles within the group alone.
        move[base] = base[np.argsort(strata[base] + generator.random(len(strata)))]
        yield move
