"""Differences between two values of an axis, paired: the same prompt, the same seed, the same of all else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.intervals import FEWEST, LEVEL, Bootstrap, Interval, holm, mean
from rivya_nb.study.effects.numbers import Paired, by_prompt
from rivya_nb.study.effects.observations import Codes
from rivya_nb.study.effects.patterns import Floats

_ALL_PAIRS = 4
"""Values up to which each two are compared; of more, each is compared with the first."""

_FEWEST = 3
"""Prompts from which on a mean has an interval: Student's is as wide as few prompts ask for."""

_ROUNDING = 1e-12
"""A standard deviation below this part of the largest difference is rounding."""


@dataclass(frozen=True)
class Contrast:
    """`other` − `one`, where `group` names the fact's value that the prompts share (empty: all prompts).

    `difference` is the mean over prompts of each prompt's mean; `d` is Cohen's for pairs, the mean of the `pairs`
    over their standard deviation, None where that is 0. `chance` is the p-value by flipping signs (of distances,
    by pictures that change places), corrected by Holm over all contrasts of a study. `interval` is by bootstrap
    over prompts, or Student's of fewer than 10; None of fewer than 3.
    """

    axis: str
    one: str
    other: str
    group: str
    difference: float
    interval: Interval | None
    d: float | None
    pairs: int
    prompts: int
    chance: float | None


def contrasts(numbers: Paired, groups: Sequence[str] | None = None) -> tuple[Contrast, ...]:
    """Those of every axis whose values are a choice; with `groups`, one for each picture, also within each."""
    seen = numbers.seen
    found = []
    for axis in range(len(seen.axes)):
        if seen.is_chance[axis]:
            continue
        for one, other in _compared(len(seen.labels[axis])):
            found += list(_in_groups(numbers, axis, one, other, groups))
    return corrected(found)


def contrast(
    numbers: Paired, axis: str, one: str, other: str, groups: Sequence[str] | None = None
) -> tuple[Contrast, ...]:
    """Those of two values of an axis.

    Raises:
        UsageError: there is no such axis or value.
    """
    at = numbers.seen.axis(axis)
    first, second = (numbers.seen.value(at, each) for each in (one, other))
    return corrected(list(_in_groups(numbers, at, first, second, groups)))


def corrected(found: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """The contrasts with their p-values corrected together."""
    chances = [each.chance for each in found if each.chance is not None]
    after = iter(holm(chances))
    return tuple(each if each.chance is None else replace(each, chance=next(after)) for each in found)


def _compared(values: int) -> list[tuple[int, int]]:
    if values <= _ALL_PAIRS:
        return list(combinations(range(values), 2))
    return [(0, other) for other in range(1, values)]


def _in_groups(
    numbers: Paired, axis: int, one: int, other: int, groups: Sequence[str] | None
) -> Iterator[Contrast]:
    differences, prompts, units = numbers.paired(axis, one, other)
    if len(differences):
        yield _contrast(numbers, axis, one, other, "", differences, prompts, units)
    if groups is None:
        return
    of_unit = np.array(groups, dtype=object)[units]
    for group in dict.fromkeys(groups):
        which: NDArray[np.bool_] = of_unit == group
        if which.any():
            named, some = group or "(none)", (differences[which], prompts[which], units[which])
            yield _contrast(numbers, axis, one, other, named, *some)


def _contrast(
    numbers: Paired,
    axis: int,
    one: int,
    other: int,
    group: str,
    differences: Floats,
    prompts: Codes,
    units: Codes,
) -> Contrast:
    labels = numbers.seen.labels[axis]
    means = by_prompt(differences, prompts)
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    return Contrast(
        axis=numbers.seen.axes[axis],
        one=labels[one],
        other=labels[other],
        group=group,
        difference=float(means.mean()),
        interval=_interval(means),
        d=float(differences.mean()) / spread if spread > _ROUNDING * np.abs(differences).max() else None,
        pairs=len(differences),
        prompts=len(means),
        chance=numbers.chance(axis, one, other, units),
    )


def _interval(means: Floats) -> Interval | None:
    if len(means) < _FEWEST:
        return None
    if len(means) < FEWEST:
        from scipy.stats import t

        half = float(t.ppf((1 + LEVEL) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
        return Interval(float(means.mean()) - half, float(means.mean()) + half)
    return Bootstrap(len(means)).interval(mean(means))
