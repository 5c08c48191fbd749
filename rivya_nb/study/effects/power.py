"""How many prompts and seeds would show a difference of some size in 8 of 10 studies, from a pilot's variances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rivya_nb.study.effects.intervals import FEWEST, LEVEL
from rivya_nb.study.effects.numbers import Numbers, by_prompt

TARGET = 0.8
"""The part of the studies that shall show the difference."""

MOST_PROMPTS = 2_000
SEEDS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)


@dataclass(frozen=True)
class Spread:
    """What a paired difference varies by, as variances: `between` prompts, and from seed to seed `within` one.

    `noise` is that part of the latter which is due to the very same request, with one replicate; None where the
    pilot has no replicates.
    """

    between: float
    within: float
    noise: float | None

    def error(self, prompts: int, pairs: int) -> float:
        """The standard error of the mean difference of so many prompts with so many pairs each."""
        return float(np.sqrt((self.between + self.within / pairs) / prompts))

    def power(self, difference: float, prompts: int, pairs: int) -> float:
        """The part of such studies whose t-test over prompts shows the difference (two-sided, 5 %)."""
        from scipy.stats import ncf, t

        error = self.error(prompts, pairs)
        if not error > 0:
            return 1.0
        limit = float(t.ppf((1 + LEVEL) / 2, prompts - 1))
        # The square of t, both tails at once: scipy's noncentral t has no number for some of the far tails, and
        # its noncentral F none for exactly 0.
        return float(ncf.sf(limit**2, 1, prompts - 1, max(1e-9, (difference / error) ** 2)))

    def fewest_prompts(self, difference: float, pairs: int) -> int | None:
        """The fewest prompts that show the difference in 8 of 10 studies; None if it takes more than 2,000."""
        if self.power(difference, MOST_PROMPTS, pairs) < TARGET:
            return None
        low, high = FEWEST, MOST_PROMPTS
        while low < high:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if self.power(difference, middle, pairs) >= TARGET else (middle + 1, high)
            )
        return low

    def smallest(self, prompts: int, pairs: int) -> float:
        """The smallest difference that such a study shows in 8 of 10 cases."""
        from scipy.optimize import brentq

        error = self.error(prompts, pairs)
        if not error > 0:
            return 0.0
        return float(brentq(lambda size: self.power(size, prompts, pairs) - TARGET, 0, 200 * error))


def spread_of(numbers: Numbers, axis: int, replicates: int = 1) -> Spread | None:
    """The variances of paired differences between values of an axis, as a study of so many replicates has them.

    Two seeds are one pair of a prompt: all that it varies by lies between prompts, but for the noise. None if
    there are not two prompts with two pairs each; of seeds, with one.
    """
    seen = numbers.seen
    betweens, withins, singles = [], [], []
    for one, other in combinations(range(len(seen.labels[axis])), 2):
        differences, prompts, _ = numbers.paired(axis, one, other)
        place = np.unique(prompts, return_inverse=True)[1]
        count = np.bincount(place) if len(place) else np.zeros(0)
        if seen.is_chance[axis] and len(count) > 1 and count.max() == 1:
            singles.append(float(differences.var(ddof=1)))
        if (count > 1).sum() < 2:
            continue
        means = by_prompt(differences, prompts)
        degrees = float((count - 1).sum())
        within = float(((differences - means[place]) ** 2).sum() / degrees)
        withins.append(within)
        betweens.append(max(0.0, float(means.var(ddof=1)) - within * float((1 / count).mean())))
    if not withins and not singles:
        return None
    patterns = numbers.patterns()
    noise, seen_noise, planned_noise = None, 0.0, 0.0
    if patterns.pairs[:, 0].any():
        cells = np.unique(np.column_stack([seen.prompts, seen.codes]), axis=0, return_counts=True)[1]
        noise = 2 * float(patterns.sums[:, 0].sum() / patterns.pairs[:, 0].sum())
        seen_noise, planned_noise = noise * float((1 / cells).mean()), noise / replicates
    if not withins:
        return Spread(max(0.0, float(np.mean(singles)) - seen_noise), planned_noise, noise)
    within, between = float(np.mean(withins)), float(np.mean(betweens))
    within = max(0.0, within - seen_noise + planned_noise)
    return Spread(between, within, noise)


@dataclass(frozen=True)
class Size:
    """A study of so many prompts and seeds, and what it costs in credits."""

    prompts: int
    seeds: int
    pictures: int
    credits: float


def sizes(
    spread: Spread, difference: float, *, cells: int, pairs: int, price: float, seeded: bool = True
) -> Iterator[Size]:
    """The smallest study for several numbers of seeds (one only, if none are `seeded`). Each prompt and seed has
    `cells` pictures at `price` credits each, and gives `pairs` pairs."""
    for seeds in SEEDS if seeded else SEEDS[:1]:
        prompts = spread.fewest_prompts(difference, seeds * pairs)
        if prompts is not None:
            pictures = prompts * seeds * cells
            yield Size(prompts, seeds, pictures, pictures * price)
