"""Half the mean squared difference of two pictures of a prompt, by which axes they differ on.

A pattern is a number whose bit `f` is set where two pictures differ on axis `f`; pattern 0 is two replicates.
Shares rest on these means alone, so that a number of each picture (whose difference is squared) and a distance
between pictures (as in PERMANOVA) go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rivya_nb.study.effects.observations import Codes, Observations

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""Sums below this part of the largest are rounding: pictures that do not differ."""


@dataclass(frozen=True)
class Patterns:
    """Sums of half the squared differences (… × prompts × patterns), and how many pairs (prompts × patterns)."""

    sums: Floats
    pairs: Floats

    @property
    def means(self) -> Floats:
        """The means by prompt and pattern; NaN where a prompt has no such pair."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.sums / self.pairs)


def patterns_of_values(seen: Observations, values: Floats) -> Patterns:
    """The patterns of a number of each picture; `values` (… × pictures) may be several sets of numbers.

    No pair is looked at: n·Σy² − (Σy)² of a group is the sum of its pairs, and the groups that agree on ever fewer
    axes give those that differ on exactly some.
    """
    values = values - values.mean(axis=-1, keepdims=True)
    # The prompts' own means cancel in every pair; without them the sums round less.
    values = values - _sums(values, seen.prompts)[..., seen.prompts] / np.bincount(seen.prompts)[seen.prompts]
    axes, prompts = len(seen.axes), len(seen.prompt_labels)
    sums = np.empty((*values.shape[:-1], prompts, 2**axes))
    pairs = np.empty((prompts, 2**axes))
    for pattern in range(2**axes):
        groups, of_prompt = _groups(seen, [f for f in range(axes) if not pattern >> f & 1])
        size = np.bincount(groups)
        within = (size * _sums(values**2, groups) - _sums(values, groups) ** 2) / 2
        sums[..., pattern] = _sums(within, of_prompt)
        pairs[:, pattern] = np.bincount(of_prompt, size * (size - 1) / 2)
    return _exactly(sums, pairs, axes)


def patterns_of_pairs(seen: Observations, one: Codes, other: Codes, distances: Floats) -> Patterns:
    """The patterns of distances between pictures of the same prompt; `one` and `other` are their places."""
    return sorted_pairs(seen, differing_axes(seen, one, other), one, distances**2 / 2)


def differing_axes(seen: Observations, one: Codes, other: Codes) -> Codes:
    """The pattern of each pair."""
    bits = 1 << np.arange(len(seen.axes))
    return np.asarray((seen.codes[one] != seen.codes[other]) @ bits)


def sorted_pairs(seen: Observations, pattern: Codes, one: Codes, halves: Floats) -> Patterns:
    """The sums of half the squared distances, by prompt and pattern."""
    shape = len(seen.prompt_labels), 2 ** len(seen.axes)
    place, places = seen.prompts[one] * shape[1] + pattern, shape[0] * shape[1]
    sums, pairs = np.bincount(place, halves, places), np.bincount(place, minlength=places)
    return Patterns(np.asarray(sums.reshape(shape), float), pairs.reshape(shape).astype(float))


def _exactly(sums: Floats, pairs: Floats, axes: int) -> Patterns:
    """From pairs that differ at most on some axes to those that differ on all of these."""
    for axis in range(axes):
        bit = 1 << axis
        with_it = [pattern for pattern in range(2**axes) if pattern & bit]
        without = [pattern ^ bit for pattern in with_it]
        sums[..., with_it] -= sums[..., without]
        pairs[..., with_it] -= pairs[..., without]
    largest = np.abs(sums).max(axis=(-1, -2), keepdims=True)
    sums[np.abs(sums) <= _ROUNDING * largest] = 0
    return Patterns(sums, pairs)


def _groups(seen: Observations, agreeing: list[int]) -> tuple[Codes, Codes]:
    """The group of each picture of those that agree on their prompt and on some axes, and each group's prompt."""
    keys = np.column_stack([seen.prompts, seen.codes[:, agreeing]])
    found, groups = np.unique(keys, axis=0, return_inverse=True)
    return groups.reshape(-1), found[:, 0]


def _sums(values: Floats, groups: Codes) -> Floats:
    """Sums over the last axis by group."""
    if values.ndim == 1:
        return np.bincount(groups, values).astype(float)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))
