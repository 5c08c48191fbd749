"""A ranking: pictures judged blind in pairs, and the order of the values of an axis that follows."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count, short_repr
from rivya_nb.errors import Mistake, PictureError, StoreError, UsageError
from rivya_nb.files import target_file, user_path
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.media.frames import require_ffmpeg
from rivya_nb.session.showing.displays import Kept
from rivya_nb.session.showing.live import in_notebook
from rivya_nb.session.showing.looks import fetcher
from rivya_nb.session.showing.rankings import Progress, Strengths
from rivya_nb.session.showing.tables import table
from rivya_nb.spreadsheets import csv_bytes
from rivya_nb.store.marks import excluded
from rivya_nb.store.vote_records import ONE, TIE, RankingRecord, VoteRecord
from rivya_nb.study.ranking.ballots import Showing, draw_order, showings
from rivya_nb.study.ranking.pairs import Contender, label_of
from rivya_nb.views.ranking import (
    settled_words,
)
from rivya_nb.views.run_view import Hint
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.session.showing.written import WrittenFile
    from rivya_nb.store.records import JobRecord
    from rivya_nb.study.ranking.page import ImportedVotes
    from rivya_nb.study.ranking.strengths import Result
    from rivya_nb.widgets.judge import Judge

CLOSE_BOX, PAGE_BOX = (2048, 2048), (1024, 1024)
"""The most pixels of a picture in a notebook, where it can be zoomed to, and on a page."""

CLOSE_BYTES, PAGE_BYTES = 4_000_000, 1_500_000
"""About the most bytes of a video or sound in a notebook, of which one message takes two, and on a page."""

_OPENS = Hint("", "Run this cell again to go on judging.")


def not_counted(known: Mapping[str, JobRecord], excluded_ids: set[str]) -> set[str]:
    """The ids of those jobs whose pictures are excluded or deleted."""
    return excluded_ids | {job_id for job_id, job in known.items() if not job.pictures}


class Ranking:
    """Pictures, videos or sounds judged blind, in pairs. As a cell's value it shows the pairs that its rater has
    not judged yet, and then the `strengths`.

    `rater` is the name under which votes are kept. The list of pairs was fixed when the ranking was first asked
    for; only its own votes count in it.
    """

    def __init__(
        self,
        record: RankingRecord,
        known: Sequence[Contender],
        live_records: LiveRecords,
        rater: str,
        notes: Sequence[str] = (),
    ) -> None:
        self.record = record
        self.rater = rater
        self.notes = tuple(notes)
        self._contenders = {each.job: each for each in known}
        self._live_records = live_records
        self._store = live_records.store
        # The newest result with what it was made of: the same votes always give the same one.
        self._known: tuple[tuple[list[VoteRecord], list[Contender], int], Result] | None = None

    @property
    def what(self) -> str:
        """What is ranked: the name of the axis, or of several."""
        return " and ".join(self.record.by)

    @property
    def noun(self) -> str:
        """The word for one of what is judged: `picture`, `video`, `sound`, or `result` where they differ."""
        return noun({each.medium for each in self._contenders.values()})

    @property
    def pairs(self) -> int:
        """How many pairs there are, without those of which one does not count any more."""
        return len(
            showings(self.record, [(at, False) for at in range(len(self.record.pairs))], self._counted())
        )

    @property
    def left(self) -> int:
        """How many pairs this rater has not judged yet."""
        counted = self._counted()
        judged = {
            vote.pair
            for vote in self._store.votes.of(self.record.id)
            if vote.rater == self.rater and vote.one in counted and vote.other in counted
        }
        return self.pairs - len(judged)

    @property
    def strengths(self) -> Strengths:
        """The result of all votes until now: it shows itself, and stays current."""
        return Strengths(self)

    @property
    def agreement(self) -> float | None:
        """Krippendorff's alpha of the raters over the pairs that several of them judged: 1 is perfect, 0 is
        chance. None where no two raters judged the same pair."""
        return self._result().alpha

    @property
    def wins(self) -> DataFrame:
        """The matrix of wins: how often the row's value won against the column's.

        Raises:
            UsageError: pandas or evalica is not installed.
        """
        result = self._result()
        labels = [label_of(each.value) for each in result.strengths]
        frame = table([dict(zip(labels, row, strict=True)) for row in result.wins])
        frame.index = frame.columns.rename(self.what)
        return frame

    def to_pandas(self) -> DataFrame:
        """One row for each value, the strongest first: its strength (the logarithm of the odds against an
        average value) with its 95 % interval, wins, ties and losses, and whether its place is settled.

        Raises:
            UsageError: pandas or evalica is not installed.
        """
        return table(
            [
                {
                    **dict(zip(self.record.by, each.value, strict=True)),
                    "strength": each.strength,
                    "low": each.low,
                    "high": each.high,
                    "wins": each.wins,
                    "ties": each.ties,
                    "losses": each.losses,
                    "settled": each.settled,
                }
                for each in self._result().strengths
            ]
        )

    def votes(self) -> DataFrame:
        """One row for each vote: who gave it when, how long it took, which pictures stood where, and which won.

        Raises:
            UsageError: pandas is not installed.
        """
        return table(self._vote_rows())

    def save(self, path: str | os.PathLike[str]) -> WrittenFile:
        """Write the votes as a CSV file, a row for each vote, as `votes()` gives them; its absolute path.

        Raises:
            UsageError: `path` can be no file's.
            StoreError: the file cannot be written.
        """
        rows = self._vote_rows()
        names = list(rows[0]) if rows else ["rater"]
        return _written(target_file(path), csv_bytes(names, [row.values() for row in rows]))

    def read(self, path: str | os.PathLike[str]) -> ImportedVotes:
        """Take in the votes of a CSV file as `save` writes it, also of another store.

        It needs the columns `rater`, `prompt`, `one`, `other` (both values) and `better` ("one", "other" or
        "tie"). A row counts for each pair of this ranking that compares these values within this prompt; rows
        that fit no pair are left out. Where wordings are ranked, `prompt` is the whole prompt of `one`. Reading a
        file again changes nothing.

        Raises:
            UsageError: it is no such file, or one of its raters has judged here already. Nothing is taken in then.
            StoreError: the store cannot be written.
        """
        from rivya_nb.study.ranking.written import take_in

        return take_in(self._store.votes, user_path(path), self.record, self._contenders)

    def judge(self) -> Judge:
        """The widget that shows the pairs, also where all of them are judged: Z takes votes back.

        Raises:
            UsageError: the rater's name belongs to somebody who judged elsewhere; or there is no ffmpeg (the extra
                `video`), and videos or sounds are judged.
        """
        from rivya_nb.widgets.judge import Ballot, Judge

        self._require_encoder()
        who = self._store.votes.join(self.record.id, self.rater)
        counted = self._counted()
        shown = showings(self.record, draw_order(self.record, who.origin), counted)
        place = {each.pair: at for at, each in enumerate(shown)}
        mine = [vote for vote in self._store.votes.of(self.record.id) if vote.rater == self.rater]
        questions = list(dict.fromkeys(each.question for each in shown))
        random.shuffle(questions)
        asked = {question: at for at, question in enumerate(questions)}
        ballot = Ballot(
            rater=self.rater,
            questions=questions,
            asked=[asked[each.question] for each in shown],
            judged=[place[vote.pair] for vote in mine if vote.pair in place],
        )
        return Judge(
            ballot,
            _Box(self, shown),
            Kept(self._live_records, _OPENS, lambda: Progress(self))._ipython_display_,
        )

    def write_page(self, path: str | os.PathLike[str]) -> WrittenFile:
        """Write a page with all pairs for somebody without a kernel: one HTML file, which works without a
        network. The rater saves the votes there as a file, and `rv.import_votes` takes them in.

        The pictures, of at most 1024 pixels a side, and videos and sounds, of about 1.5 MB at most, are encoded
        anew, under random names; neither what is ranked nor anything else is in the page but the prompts that are
        asked about. Name the rater for whom it
        is: `run.rank(by="seed", rater="B").write_page("judge.html")`.

        Raises:
            UsageError: `path` can be no file's, there are votes under the rater's name already, or ffmpeg is
                missing, as for `judge`.
            StoreError: the file cannot be written, or a picture is gone.
        """
        from rivya_nb.study.ranking.page import new_page, render_page

        target = target_file(path)
        self._require_encoder()
        if self.rater in self._store.votes.raters(self.record.id):
            raise UsageError(
                [
                    Mistake(
                        "rater",
                        f"rater {short_repr(self.rater)} has judged here already; name the one for whom the page "
                        f'is, as in rank(by={short_repr(self.record.by[0])}, rater="B").write_page(…)',
                    )
                ]
            )
        everything = showings(self.record, draw_order(self.record, uuid.uuid4().hex), self._counted())
        page = new_page(self.record, self.rater, everything)

        def encode(job_id: str) -> tuple[str, bytes]:
            try:
                return self.file(job_id, PAGE_BOX, PAGE_BYTES)
            except PictureError as error:
                raise StoreError(
                    f"No page was written: {error} (job {job_id[:8]}). job.exclude(…) leaves it out of the "
                    "ranking."
                ) from None

        html = WorkLoop.find().aside(lambda: render_page(page.id, self.rater, everything, encode))
        written = _written(target, html.encode("utf-8", "replace"))
        self._store.votes.add_page(page)
        return written

    def file(self, job_id: str, box: tuple[int, int], most: int) -> tuple[str, bytes]:
        """The MIME type and the bytes of a job's result, encoded anew: a picture within `box` pixels, a video or
        sound of about `most` bytes at most. PictureError if it cannot be read."""
        from rivya_nb.study.ranking.plain import plain_clip, plain_picture

        job = self._store.jobs([job_id]).get(job_id)
        if job is None or not job.pictures:
            raise PictureError(f"a {self.noun} was deleted meanwhile")
        record = job.pictures[0]
        path = fetcher(self._store.files)(record)
        if record.medium == "image":
            return plain_picture(path, box)
        small = self._store.files.thumbnails
        return f"{record.medium}/webm", small.derived(
            path, f"plain-{most}", lambda path: plain_clip(path, most)
        )

    def _require_encoder(self) -> None:
        if any(each.medium != "image" for each in self._counted().values()):
            require_ffmpeg("Videos and sounds that are judged blind are encoded anew by ffmpeg")

    def result(self, draws: int | None = None) -> Result:
        """What the votes say. It takes about a second: call it off the event loop."""
        from rivya_nb.study.ranking.strengths import DRAWS, result

        votes, counted = self._store.votes.of(self.record.id), list(self._counted().values())
        asked = (votes, counted, draws or DRAWS)
        known = self._known
        if known is None or known[0] != asked:
            known = self._known = (asked, result(*asked))
        return known[1]

    def _result(self) -> Result:
        return WorkLoop.find().aside(self.result)

    def _counted(self) -> dict[str, Contender]:
        """The contenders whose pictures count still, by job."""
        ids = list(self._contenders)
        gone = not_counted(self._store.jobs(ids), excluded(self._store, ids))
        return {job: each for job, each in self._contenders.items() if job not in gone}

    def _vote_rows(self) -> list[dict[str, Any]]:
        jobs = self._store.jobs(list(self.record.jobs))
        rows: list[dict[str, Any]] = []
        for vote in self._store.votes.of(self.record.id):
            one, other = self._contenders.get(vote.one), self._contenders.get(vote.other)
            better = "tie" if vote.outcome == TIE else "one" if vote.outcome == ONE else "other"
            rows.append(
                {
                    "rater": vote.rater,
                    "prompt": jobs[vote.one].prompt if vote.one in jobs else None,
                    "one": label_of(one.value) if one else None,
                    "other": label_of(other.value) if other else None,
                    "better": better,
                    "at": vote.at,
                    "seconds": vote.seconds,
                    "left": "other" if vote.flipped else "one",
                    "pair": vote.pair,
                    "one_job": vote.one,
                    "other_job": vote.other,
                }
            )
        return rows

    def _ipython_display_(self) -> None:
        if not in_notebook() or not self.left:
            return self.strengths._ipython_display_()
        from IPython.display import display

        display(self.judge())
        return None

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.strengths._repr_mimebundle_()

    def __repr__(self) -> str:
        return (
            f"<Ranking by {self.what}: {count(self.pairs, 'pair')}, {self.left} left for rater "
            f"{short_repr(self.rater)}>"
        )


class _Box:
    """Gives a widget the files of its places, and takes its votes."""

    def __init__(self, ranking: Ranking, shown: Sequence[Showing]) -> None:
        self._ranking = ranking
        self._shown = shown
        self._votes = ranking._store.votes

    def files(self, place: int) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        showing = self._shown[place]
        try:
            left, right = (
                self._ranking.file(job, CLOSE_BOX, CLOSE_BYTES) for job in (showing.left, showing.right)
            )
        except PictureError:
            # Why would tell the rater the name of a file.
            raise StoreError(
                f"A {self._ranking.noun} of this pair is gone or cannot be read; S skips the pair."
            ) from None
        return left, right

    def vote(self, place: int, better: str, seconds: float) -> None:
        ranking = self._ranking
        self._votes.cast(
            self._shown[place].vote(ranking.record.id, better, ranking.rater, time.time(), seconds)
        )

    def take_back(self, place: int) -> None:
        ranking = self._ranking
        self._votes.take_back(ranking.record.id, self._shown[place].pair, ranking.rater)

    def sure(self) -> str:
        from rivya_nb.study.ranking.strengths import FEW_DRAWS

        result = self._ranking.result(FEW_DRAWS)
        return settled_words(result.settled, len(result.strengths), self._ranking.what)


def _written(target: Path, data: bytes) -> WrittenFile:
    from rivya_nb.session.showing.written import WrittenFile
    from rivya_nb.store.files import write_whole
    from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble

    with disk_trouble(target, ANOTHER_PLACE):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)
    return WrittenFile(target)
