"""From patterns to shares: how the variance within prompts divides among axes, their interactions and chance.

Two pictures that differ on some axes differ, in half their mean square, by the noise and by the component of each
axis and interaction that these axes take part in. These equations are solved for the components (the ANOVA
estimators, unbiased; in a full grid the equations have one solution). Then each axis whose values are a choice
counts by the variance of just these values (as ω²), and an axis of chance (seeds) as a sample of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.patterns import Floats, Patterns

NOISE = 0
"""The effect of no axis: what differs between two of the very same request."""

_NEGLIGIBLE = 0.05
"""A pattern whose weight is below this part of the largest hardly counts for an effect."""


@dataclass(frozen=True)
class Division:
    """How the variance within prompts divides.

    `effects` are sets of axes as bits, `NOISE` first. `residual` is True if there are no replicates, so that the
    noise contains the interaction of all axes.
    """

    effects: tuple[int, ...]
    residual: bool
    _observed: NDArray[np.intp]
    _matrix: Floats

    def parts(self, patterns: Patterns) -> Floats:
        """Numbers of the prompts (… × prompts × effects) whose means are the variances of the effects."""
        return np.asarray(_completed(patterns.means[..., self._observed]) @ self._matrix.T)

    def prompts(self, patterns: Patterns) -> NDArray[np.intp]:
        """How many prompts each effect rests on: those that have the rarest pattern which counts for it."""
        having = (patterns.pairs[:, self._observed] > 0).sum(axis=0)
        weights = np.abs(self._matrix)
        counts = weights > _NEGLIGIBLE * weights.max(axis=1, keepdims=True)
        return np.asarray(np.where(counts, having, len(patterns.pairs)).min(axis=1))


def divide(patterns: Patterns, sizes: Sequence[int], is_chance: Sequence[bool]) -> Division | None:
    """How to divide the variance; None where the noise cannot be told from the effect of the only axis.

    `sizes` are the numbers of values of the axes.
    """
    observed = np.flatnonzero((patterns.pairs > 0).any(axis=0))
    components = _told_apart(observed.tolist(), len(sizes))
    if len(components) < 2:
        return None
    weights = np.sqrt(patterns.pairs[:, observed].sum(axis=0))
    solve = np.linalg.pinv(_design(observed.tolist(), components) * weights[:, None]) * weights
    matrix = _mixing(components, sizes, is_chance) @ solve
    return Division(components, NOISE not in observed, observed, matrix)


def _told_apart(observed: Sequence[int], axes: int) -> tuple[int, ...]:
    """The noise, and those effects, simple ones first, that the observed patterns tell apart."""
    chosen: list[int] = [NOISE]
    highest = axes if axes <= 3 else 2
    for order in range(1, highest + 1):
        for some in combinations(range(axes), order):
            more = [*chosen, sum(1 << axis for axis in some)]
            if np.linalg.matrix_rank(_design(observed, more)) == len(more):
                chosen = more
    return tuple(chosen)


def _design(observed: Sequence[int], components: Sequence[int]) -> Floats:
    """Which component two pictures of a pattern differ by."""
    return np.array(
        [[effect == NOISE or bool(effect & pattern) for effect in components] for pattern in observed], float
    )


def _mixing(components: Sequence[int], sizes: Sequence[int], is_chance: Sequence[bool]) -> Floats:
    """The matrix from components to effects, where the values of a chosen axis are all that there are."""
    # Two draws from k values that are all differ with a chance of (k − 1) / k, two of many always.
    differ = [1.0 if chance else (size - 1) / size for size, chance in zip(sizes, is_chance, strict=True)]
    everything = (1 << len(sizes)) - 1

    def apart(redrawn: int) -> Floats:
        """Half the mean square of two pictures of which these axes are drawn anew."""
        chances = []
        for effect in components:
            same = [1 - differ[axis] for axis in range(len(sizes)) if (effect & redrawn) >> axis & 1]
            chances.append(1.0 if effect == NOISE else 1 - float(np.prod(same)))
        return np.array(chances)

    explained = {effect: apart(everything) - apart(everything & ~effect) for effect in range(everything + 1)}
    rows = [apart(0)]
    for effect in components[1:]:
        inner = [part for part in range(1, effect + 1) if part & effect == part]
        signs = [(-1) ** ((effect ^ part).bit_count()) for part in inner]
        rows.append(np.asarray(sum(sign * explained[part] for sign, part in zip(signs, inner, strict=True))))
    return np.array(rows)


def _completed(means: Floats) -> Floats:
    """The same with no prompt lacking a pattern: each counts as far as it has it, so that the mean stays."""
    there = ~np.isnan(means)
    if there.all():
        return means
    with np.errstate(invalid="ignore"):
        middle = np.nanmean(means, axis=-2, keepdims=True)
    part = there.mean(axis=-2, keepdims=True)
    return np.asarray(middle + np.where(there, means - middle, 0) / part)
