"""What was judged, by whom, and which pairs were to be judged: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass

ONE, OTHER, TIE = OUTCOMES = ("one", "other", "tie")
"""Which picture of a pair was better; `tie` where the rater saw no difference."""

LEFT, RIGHT, NONE = SIDES = ("left", "right", "none")
"""What a rater says, who knows nothing but the sides."""

LONGEST = 1e7
"""Seconds: a rater who looks for longer has gone home."""


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """One judgement: a rater saw the pictures of the jobs `one` and `other`, and said which is better.

    `ranking` is the id of the list of pairs, and `pair` the place in it, from 0. `outcome` is one of `OUTCOMES`.
    `at` is the time in epoch seconds, `seconds` how long the rater looked, and `flipped` says that `one` stood at
    the right.
    """

    ranking: str
    pair: int
    one: str
    other: str
    outcome: str
    rater: str
    at: float
    seconds: float
    flipped: bool


@dataclass(frozen=True, slots=True)
class RankingPair:
    """Two jobs whose pictures are to be compared. Pairs of one `stage` are shown before those of the next."""

    one: str
    other: str
    stage: int = 0


@dataclass(frozen=True, slots=True)
class RankingRecord:
    """The list of pairs that was drawn once for the pictures of `jobs`, to order the values of the axes `by`.

    `id` is random. `created_at` is in epoch seconds.
    """

    id: str
    by: tuple[str, ...]
    created_at: float
    jobs: tuple[str, ...]
    pairs: tuple[RankingPair, ...]


@dataclass(frozen=True, slots=True)
class RaterRecord:
    """Who judges under a name in one ranking. `origin` is random: two raters with one name have two of them."""

    ranking: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page for judging that was written to a file: `shown` has, for each place on the page, the pair in the list
    of the ranking, and whether its first picture stands at the right. `id` is random."""

    id: str
    ranking: str
    rater: str
    created_at: float
    shown: tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class Judgements:
    """All that was judged of some pictures: the lists of pairs, the raters, and their votes."""

    rankings: tuple[RankingRecord, ...] = ()
    raters: tuple[RaterRecord, ...] = ()
    votes: tuple[VoteRecord, ...] = ()
