"""What votes say: Bradley-Terry strengths with intervals, who won against whom, and how far raters agree.

evalica fits the model and computes Krippendorff's alpha. It resamples single votes only; here whole prompts are
resampled, by the weights of their votes, because a strength is meant to hold for other prompts, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import UsageError
from rivya_nb.store.vote_records import ONE, OTHER, TIE, VoteRecord
from rivya_nb.study.ranking.pairs import Contender, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

DRAWS = 1000
"""Bootstrap draws of a result; while somebody judges, `FEW_DRAWS` tell how sure the order is."""
FEW_DRAWS = 200

LEVEL = 0.95

ENOUGH_PROMPTS = 6
"""The fewest prompts that can stand for others. With fewer, single votes are resampled."""

_PRIOR = 0.5
"""So much of a vote without a difference is added for every value, against an imagined average one: without it, a
value that always won would be infinitely strong."""

_CODES = {ONE: 1.0, TIE: 0.0, OTHER: -1.0}


@dataclass(frozen=True, slots=True)
class Strength:
    """How one value did. `strength` is the logarithm of the odds of winning against an average value; `low` and
    `high` are its interval. None without a vote."""

    value: Value
    wins: int
    ties: int
    losses: int
    strength: float | None
    low: float | None
    high: float | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What votes say about `strengths`, the strongest value first.

    `wins` has, by row and column in the same order, how often the row's value won against the column's; `ties`
    how often there was no difference. `prompts` is the number of prompts that votes are about; the intervals
    hold for other prompts only if they are `over_prompts`, and else for these alone. `raters` has the number of
    votes by rater. `alpha` is Krippendorff's, over the `shared` pairs that several raters judged; None if that
    says nothing. `left_out` votes are about pictures that do not count any more.
    """

    strengths: tuple[Strength, ...]
    wins: tuple[tuple[int, ...], ...]
    ties: tuple[tuple[int, ...], ...]
    votes: int
    prompts: int
    over_prompts: bool
    raters: Mapping[str, int]
    alpha: float | None
    shared: int
    left_out: int

    @property
    def settled(self) -> int:
        """The number of values whose place among all others is settled."""
        return sum(each.settled for each in self.strengths)


def result(
    votes: Sequence[VoteRecord], contenders: Sequence[Contender], draws: int = DRAWS, seed: int = 0
) -> Result:
    """The result of votes, of those between two contenders. The same votes always give the same result.

    It takes about a second: call it off the event loop.

    Raises:
        UsageError: evalica is not installed (the extra `analysis`).
    """
    require()
    by_job = {each.job: each for each in contenders}
    counted = [vote for vote in votes if vote.one in by_job and vote.other in by_job]
    values = sorted({each.value for each in contenders})
    table = _Votes(counted, by_job, values)
    estimate, half, sure = _fitted(table, draws, seed)
    order = sorted(range(len(values)), key=lambda at: (table.seen[at] == 0, -estimate[at], values[at]))
    wins, ties = table.wins, table.ties
    strengths = [
        Strength(
            value=values[at],
            wins=int(wins[at].sum()),
            ties=int(ties[at].sum()),
            losses=int(wins[:, at].sum()),
            strength=float(estimate[at]) if table.seen[at] else None,
            low=float(estimate[at] - half[at]) if table.seen[at] else None,
            high=float(estimate[at] + half[at]) if table.seen[at] else None,
            settled=bool(table.seen[at] and all(sure[at][other] for other in order if other != at)),
        )
        for at in order
    ]
    alpha, shared = _agreement(counted)
    return Result(
        strengths=tuple(strengths),
        wins=tuple(tuple(int(wins[one][other]) for other in order) for one in order),
        ties=tuple(tuple(int(ties[one][other]) for other in order) for one in order),
        votes=len(counted),
        prompts=table.prompts,
        over_prompts=table.over_prompts,
        raters=Counter(vote.rater for vote in counted),
        alpha=alpha,
        shared=shared,
        left_out=len(votes) - len(counted),
    )


def require() -> None:
    """Check that evalica is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import evalica  # noqa: F401 - to see that it can be
    except ImportError as error:
        raise UsageError(
            "Strengths need evalica, which is not installed here: pip install 'rivya-nb[analysis]'. The votes are "
            "kept all the same."
        ) from error


class _Votes:
    """The votes as arrays: how often each unit of the bootstrap had each outcome of each two values."""

    def __init__(
        self, votes: Sequence[VoteRecord], by_job: Mapping[str, Contender], values: Sequence[Value]
    ) -> None:
        import numpy as np

        place = {value: at for at, value in enumerate(values)}
        size = len(values)
        self.wins = np.zeros((size, size))
        self.ties = np.zeros((size, size))
        self.prompts = len({by_job[vote.one].block for vote in votes})
        self.over_prompts = self.prompts >= ENOUGH_PROMPTS
        units: dict[Any, Counter[tuple[int, int, bool]]] = {}
        for vote in votes:
            one, other = (place[by_job[job].value] for job in (vote.one, vote.other))
            # What all raters said of one pair stays together.
            unit = by_job[vote.one].block if self.over_prompts else (vote.ranking, vote.pair)
            if vote.outcome == TIE:
                self.ties[one, other] += 1
                self.ties[other, one] += 1
                kind = (min(one, other), max(one, other), True)
            else:
                won, lost = (one, other) if vote.outcome == ONE else (other, one)
                self.wins[won, lost] += 1
                kind = (won, lost, False)
            units.setdefault(unit, Counter())[kind] += 1
        self.kinds = sorted({kind for unit in units.values() for kind in unit})
        self.by_unit = np.array([[unit[kind] for kind in self.kinds] for unit in units.values()], dtype=float)
        self.seen = (self.wins + self.wins.T + self.ties).sum(axis=1)


def _fitted(table: _Votes, draws: int, seed: int) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """The strengths, the half widths of their intervals, and of which two the order is sure."""
    import numpy as np
    from scipy.stats import norm, t

    size, units = len(table.seen), len(table.by_unit)
    if not units or size < 2:
        return np.zeros(size), np.full(size, np.inf), np.zeros((size, size), dtype=bool)
    fit = _fitter(table)
    estimate = fit(table.by_unit.sum(axis=0))
    apart = estimate[:, None] - estimate
    spread = _model_variance(table, estimate)
    # What differs in chance alone is at least as uncertain as the model says: where all votes agree, resampling
    # them shows nothing.
    tail = (1 + LEVEL) / 2
    least = norm.ppf(tail)
    half, half_apart = least * np.sqrt(np.diag(spread)), least * np.sqrt(_of_differences(spread))
    if units > 1:
        chance = np.random.default_rng(seed)
        weights = chance.multinomial(units, np.full(units, 1 / units), size=draws) @ table.by_unit
        resampled = np.array([fit(each) for each in weights])
        # Few units differ more from each other than they seem to.
        few = t.ppf(tail, units - 1) * np.sqrt(units / (units - 1))
        half = np.maximum(half, few * _spread(resampled))
        for at in range(size):
            half_apart[at] = np.maximum(half_apart[at], few * _spread(resampled[:, [at]] - resampled))
    return estimate, half, np.abs(apart) > half_apart


def _fitter(table: _Votes) -> Any:
    """A function from the weights of `table.kinds` to strengths with a mean of 0."""
    import evalica
    import numpy as np
    import pandas as pd

    size = len(table.seen)
    # The last one is the imagined average value. Indexes, since lists would be made into some for each fit.
    index = pd.Index(np.arange(size + 1))
    first = pd.Index([*(kind[0] for kind in table.kinds), *range(size)])
    second = pd.Index([*(kind[1] for kind in table.kinds), *([size] * size)])
    tied = [*(kind[2] for kind in table.kinds), *([True] * size)]
    winners = [evalica.Winner.Draw if each else evalica.Winner.X for each in tied]
    prior = np.full(size, _PRIOR)

    def fit(weights: Numbers) -> Numbers:
        fitted = evalica.bradley_terry(
            first,
            second,
            winners,
            index=index,
            weights=np.concatenate([weights, prior]).tolist(),
            tolerance=1e-5,
            limit=1000,
        )
        scores = np.empty(size + 1)
        scores[fitted.scores.index.to_numpy()] = fitted.scores.to_numpy()
        found = np.log(scores[:size])
        return np.asarray(found - found.mean())

    return fit


def _model_variance(table: _Votes, estimate: Numbers) -> Numbers:
    """The covariance of the strengths if all votes were independent: the inverse of the model's information."""
    import numpy as np

    chance = 1 / (1 + np.exp(estimate[None, :] - estimate[:, None]))
    information = (table.wins + table.wins.T + table.ties) * chance * (1 - chance)
    average = 1 / (1 + np.exp(-estimate))
    own = information.sum(axis=1) + _PRIOR * average * (1 - average)
    covariance = np.linalg.inv(np.diag(own) - information)
    # Strengths are told against their mean.
    centred = np.eye(len(estimate)) - 1 / len(estimate)
    return np.asarray(centred @ covariance @ centred)


def _spread(draws: Numbers) -> Numbers:
    """The standard deviation of each column, from the middle two thirds: a draw in which a value wins every
    time, or never, says little of how much."""
    import numpy as np

    low, high = np.quantile(draws, [0.1587, 0.8413], axis=0)
    return np.asarray((high - low) / 2)


def _of_differences(covariance: Numbers) -> Numbers:
    import numpy as np

    variance = np.diag(covariance)
    return np.asarray(variance[:, None] + variance - 2 * covariance)


def _agreement(votes: Sequence[VoteRecord]) -> tuple[float | None, int]:
    """Krippendorff's alpha over the pairs that several raters judged, and their number."""
    import evalica
    import pandas as pd

    units: dict[tuple[str, int], dict[str, float]] = {}
    for vote in votes:
        units.setdefault((vote.ranking, vote.pair), {})[vote.rater] = _CODES[vote.outcome]
    shared = [unit for unit in units.values() if len(unit) > 1]
    if not shared:
        return None, 0
    # No difference lies halfway between the two others.
    return float(evalica.alpha(pd.DataFrame(shared).T, distance="interval").alpha), len(shared)
