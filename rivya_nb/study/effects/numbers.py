"""What is known of the pictures: a number of each (a measure), or distances between those of the same prompt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.intervals import PERMUTATIONS, chance_of, sign_flips
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

    def chance(self, axis: int, one: int, other: int, units: Codes) -> float | None:
        """The p-value of paired differences, those of these `units`; None where nothing can be tested."""
        differences, prompts, places = self.paired(axis, one, other)
        which = np.isin(places, units)
        means = by_prompt(differences[which], prompts[which])
        # Of one prompt, its pairs are all there is to flip.
        flipped = means if len(means) > 1 else differences[which]
        return sign_flips(flipped) if len(flipped) > 1 else None

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
    def _has_floor(self) -> bool:
        """Whether distances of the very same request are known; beyond them, 0 is no difference."""
        return bool((differing_axes(self.seen, self.one, self.other) == 0).any())

    def chance(self, axis: int, one: int, other: int, units: Codes) -> float | None:
        """By pictures of the two values that change places, since distances lean to one side, which flipped signs
        would take for a difference."""
        if not self._has_floor:
            return None
        strata, codes = strata_of(self.seen, axis), self.seen.codes[:, axis]
        counts = np.isin(strata, strata[units])
        alike = (strata[self.one] == strata[self.other]) & counts[self.one]
        a, b, apart = self.one[alike], self.other[alike], self.distances[alike]
        places = np.flatnonzero(counts & np.isin(codes, (one, other)))
        group, prompt = (
            np.unique(each, return_inverse=True)[1] for each in (strata[a], self.seen.prompts[a])
        )
        of_group = prompt[np.unique(group, return_index=True)[1]]

        def beyond(codes: Codes) -> float:
            first, second = codes[a], codes[b]
            crossing = ((first == one) & (second == other)) | ((first == other) & (second == one))
            floor = _means(apart, prompt, first == second, int(prompt.max()) + 1)
            more = _means(apart, group, crossing, len(of_group)) - floor[of_group]
            there = ~np.isnan(more)
            sums, sizes = np.bincount(of_group[there], more[there]), np.bincount(of_group[there])
            return float((sums[sizes > 0] / sizes[sizes > 0]).mean()) if there.any() else -np.inf

        permuted = []
        for move in shuffles(strata[places], PERMUTATIONS):
            moved = codes.copy()
            moved[places] = codes[places[move]]
            permuted.append(beyond(moved))
        return chance_of(beyond(codes), np.array(permuted))

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


def by_prompt(differences: Floats, prompts: Codes) -> Floats:
    """The mean of each prompt that has pairs."""
    place = np.unique(prompts, return_inverse=True)[1]
    return np.asarray(np.bincount(place, differences) / np.bincount(place))


def _means(numbers: Floats, groups: Codes, which: NDArray[np.bool_], count: int) -> Floats:
    """The mean of each group over some of its members; NaN where it has none."""
    there = np.bincount(groups[which], minlength=count)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(groups[which], numbers[which], count) / there)


def shuffles(strata: Codes, permutations: int) -> Iterator[Codes]:
    """Permutations within groups, always the same ones."""
    generator = np.random.default_rng(0)
    base = np.argsort(strata, kind="stable")
    for _ in range(permutations):
        move = np.empty_like(base)
        # A random part behind the group's number shuffles within the group alone.
        move[base] = base[np.argsort(strata[base] + generator.random(len(strata)))]
        yield move
