"""Whether pictures of two occasions differ by more than those of one occasion do: a permutation test.

A cell is one request. Of each cell there are some pictures of an earlier occasion and some of a later one. Two
pictures of one occasion differ by the noise floor of the service. If nothing has changed, it is chance which
pictures of a cell were made when: then the difference between the occasions is as likely as it would be with the
pictures dealt to them in any other way. The test compares with these, cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rivya_nb.measures.metric import Sample

KINDS = ("structure", "colour")
"""The distances that are tested, as `measures.metric.Difference` explains them."""

ALPHA = 0.05
"""A difference is called one if chance gives one as large in fewer cases than this; Holm's correction holds that
for both kinds together."""

DRAWS = 9_999
"""Ways to deal the pictures that are drawn at random where there are more than `MOST_DEALS`."""

MOST_DEALS = 50_000
"""Up to so many ways to deal the pictures, all of them are tried."""

_TINY = 1e-9
"""What float errors may make of a tie."""


@dataclass(frozen=True)
class CellDistances:
    """The distances between the pictures of one cell by their kind, each n × n; the first `then` are the earlier
    occasion's."""

    by_kind: Mapping[str, NDArray[np.float64]]
    then: int


@dataclass(frozen=True)
class Shift:
    """One kind of distance, as the mean over cells.

    `floor` is how much two pictures of one occasion differ, `between` how much one of then and one of now;
    `excess` is the difference of both, about 0 if nothing has changed. `p` is the part of all ways to deal the
    pictures that give as large an excess, corrected for several kinds. An excess of `visible` would have been
    called a difference; None if no way to deal the pictures gives one.
    """

    floor: float
    between: float
    excess: float
    visible: float | None
    p: float


@dataclass(frozen=True)
class Comparison:
    """What two occasions say together: a shift by its kind, from `pictures` of `cells`.

    Cells with fewer than two pictures of one of the occasions are `left_out`. `least_p` is the smallest p that so
    few pictures can give.
    """

    shifts: Mapping[str, Shift]
    cells: int
    pictures: int
    left_out: int
    least_p: float

    @property
    def differs(self) -> bool | None:
        """Whether the occasions differ by more than the noise floor; None if there is too little to say so."""
        if any(shift.p <= ALPHA for shift in self.shifts.values()):
            return True
        return None if self.least_p > ALPHA / len(KINDS) else False


def compare(cells: Sequence[CellDistances]) -> Comparison | None:
    """Compare two occasions; None if no cell has two pictures of each."""
    counting = [cell for cell in cells if 2 <= cell.then <= _size(cell) - 2]
    if not counting:
        return None
    deals = [_deals(_size(cell), cell.then, number) for number, cell in enumerate(counting)]
    found = {kind: _shift([cell.by_kind[kind] for cell in counting], deals) for kind in KINDS}
    corrected = holm({kind: shift.p for kind, shift in found.items()})
    return Comparison(
        {kind: Shift(s.floor, s.between, s.excess, s.visible, corrected[kind]) for kind, s in found.items()},
        cells=len(counting),
        pictures=sum(map(_size, counting)),
        left_out=len(cells) - len(counting),
        least_p=prod(_least_p(_size(cell), cell.then) for cell in counting),
    )


def floor_of(cells: Sequence[CellDistances]) -> dict[str, float]:
    """How much two pictures of the same cell differ, by kind: the mean over cells of pictures of one occasion."""
    counting = [cell for cell in cells if _size(cell) >= 2]
    return {
        kind: sum(_mean_apart(cell.by_kind[kind]) for cell in counting) / len(counting)
        for kind in KINDS
        if counting
    }


def enough_replicates(cells: int) -> int:
    """The fewest pictures of each cell and occasion with which a difference can be told from chance."""
    count = 2
    while _least_p(2 * count, count) ** cells > ALPHA / len(KINDS):
        count += 1
    return count


def cell_distances(samples: Sequence[Sample], then: int) -> CellDistances:
    """The distances between the pictures of a cell; a pair takes some 4 ms."""
    import numpy as np

    from rivya_nb.measures.metric import compare as compare_samples

    by_kind = {kind: np.zeros((len(samples), len(samples))) for kind in KINDS}
    for one, other in combinations(range(len(samples)), 2):
        difference = compare_samples(samples[one], samples[other])
        for kind, apart in by_kind.items():
            apart[one, other] = apart[other, one] = getattr(difference, kind)
    return CellDistances(by_kind, then)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p values by Holm's correction for several tests at once."""
    corrected: dict[str, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, p_values[name] * (len(p_values) - rank)))
        corrected[name] = highest
    return corrected


def _size(cell: CellDistances) -> int:
    return len(next(iter(cell.by_kind.values())))


def _least_p(size: int, then: int) -> float:
    # Two equally large occasions of a cell may be swapped without any change of their difference.
    return (2 if 2 * then == size else 1) / comb(size, then)


def _mean_apart(apart: NDArray[np.float64]) -> float:
    size = len(apart)
    return float(apart.sum() / (size * (size - 1)))


def _deals(size: int, then: int, number: int) -> NDArray[np.float64]:
    """Ways to deal a cell's pictures to the occasions, as they were dealt first: rows of 0 (then) and 1 (now).

    All of them, or `DRAWS` drawn ones; `number` makes the draws of each cell its own.
    """
    import numpy as np

    now = size - then
    as_it_is = np.arange(size) >= then
    if comb(size, now) > MOST_DEALS:
        random = np.random.default_rng(number)
        drawn = random.permuted(np.tile(as_it_is, (DRAWS, 1)), axis=1)
        return np.vstack([as_it_is, drawn]).astype(float)
    deals = np.zeros((comb(size, now), size))
    # The last combination of the reversed places is the first: the latest pictures are those of now.
    for row, places in enumerate(combinations(range(size - 1, -1, -1), now)):
        deals[row, list(places)] = 1
    return deals


def _shift(cells: Sequence[NDArray[np.float64]], deals: Sequence[NDArray[np.float64]]) -> Shift:
    import numpy as np

    parts = [_parts(apart, dealt) for apart, dealt in zip(cells, deals, strict=True)]
    excesses = [between - within for between, within in parts]
    ways = prod(map(len, excesses))
    if ways <= MOST_DEALS:
        total = np.zeros(1)
        for each in excesses:
            total = np.add.outer(total, each).ravel()
    else:
        random = np.random.default_rng(0)
        drawn = sum(each[random.integers(len(each), size=DRAWS)] for each in excesses)
        total = np.append(sum(each[0] for each in excesses), drawn)
    total = total / len(cells)
    observed = float(total[0])
    return Shift(
        floor=float(np.mean([within[0] for _, within in parts])),
        between=float(np.mean([between[0] for between, _ in parts])),
        excess=observed,
        visible=_visible(total),
        p=float(np.mean(total >= observed - _TINY)),
    )


def _parts(
    apart: NDArray[np.float64], deals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each deal, the mean distance between the occasions, and within them."""
    now, then = deals, 1 - deals
    many, few = int(now[0].sum()), int(then[0].sum())

    def total(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = ((one @ apart) * other).sum(axis=1)
        return found

    between = total(then, now) / (many * few)
    within = (total(now, now) / (many * (many - 1)) + total(then, then) / (few * (few - 1))) / 2
    return between, within


def _visible(total: NDArray[np.float64]) -> float | None:
    """The smallest excess that chance gives rarely enough; None if even the largest one is too frequent."""
    import numpy as np

    values = np.sort(total)[::-1]
    allowed = int(ALPHA / len(KINDS) * len(values) + _TINY)
    rare = values[values > values[allowed] + _TINY]
    return float(rare[-1]) if len(rare) else None
