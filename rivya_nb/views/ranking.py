"""What a ranking found, as HTML tables that also work in untrusted notebooks and dark themes, and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rivya_nb.contract.text import count, printable
from rivya_nb.views.models import text_table

WIDTH = 260
"""CSS pixels for the scale of strengths."""
MARK = 4
MOST_IN_MATRIX = 16


@dataclass(frozen=True, slots=True)
class RankedValue:
    """One value in the order: its votes, its strength with `low` and `high`, and whether its place is settled.
    The strength is the logarithm of the odds against an average value, None without a vote."""

    label: str
    wins: int
    ties: int
    losses: int
    strength: float | None
    low: float | None
    high: float | None
    settled: bool


@dataclass(frozen=True, slots=True)
class RankingView:
    """The values of `what`, as *seed*, the strongest first. `wins` and `ties` are by row and column in this
    order. `raters` are the numbers of votes by name, and `alpha` is their agreement over `shared` pairs."""

    what: str
    values: Sequence[RankedValue]
    wins: Sequence[Sequence[int]]
    ties: Sequence[Sequence[int]]
    votes: int
    prompts: int
    over_prompts: bool
    raters: Sequence[tuple[str, int]]
    alpha: float | None
    shared: int
    notes: Sequence[str] = ()

    @property
    def title(self) -> str:
        return f"Ranking of {count(len(self.values), self.what)}"

    @property
    def facts(self) -> str:
        raters = count(len(self.raters), "rater")
        return f"{count(self.votes, 'vote')} on {count(self.prompts, 'prompt')} by {raters}"

    @property
    def words(self) -> str:
        """The result in words."""
        first = next((each for each in self.values if each.strength is not None), None)
        if first is None or first.strength is None or first.low is None or first.high is None:
            return "There are no votes yet."
        least, chance, most = map(_percent, (first.low, first.strength, first.high))
        settled = sum(each.settled for each in self.values)
        order = settled_words(settled, len(self.values), self.what)
        what = f"{self.what[:1].upper()}{self.what[1:]}"
        return (
            f"{what} {printable(first.label, 60)} comes first: it would win {chance} ({least} to {most}) of "
            f"comparisons with an average {self.what}. T{order[1:]}."
        )

    @property
    def method(self) -> str:
        over = f"the {self.prompts} prompts" if self.over_prompts else "votes"
        return (
            "Strengths are of the Bradley-Terry model: the logarithm of the odds against an average "
            f"{self.what}; no difference counts as half a win for each. Intervals are 95 %, by bootstrap over "
            f"{over}, and never narrower than the number of votes allows. A place is settled if the differences "
            "to all others are sure."
        )

    @property
    def agreement(self) -> str:
        if self.alpha is None:
            return ""
        return (
            f"Agreement of raters: Krippendorff's α = {self.alpha:.2f} over {count(self.shared, 'pair')} that "
            "several judged (1 is perfect, 0 is chance)."
        )

    @property
    def all_notes(self) -> list[str]:
        notes = list(self.notes)
        if self.votes and not self.over_prompts:
            about = "one prompt" if self.prompts == 1 else f"{self.prompts} prompts, which are few"
            notes.append(f"All votes are about {about}: the intervals say nothing about other prompts.")
        return notes


@dataclass(frozen=True, slots=True)
class _Strip:
    """The widths in pixels of the parts of an interval on the scale: before it, below and above the strength."""

    before: int
    below: int
    above: int


def settled_words(settled: int, total: int, what: str) -> str:
    """`the order of 5 of 8 seeds is settled`"""
    return f"the order of {settled} of {count(total, what)} is settled"


def ranking_html(view: RankingView) -> str:
    """The view as static HTML."""
    from rivya_nb.views.run_html import environment

    low, high = _scale(view)
    return environment().get_template("ranking.html").render(
        view=view,
        rows=[(each, number_words(each), _strip(each, low, high)) for each in view.values],
        low=_signed(low),
        high=_signed(high),
        width=WIDTH,
        mark=MARK,
        matrix=len(view.values) <= MOST_IN_MATRIX and view.votes > 0,
        told=printable,
    )  # fmt: skip


def ranking_text(view: RankingView) -> str:
    """The view as plain text."""
    headings = (view.what, "strength", "wins", "no difference", "losses", "settled")
    rows = [
        (
            printable(each.label),
            number_words(each),
            str(each.wins),
            str(each.ties),
            str(each.losses),
            "yes" if each.settled else "no",
        )
        for each in view.values
    ]
    raters = ", ".join(f"{printable(name)} ({number})" for name, number in view.raters)
    lines = [f"{view.title}: {view.facts}", view.words, *text_table(headings, rows)]
    lines += [f"raters: {raters}"] if raters else []
    lines += [view.agreement] if view.agreement else []
    return "\n".join([*lines, *view.all_notes, *([view.method] if view.votes else [])])


def number_words(each: RankedValue) -> str:
    """`+0.62 (−0.10 to +1.34)`"""
    if each.strength is None or each.low is None or each.high is None:
        return "no vote"
    if math.isinf(each.high):
        return f"{_signed(each.strength)} (no interval yet)"
    return f"{_signed(each.strength)} ({_signed(each.low)} to {_signed(each.high)})"


def _signed(number: float) -> str:
    return f"{number:+.2f}".replace("-", "−")


def _percent(strength: float) -> str:
    return f"{1 / (1 + math.exp(-max(-700.0, min(700.0, strength)))):.0%}"


def _scale(view: RankingView) -> tuple[float, float]:
    """The ends of the scale: a wide interval of a single value does not press all others together."""
    strengths = [each.strength for each in view.values if each.strength is not None]
    ends = [
        end for each in view.values for end in (each.low, each.high) if end is not None and math.isfinite(end)
    ]
    reach = 3 + max(map(abs, strengths), default=0.0)
    return max(-reach, min(ends, default=-1.0)), min(reach, max(ends, default=1.0))


def _strip(each: RankedValue, low: float, high: float) -> _Strip | None:
    if each.strength is None or each.low is None or each.high is None:
        return None
    room = WIDTH - MARK

    def at(number: float) -> int:
        return round(room * (min(high, max(low, number)) - low) / (high - low or 1))

    begins, middle, ends = at(each.low), at(each.strength), at(each.high)
    return _Strip(begins, middle - begins, ends - middle)
