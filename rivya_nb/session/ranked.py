"""Which ranking is meant: the one whose pairs were drawn for these pictures before, or a new one."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.session.ranking import Ranking, not_counted
from rivya_nb.session.showing.looks import records
from rivya_nb.store.marks import excluded
from rivya_nb.store.records import UNFINISHED
from rivya_nb.store.vote_records import RankingRecord
from rivya_nb.study.places import pictured_places
from rivya_nb.study.ranking.ballots import checked_rater
from rivya_nb.study.ranking.pairs import Contender, comparable, contenders, draw_pairs, label_of
from rivya_nb.views.layout import no_such_axis
from rivya_nb.views.words import noun, noun_of

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.store.records import RunRecord

_PROMPT = "prompt"


def open_ranking(
    record: RunRecord,
    jobs: Mapping[str, Job],
    live_records: LiveRecords,
    by: Sequence[str],
    rater: str,
) -> Ranking:
    """The ranking of these pictures by the axes `by`, with the list of pairs that was drawn when it was first
    asked for. UsageError if there is nothing to compare."""
    rater = checked_rater(rater)
    _check_axes(by, [axis.name for axis in record.axes if axis.name])
    store = live_records.store
    _check_complete(record, jobs)
    pictured = contenders(pictured_places(record, records(jobs)), by)
    left_out = excluded(store, [each.job for each in pictured])
    counted = [each for each in pictured if each.job not in left_out]
    known = comparable(counted)
    what = " and ".join(by)
    if not known:
        raise UsageError([Mistake("by", _why_nothing(counted, what, len(left_out)))])
    wanted = {each.job for each in known}

    def fits(ranking: RankingRecord) -> bool:
        missing = set(ranking.jobs) - wanted - {each.job for each in counted}
        return wanted <= set(ranking.jobs) and missing <= not_counted(
            store.jobs(missing), excluded(store, missing)
        )

    def draw() -> RankingRecord:
        pairs = draw_pairs(known, random.SystemRandom())
        jobs = tuple(each.job for each in known)
        return RankingRecord(uuid.uuid4().hex, tuple(by), time.time(), jobs, pairs)

    notes = []
    if len(known) < len(counted):
        values = {each.value for each in counted} - {each.value for each in known}
        named = ", ".join(sorted(printable(label_of(value), 30) for value in values)[:5])
        notes.append(
            f"Left out, because nothing of the same prompt links them with the others: {what} {named}."
        )
    ranking = store.votes.ranking(by, fits, draw)
    return Ranking(ranking, known, live_records, rater, notes)


def _check_complete(record: RunRecord, jobs: Mapping[str, Job]) -> None:
    """Raise UsageError if pictures are still to come, because the list of pairs is drawn only once."""
    ids = {cell.job_id for cell in record.cells}
    coming = sum(jobs[job_id].status in UNFINISHED for job_id in ids)
    if coming:
        what = noun_of(jobs[job_id].record for job_id in ids)
        ways = "wait() waits for them"
        if record.id:
            ways += f", and rv.history(run={record.id}).rank(…) ranks those that are here"
        raise UsageError(
            f"{coming} of {count(len(ids), what)} are still to come, and pairs are drawn once for all of "
            f"them: {ways}."
        )


def _check_axes(by: Sequence[str], names: Sequence[str]) -> None:
    if not by:
        raise UsageError([Mistake("by", 'name the axis whose values are ranked, as in rank(by="seed")')])
    for name in by:
        if name not in names:
            raise UsageError([Mistake("by", no_such_axis(name, names))])
        if name == _PROMPT:
            raise UsageError(
                [
                    Mistake(
                        "by",
                        "results are compared within one prompt, so prompts cannot be ranked; rank by an axis "
                        "that stands within each prompt, as seed or model",
                    )
                ]
            )
    if len(set(by)) < len(by):
        raise UsageError([Mistake("by", f"{short_repr(list(by))} names an axis twice")])


def _why_nothing(counted: Sequence[Contender], what: str, left_out: int) -> str:
    what_for = noun({each.medium for each in counted})
    less = f" ({count(left_out, what_for)} excluded)" if left_out else ""
    if len(counted) < 2:
        there = f"one {what_for}" if counted else f"no {what_for}"
        return f"a ranking compares at least two {what_for}s of one prompt, and there is {there} here{less}"
    values = {each.value for each in counted}
    if len(values) == 1:
        return f"all {what_for}s have the same {what}, {label_of(values.pop())}; a ranking compares several{less}"
    return f"no two {what_for}s of one prompt differ in {what}, and those of several are not compared{less}"
