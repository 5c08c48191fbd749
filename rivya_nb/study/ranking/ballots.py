"""What one rater is shown: the pairs in an order of their own, and each with its sides, both drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import is_whole, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.vote_records import LEFT, NONE, ONE, OTHER, RIGHT, TIE, RankingRecord, VoteRecord
from rivya_nb.study.ranking.pairs import Contender
from rivya_nb.views.words import noun


@dataclass(frozen=True, slots=True)
class Showing:
    """A place in the list of a rater: the number of the pair, and the jobs at the left and at the right."""

    pair: int
    flipped: bool
    left: str
    right: str
    question: str

    def vote(self, ranking: str, better: str, rater: str, at: float, seconds: float) -> VoteRecord:
        """The vote that the `better` side is ("left", "right" or "none"); `at` in epoch seconds."""
        one, other = (self.right, self.left) if self.flipped else (self.left, self.right)
        said = {NONE: TIE, LEFT: OTHER if self.flipped else ONE, RIGHT: ONE if self.flipped else OTHER}
        outcome = said[better]
        return VoteRecord(ranking, self.pair, one, other, outcome, rater, at, seconds, self.flipped)


def draw_order(ranking: RankingRecord, who: str) -> list[tuple[int, bool]]:
    """All pairs in the order in which somebody sees them, and whether the first one of each stands at the
    right.

    `who` is random: it gives the same order and sides every time, and they cannot be guessed without it. The
    pairs of a stage stay together, so that also the first part of a list is balanced.
    """
    drawn = {
        number: hashlib.sha256(f"{ranking.id} {who} {number}".encode()).digest()
        for number in range(len(ranking.pairs))
    }
    order = sorted(drawn, key=lambda number: (ranking.pairs[number].stage, drawn[number]))
    return [(number, bool(drawn[number][-1] & 1)) for number in order]


def showings(
    ranking: RankingRecord, order: Sequence[tuple[int, bool]], contenders: Mapping[str, Contender]
) -> list[Showing]:
    """What is shown, without the pairs of which a picture does not count any more. `contenders` by job."""
    shown = []
    for number, flipped in order:
        pair = ranking.pairs[number]
        one, other = contenders.get(pair.one), contenders.get(pair.other)
        if one is None or other is None:
            continue
        left, right = (pair.other, pair.one) if flipped else (pair.one, pair.other)
        shown.append(Showing(number, flipped, left, right, _question(one, other)))
    return shown


def _question(one: Contender, other: Contender) -> str:
    """The question, with the prompt where it is the same for both pictures: else it would tell which is which."""
    what = f"Which is the better {noun({one.medium, other.medium})}"
    if one.prompt != other.prompt:
        return f"{what}?"
    # A sound is of what was asked for, too, and shows nothing.
    between = "for" if "audio" in (one.medium, other.medium) else "of"
    return f"{what} {between} “{printable(one.prompt)}”?"


def checked_rater(name: object) -> str:
    """The name of a rater. UsageError if it is no short text."""
    if (
        not isinstance(name, str)
        or not name.strip()
        or len(name) > 60
        or not name.isprintable()
        or not is_whole(name)
    ):
        raise UsageError(
            [Mistake("rater", f'{short_repr(name)} is no name; give a text of 1 to 60 characters, as "A"')]
        )
    return name.strip()
