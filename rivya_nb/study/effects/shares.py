"""Each axis' share of what moves a number of the pictures, with its interval or its permutation test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rivya_nb.errors import UsageError
from rivya_nb.study.effects.components import Division, divide
from rivya_nb.study.effects.intervals import (
    ENOUGH,
    FEWEST,
    PERMUTATIONS,
    Bootstrap,
    Interval,
    Statistic,
    agreement,
    chance_of,
    holm,
    mean,
    plus,
    ratio,
    value_of,
)
from rivya_nb.study.effects.numbers import Numbers, Values
from rivya_nb.study.effects.observations import Codes, Observations
from rivya_nb.study.effects.patterns import Floats

SAME = "the very same request"
REST = "the rest"
HIGHER = "three axes or more at once"


@dataclass(frozen=True)
class Share:
    """One row: its part of what moves the pictures within a prompt, from 0 to 1.

    `axes` are those that take part: none for the noise, two for an interaction. `interval` is None where there
    are too few prompts; `chance` is the p-value of a permutation test, corrected by Holm, where there are fewer
    than 30. `common` is that part of all that an axis does in the same way in every prompt; None where that is
    not known. It rests on `prompts`, which are fewer than those of the study where some lack, say, replicates.
    """

    name: str
    axes: tuple[str, ...]
    share: float
    interval: Interval | None = None
    chance: float | None = None
    common: float | None = None
    prompts: int = 0


@dataclass(frozen=True)
class Shares:
    """All rows, the noise first, which sum to 1. `between` is the part of the whole variance that lies between
    prompts, on another scale than the rows. `has_floor` is False if there are no replicates."""

    rows: tuple[Share, ...]
    between: Share | None
    has_floor: bool
    is_common: bool = False


def shares(numbers: Numbers, permutations: int = PERMUTATIONS) -> Shares:
    """The shares of all axes and of the interactions of two.

    Raises:
        UsageError: all pictures have the same number, or the shares cannot be told apart.
    """
    seen, patterns = numbers.seen, numbers.patterns()
    if not patterns.sums.sum() > 0:
        raise UsageError(
            "Nothing moves it: all of a prompt have exactly the same number. Measure something else, or "
            "vary something else."
        )
    division = divide(patterns, [len(labels) for labels in seen.labels], seen.is_chance)
    if division is not None:
        return _Within(numbers, division, division.parts(patterns)).shares(permutations)
    return _Common(numbers).shares(permutations)


class _Within:
    """Shares where the noise can be told apart: from replicates, or from the interaction of all axes."""

    def __init__(self, numbers: Numbers, division: Division, parts: Floats) -> None:
        self._numbers, self._division, self._parts, self._seen = numbers, division, parts, numbers.seen
        self._prompts = division.prompts(numbers.patterns())
        self._bootstrap = Bootstrap(len(self._seen.prompt_labels))
        self._total = mean(parts.sum(axis=1))

    def shares(self, permutations: int) -> Shares:
        rows = []
        for name, axes, parts, prompts in _named(self._seen, self._division, self._parts, self._prompts):
            statistic = ratio(mean(parts), self._total)
            row = share_of(name, axes, statistic, self._bootstrap, FEWEST, prompts)
            rows.append(replace(row, common=self._common(axes, row.share)))
        few = [row for row in rows if len(row.axes) == 1 and row.prompts < ENOUGH]
        rows = tested(rows, {row.name: self._chance(row, permutations) for row in few})
        return Shares(tuple(rows), self._between(), not self._division.residual)

    def _chance(self, row: Share, permutations: int) -> float:
        """How often an axis whose values changed places at random has as large a share."""
        axis = self._seen.axis(row.axes[0])
        place = self._division.effects.index(1 << axis)

        def share(parts: Floats) -> Floats:
            means = parts.mean(axis=-2)
            return np.asarray(means[..., place] / means.sum(axis=-1))

        permuted = [share(self._division.parts(each)) for each in self._numbers.permuted(axis, permutations)]
        return chance_of(float(share(self._parts)), np.concatenate(permuted))

    def _common(self, axes: Sequence[str], share: float) -> float | None:
        if len(axes) != 1 or not isinstance(self._numbers, Values):
            return None
        axis = self._seen.axis(axes[0])
        profiles = profiles_of(self._numbers, axis)
        if len(profiles) < 2:
            return None
        size = profiles.shape[1] - (1 if self._seen.is_chance[axis] else 0)
        variance = value_of(agreement(profiles), len(profiles)) / size
        return min(share, _bounded(variance / self._parts.sum(axis=1).mean()))

    def _between(self) -> Share | None:
        if not isinstance(self._numbers, Values):
            return None
        # By how much a prompt's mean differs because its seeds and replicates are some of many.
        prompts = self._seen.prompts
        chance = self._parts[:, 0] / np.bincount(prompts)
        drawn = {
            axis: drawn_of(prompts, self._seen.codes[:, axis])
            for axis, is_chance in enumerate(self._seen.is_chance)
            if is_chance
        }
        for place, effect in enumerate(self._division.effects):
            if some := [values for axis, values in drawn.items() if effect >> axis & 1]:
                chance = chance + self._parts[:, place] / np.prod(some, axis=0)
        statistic = mean(chance)
        for axis in drawn:
            profiles = profiles_of(self._numbers, axis)
            size = profiles.shape[1]
            if len(profiles) == self._bootstrap.prompts:
                # What a seed does alike in every prompt moves the means of all prompts alike.
                statistic = plus(statistic, agreement(profiles), -1 / (size * (size - 1)))
        return _between(self._numbers, statistic, self._total, self._bootstrap)


class _Common:
    """Shares of one axis without replicates: what it does in every prompt, and the rest with the noise in it."""

    def __init__(self, numbers: Numbers) -> None:
        seen = numbers.seen
        complete = _complete(seen)
        if not isinstance(numbers, Values) or complete.sum() < 2:
            more = "" if not isinstance(numbers, Values) else ", or plan more prompts"
            raise UsageError(
                f"What {seen.axes[0]} moves cannot be told from chance here: nothing shows by how much the very "
                f"same request differs. Plan the same with replicates=2{more}."
            )
        self._values = numbers if complete.all() else numbers.only(complete[seen.prompts])
        self._seen = self._values.seen
        self._profiles = profiles_of(self._values, 0)
        self._bootstrap = Bootstrap(len(self._profiles))

    def shares(self, permutations: int) -> Shares:
        axis, prompts, size = self._seen.axes[0], len(self._profiles), len(self._seen.labels[0])
        part = 1.0 if self._seen.is_chance[0] else (size - 1) / size
        spread = mean(self._values.patterns().means[:, 1])
        component = ratio(agreement(self._profiles), mean(np.full(prompts, size - 1.0)))
        rest, total = plus(spread, component, -1.0), plus(spread, component, part - 1)
        rows = [
            share_of(REST, (), ratio(rest, total), self._bootstrap, ENOUGH),
            share_of(axis, (axis,), ratio(component, total, part), self._bootstrap, ENOUGH),
        ]
        if prompts < ENOUGH:
            rows = tested(rows, {axis: self._chance(permutations)})
        pictures = mean(np.bincount(self._seen.prompts).astype(float))
        between = _between(self._values, ratio(rest, pictures), total, self._bootstrap)
        return Shares(tuple(rows), between, has_floor=False, is_common=True)

    def _chance(self, permutations: int) -> float:
        observed = value_of(agreement(self._profiles), len(self._profiles))
        permuted = [
            value_of(agreement(profiles_of(replace(self._values, values=values), 0)), len(self._profiles))
            for several in self._values.shuffled(0, permutations)
            for values in several
        ]
        return chance_of(observed, np.array(permuted))


def profiles_of(numbers: Values, axis: int) -> Floats:
    """For each prompt with pictures of every value of an axis, how their means lie above the prompt's own."""
    seen = numbers.seen
    prompts, size = len(seen.prompt_labels), len(seen.labels[axis])
    cells = seen.prompts * size + seen.codes[:, axis]
    with np.errstate(invalid="ignore"):
        means = np.bincount(cells, numbers.values, prompts * size) / np.bincount(
            cells, minlength=prompts * size
        )
    means = means.reshape(prompts, size)
    means = means[~np.isnan(means).any(axis=1)]
    return np.asarray(means - means.mean(axis=1, keepdims=True))


def drawn_of(prompts: Codes, codes: Codes) -> NDArray[np.intp]:
    """How many values of an axis each prompt has."""
    return np.bincount(np.unique(np.column_stack([prompts, codes]), axis=0)[:, 0])


def _complete(seen: Observations) -> NDArray[np.bool_]:
    """Which prompts have a picture of every value of the first axis."""
    found = np.unique(np.column_stack([seen.prompts, seen.codes[:, 0]]), axis=0)
    return np.asarray(np.bincount(found[:, 0], minlength=len(seen.prompt_labels)) == len(seen.labels[0]))


def _named(
    seen: Observations, division: Division, parts: Floats, prompts: NDArray[np.intp]
) -> list[tuple[str, tuple[str, ...], Floats, int]]:
    """The name of each row, its axes, each prompt's part of it, and the prompts it rests on; interactions of more
    than two in one."""
    rows, higher, fewest = [], np.zeros(len(parts)), len(parts)
    for place, effect in enumerate(division.effects):
        axes = tuple(name for at, name in enumerate(seen.axes) if effect >> at & 1)
        if len(axes) > 2:
            higher += parts[:, place]
            fewest = min(fewest, int(prompts[place]))
            continue
        name = " × ".join(axes) or (REST if division.residual else SAME)
        rows.append((name, axes, parts[:, place], int(prompts[place])))
    return [*rows, (HIGHER, seen.axes, higher, fewest)] if higher.any() else rows


def share_of(
    name: str,
    axes: tuple[str, ...],
    statistic: Statistic,
    bootstrap: Bootstrap,
    fewest: int,
    prompts: int | None = None,
) -> Share:
    """The share, with an interval if it rests on at least `fewest` prompts; on all, if `prompts` are not given."""
    value = _bounded(value_of(statistic, bootstrap.prompts))
    prompts = bootstrap.prompts if prompts is None else prompts
    interval = None
    if prompts >= fewest:
        interval = Interval(*map(_bounded, bootstrap.interval(statistic)))
    return Share(name, axes, value, interval, prompts=prompts)


def _bounded(share: float) -> float:
    """A share between 0 and 1: where there is no effect, chance makes half of the estimates negative."""
    return float(min(1.0, max(0.0, share)))


def _between(numbers: Values, chance: Statistic, within: Statistic, bootstrap: Bootstrap) -> Share | None:
    """The part of the whole variance that lies between prompts, less what their means differ by chance."""
    if bootstrap.prompts < 2:
        return None
    prompts = numbers.seen.prompts
    means = np.bincount(prompts, numbers.values) / np.bincount(prompts)
    means -= means.mean()
    variance = plus(plus(mean(means**2), agreement(means[:, None]), -1.0), chance, -1.0)
    return share_of("prompt", ("prompt",), ratio(variance, plus(variance, within)), bootstrap, ENOUGH)


def tested(rows: Sequence[Share], chances: Mapping[str, float]) -> list[Share]:
    """The rows with the p-values of their names, corrected together."""
    corrected = dict(zip(chances, holm(list(chances.values())), strict=True))
    return [replace(row, chance=corrected.get(row.name)) for row in rows]
