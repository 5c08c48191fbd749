"""What a ranking looks like in a cell: its result, and what stays of the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, printable
from rivya_nb.errors import UsageError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.session.showing.displays import Shown
from rivya_nb.study.ranking.pairs import label_of
from rivya_nb.views.ranking import RankedValue, RankingView, ranking_html, ranking_text

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.session.ranking import Ranking
    from rivya_nb.session.showing.looks import Bundle


class Progress(Shown):
    """What stays of the widget in its cell: how far the rater is, and nothing of how the votes stand."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._live_records = ranking._live_records

    def _bundle(self) -> Bundle:
        from markupsafe import escape

        ranking = self._ranking
        judged = ranking.pairs - ranking.left
        words = (
            f"Ranking by {printable(ranking.what)}: rater {printable(ranking.rater)} has judged {judged} of "
        )
        words += f"{count(ranking.pairs, 'pair')}. The strengths of the ranking show the result."
        return {"text/html": f"<div>{escape(words)}</div>", "text/plain": words}

    def _glance(self) -> object:
        return self._ranking.left, self._ranking.pairs


class Strengths(Shown):
    """The result of a ranking. A notebook shows it as static HTML, which stays current as votes come."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._live_records = ranking._live_records

    def to_pandas(self) -> DataFrame:
        """As `to_pandas` of the ranking gives it."""
        return self._ranking.to_pandas()

    @property
    def view(self) -> RankingView:
        """What is shown, as data. It takes about a second: call it off the event loop."""
        ranking = self._ranking
        result = ranking.result()
        notes = list(ranking.notes)
        if result.left_out:
            notes.append(
                f"{count(result.left_out, 'vote')} on {ranking.noun}s that are excluded or deleted since, left out"
            )
        return RankingView(
            what=ranking.what,
            values=[
                RankedValue(
                    label_of(each.value),
                    each.wins,
                    each.ties,
                    each.losses,
                    each.strength,
                    each.low,
                    each.high,
                    each.settled,
                )
                for each in result.strengths
            ],
            wins=result.wins,
            ties=result.ties,
            votes=result.votes,
            prompts=result.prompts,
            over_prompts=result.over_prompts,
            raters=sorted(result.raters.items()),
            alpha=result.alpha,
            shared=result.shared,
            notes=notes,
        )

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return WorkLoop.find().aside(self._bundle)

    def _bundle(self) -> Bundle:
        try:
            view = self.view
        except UsageError as error:
            # What is missing is a package; the votes are there.
            return {"text/plain": str(error)}
        return {"text/html": ranking_html(view), "text/plain": ranking_text(view)}

    def _glance(self) -> object:
        ranking = self._ranking
        return ranking._store.votes.of(ranking.record.id), list(ranking._counted())

    def __repr__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]
