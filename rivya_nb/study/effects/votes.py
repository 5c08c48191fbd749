"""What moves votes: the part of their deviance that each axis explains, in a Bradley–Terry model of all axes.

The odds that one picture is preferred are the product of the strengths of its values over those of the other's. An
axis' share is by how much the deviance grows without it, less what chance alone would take from it (Takeuchi's
correction, which knows that votes on one prompt belong together), over the deviance of a model without any axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rivya_nb.errors import UsageError
from rivya_nb.study.effects.intervals import ENOUGH, Bootstrap, chance_of, mean, ratio
from rivya_nb.study.effects.numbers import Paired, shuffles, strata_of
from rivya_nb.study.effects.observations import Codes, Observations
from rivya_nb.study.effects.patterns import Floats
from rivya_nb.study.effects.shares import REST, Shares, share_of, tested

PERMUTATIONS = 499
_RIDGE = 1e-2
"""A value that wins every vote has a finite strength with it."""
_STEPS = 50
_NEAR = 1e-9


@dataclass(frozen=True)
class Votes(Paired):
    """Votes between pictures of the same prompt: between `one` and `other`, which are places in `seen`.

    `won` is 1 where `one` was preferred, 0 where `other` was, and 1/2 where neither.
    """

    seen: Observations
    one: Codes
    other: Codes
    won: Floats

    def paired(self, axis: int, one: int, other: int) -> tuple[Floats, Codes, Codes]:
        """How much more often than every second time `other` was preferred to `one`, all else being the same."""
        strata, codes = strata_of(self.seen, axis), self.seen.codes[:, axis]
        alike = strata[self.one] == strata[self.other]
        first, second = codes[self.one], codes[self.other]
        forward, backward = (alike & (first == a) & (second == b) for a, b in ((one, other), (other, one)))
        places = np.concatenate([self.one[forward], self.one[backward]])
        gained = np.concatenate([0.5 - self.won[forward], self.won[backward] - 0.5])
        return gained, self.seen.prompts[places], places


@dataclass(frozen=True)
class _Fit:
    """The deviance of each prompt's votes, and by how much they lower it themselves since the model knows them."""

    deviances: Floats
    taken: Floats


def shares_of_votes(votes: Votes, permutations: int = PERMUTATIONS) -> Shares:
    """The shares of all axes of the deviance of votes.

    Raises:
        UsageError: no vote prefers one picture.
    """
    count = len(votes.seen.prompt_labels)
    null = _by_prompt(votes, _deviance(np.zeros(len(votes.won)), votes.won))
    if not null.sum() > 0:
        raise UsageError("Nothing moves the votes: no vote says that one is better than another.")
    judged = len(np.unique(votes.seen.prompts[votes.one]))
    bootstrap, whole = Bootstrap(count), _fit(votes)
    rows, rest, chances = [], null, {}
    for axis, name in enumerate(votes.seen.axes):
        explained = _explained(votes, axis, whole)
        rest = rest - explained
        rows.append(share_of(name, (name,), ratio(mean(explained), mean(null)), bootstrap, ENOUGH, judged))
        if judged < ENOUGH:
            chances[name] = _chance(votes, axis, float(explained.sum()), permutations)
    rows.insert(0, share_of(REST, (), ratio(mean(rest), mean(null)), bootstrap, ENOUGH, judged))
    return Shares(tuple(tested(rows, chances)), None, has_floor=False)


def _chance(votes: Votes, axis: int, observed: float, permutations: int) -> float:
    """How often an axis whose values changed places at random explains as much."""
    seen, found = votes.seen, []
    for move in shuffles(strata_of(seen, axis), permutations):
        codes = seen.codes.copy()
        codes[:, axis] = codes[move, axis]
        moved = replace(votes, seen=replace(seen, codes=codes))
        found.append(_explained(moved, axis, _fit(moved)).sum())
    return chance_of(observed, np.array(found))


def _explained(votes: Votes, axis: int, whole: _Fit) -> Floats:
    """By how much the deviance of each prompt grows without an axis, less what chance takes."""
    without = _fit(votes, without=axis)
    return (without.deviances - whole.deviances) - (whole.taken - without.taken)


def _fit(votes: Votes, without: int | None = None) -> _Fit:
    """The Bradley–Terry model of all axes or all but one, by Newton's steps."""
    axes = [axis for axis in range(len(votes.seen.axes)) if axis != without]
    design = np.column_stack([np.zeros((len(votes.won), 0)), *(_design(votes, axis) for axis in axes)])
    strengths = np.zeros(design.shape[1])
    ridge = _RIDGE * np.eye(len(strengths))
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-design @ strengths))
        curve = design.T @ (design * (expected * (1 - expected))[:, None]) + ridge
        step = np.linalg.solve(curve, design.T @ (votes.won - expected) - _RIDGE * strengths)
        strengths += step
        if np.abs(step).max(initial=0) < _NEAR:
            break
    count = len(votes.seen.prompt_labels)
    slopes = np.zeros((count, len(strengths)))
    np.add.at(slopes, votes.seen.prompts[votes.one], design * (votes.won - expected)[:, None])
    taken = (slopes * np.linalg.solve(curve, slopes.T).T).sum(axis=1) * count / max(1, count - 1)
    return _Fit(_by_prompt(votes, _deviance(design @ strengths, votes.won)), taken)


def _by_prompt(votes: Votes, numbers: Floats) -> Floats:
    """The sums of a number of each vote over each prompt."""
    prompts = votes.seen.prompts[votes.one]
    return np.bincount(prompts, numbers, len(votes.seen.prompt_labels)).astype(float)


def _design(votes: Votes, axis: int) -> Floats:
    """For each vote, the value of `one` less that of `other`; the first value has strength 1."""
    values = np.eye(len(votes.seen.labels[axis]))[:, 1:]
    codes = votes.seen.codes[:, axis]
    return np.asarray(values[codes[votes.one]] - values[codes[votes.other]])


def _deviance(logits: Floats, won: Floats) -> Floats:
    """Twice by how much the likelihood of each vote is less than that of a model that knows it."""
    lost = np.logaddexp(0, -logits) * won + np.logaddexp(0, logits) * (1 - won)
    best = np.where(won == 0.5, np.log(2.0), 0.0)
    return np.asarray(2 * (lost - best))
