"""Intervals by the studentised bootstrap over prompts, tests by permutation, and Holm's correction.

The percentile and the BCa interval of a share are too narrow with 30 prompts (about 0.91 and 0.92 where 0.95 is
said); divided by its standard error in each draw, the bootstrap holds what it says with a dozen
(`benchmarks/coverage.py`). scipy's bootstrap does not divide, so this one is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.patterns import Floats

DRAWS = 2_000
PERMUTATIONS = 999
LEVEL = 0.95

ENOUGH = 30
"""Prompts from which on the interval is given without reserve."""
FEWEST = 10
"""Prompts below which there is no interval: in simulations it is too narrow or spans everything."""

_AT_ONCE = 500_000
"""Numbers of draws × prompts that are in memory at once."""

Weights = Floats
"""How often each prompt is in each draw: draws × prompts."""

Statistic = Callable[[Weights], tuple[Floats, Floats]]
"""Its value in each draw, and what each prompt adds to it (draws × prompts; with the draw's weights, these sum to
0)."""


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """The draws of prompts that all intervals of a study use; always the same ones for as many prompts."""

    prompts: int
    draws: int = DRAWS
    seed: int = 0

    @cached_property
    def _weights(self) -> NDArray[np.uint16]:
        generator = np.random.default_rng(self.seed)
        chances = np.full(self.prompts, 1 / self.prompts)
        return generator.multinomial(self.prompts, chances, size=self.draws).astype(np.uint16)

    def interval(self, statistic: Statistic) -> Interval:
        """The 95 % interval of a statistic, by the studentised bootstrap."""
        count = self.prompts
        (value,), (error,) = self._studied(statistic, np.ones((1, count)))
        if not error > 0:
            return Interval(value, value)
        step = max(1, _AT_ONCE // count)
        ratios = []
        for start in range(0, self.draws, step):
            drawn, errors = self._studied(statistic, self._weights[start : start + step].astype(float))
            with np.errstate(invalid="ignore", divide="ignore"):
                ratios.append((drawn - value) / errors)
        every = np.concatenate(ratios)
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(every[np.isfinite(every)], [tail, 1 - tail])
        return Interval(float(value - high * error), float(value - low * error))

    def _studied(self, statistic: Statistic, weights: Weights) -> tuple[Floats, Floats]:
        """The value in each draw, and its standard error there."""
        values, adds = statistic(weights)
        squares = np.einsum("dp,dp->d", weights, adds**2)
        return values, np.sqrt(squares / (self.prompts * (self.prompts - 1)))


def mean(numbers: Floats) -> Statistic:
    """The mean of a number of the prompts."""

    def statistic(weights: Weights) -> tuple[Floats, Floats]:
        value = weights @ numbers / weights.sum(axis=1)
        return value, numbers - value[:, None]

    return statistic


def agreement(profiles: Floats) -> Statistic:
    """The mean product of two different prompts' numbers, summed over the columns (`profiles`: prompts × numbers).

    A prompt that is drawn twice is no pair with itself: its noise would look like agreement.
    """
    own = (profiles**2).sum(axis=1)

    def statistic(weights: Weights) -> tuple[Floats, Floats]:
        sums, drawn = weights @ profiles, weights.sum(axis=1)
        squares = (sums**2).sum(axis=1)
        pairs = drawn**2 - (weights**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = (squares - weights**2 @ own) / pairs
        return value, 2 * (sums @ profiles.T / drawn[:, None] - (squares / drawn**2)[:, None])

    return statistic


def plus(one: Statistic, other: Statistic, times: float = 1.0) -> Statistic:
    """One statistic and `times` another."""

    def statistic(weights: Weights) -> tuple[Floats, Floats]:
        (value, adds), (more, more_adds) = one(weights), other(weights)
        return value + times * more, adds + times * more_adds

    return statistic


def ratio(upper: Statistic, lower: Statistic, times: float = 1.0) -> Statistic:
    """`times` one statistic over another."""

    def statistic(weights: Weights) -> tuple[Floats, Floats]:
        (above, adds), (below, below_adds) = upper(weights), lower(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = above / below
            return times * value, times * (adds - value[:, None] * below_adds) / below[:, None]

    return statistic


def value_of(statistic: Statistic, prompts: int) -> float:
    """A statistic of the prompts as they are."""
    return float(statistic(np.ones((1, prompts)))[0][0])


def chance_of(observed: float, permuted: Floats) -> float:
    """The p-value of a permutation test: how often chance alone reaches what was observed."""
    # A hair below, so that a permutation that changes nothing counts as reaching it.
    reached = permuted >= observed - 1e-9 * abs(observed)
    return float((1 + reached.sum()) / (1 + len(permuted)))


def sign_flips(numbers: Floats) -> float:
    """The p-value of a mean that is 0 if nothing differs: the signs of the numbers are flipped at random."""
    generator = np.random.default_rng(0)
    exact = len(numbers) <= np.log2(PERMUTATIONS + 1)
    if exact:
        signs = 1 - 2 * (np.arange(2 ** len(numbers))[:, None] >> np.arange(len(numbers)) & 1)
        means = np.abs(signs @ numbers)
        return float((means >= means[0] * (1 - 1e-9)).mean())
    signs = generator.choice([-1.0, 1.0], size=(PERMUTATIONS, len(numbers)))
    return chance_of(abs(numbers.sum()), np.abs(signs @ numbers))


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """Holm's correction of several p-values: the k-th smallest of n counts n + 1 − k times, and none less than one
    before it.

    Three lines; the package that has it, statsmodels, would be the largest that this one depends on.
    """
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = highest
    return tuple(corrected)
