"""A page for somebody without a kernel: one file with the pictures, and the file with votes that comes back.

The page has a random number of its own, and the store knows what that page shows at which place. The page
itself holds the pictures and the questions, and nothing else: pictures are encoded anew, under random ids and
in random order.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

import rivya_nb.widgets
from rivya_nb.contract.text import count, file_size, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.vote_records import (
    LONGEST,
    SIDES,
    Judgements,
    PageRecord,
    RankingRecord,
    RaterRecord,
    VoteRecord,
)
from rivya_nb.store.votes import VoteBook
from rivya_nb.study.ranking.ballots import Showing, checked_rater
from rivya_nb.views.run_html import environment
from rivya_nb.widgets.modules import joined

MOST_BYTES = 4_000_000
"""The most bytes of a file with votes: ten thousand votes take less than half of it."""

FORMAT, VERSION = "rivya-votes", 1

_COPY = re.compile("[0-9a-f]{32}")
_LATEST = 1e11
"""A time in epoch seconds that no clock shows for some thousand years."""

Encode = Callable[[str], tuple[str, bytes]]
"""From a job's id to the MIME type and the bytes of its picture."""


def render_page(page_id: str, rater: str, shown: Sequence[Showing], encode: Encode) -> str:
    """The document. It encodes every picture: call it off the event loop."""
    chance = random.SystemRandom()
    jobs = list({job for each in shown for job in (each.left, each.right)})
    chance.shuffle(jobs)
    ids = {job: secrets.token_hex(6) for job in jobs}
    questions = list({each.question for each in shown})
    chance.shuffle(questions)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as workers:
        pictures = dict(zip(jobs, workers.map(encode, jobs), strict=True))
    judged = {
        "page": page_id,
        "rater": rater,
        "questions": questions,
        "pairs": [[ids[each.left], ids[each.right], questions.index(each.question)] for each in shown],
        "shown": {
            ids[job]: f"data:{kind};base64,{base64.b64encode(data).decode()}"
            for job, (kind, data) in pictures.items()
        },
    }
    script, style = _script(), _style()
    return environment().get_template("judge.html").render(
        judged=_as_script(judged),
        script=Markup(script),  # noqa: S704 - our own
        style=Markup(style),  # noqa: S704 - our own
        script_hash=_hash(script),
        style_hash=_hash(style),
    )  # fmt: skip


def _as_script(value: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))  # noqa: S704


@cache
def _script() -> str:
    return joined(_widgets() / "judge_page.js")


@cache
def _style() -> str:
    sheet = (_widgets() / "judge.css").read_text(encoding="utf-8")
    return f"html {{ color-scheme: light dark; }} body {{ margin: 0; background: Canvas; }}\n{sheet}"


def _widgets() -> Path:
    return Path(rivya_nb.widgets.__path__[0])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# What comes back


@dataclass(frozen=True, slots=True)
class ImportedVotes:
    """What an imported file held: `votes` of `pairs`, of which `new` were not in the store, given by `rater`."""

    rater: str
    votes: int
    pairs: int
    new: int

    def __repr__(self) -> str:
        news = f"{self.new} of them new" if self.new else "all of them known already"
        return (
            f"<{count(self.votes, 'vote')} of rater {short_repr(self.rater)} on {self.pairs} pairs, {news}>"
        )


def import_votes(book: VoteBook, path: Path, rater: str | None = None) -> ImportedVotes:
    """Store the votes of a file that a page gave, under the name that the page was written for, or as `rater`.

    Raises:
        UsageError: this is no such file, its page is not known here, or the name is somebody else's. Nothing is
            stored then.
        StoreError: the store cannot be written.
    """
    told = _read(path)
    known = book.page(told.page)
    if known is None:
        raise _wrong(
            path,
            "these votes are from a page that this store did not write: they belong to another study or another "
            "store. rv.connect(store=…) opens the store that wrote it",
        )
    page, ranking = known
    for vote in told.votes:
        if vote.place >= len(page.shown):
            raise _wrong(
                path, f"its page has {count(len(page.shown), 'pair')}, and there is a vote on another one"
            )
    name = page.rater if rater is None else checked_rater(rater)
    votes = tuple(_vote(vote, page, ranking, name) for vote in told.votes)
    try:
        new = book.merge(Judgements((), (RaterRecord(ranking.id, name, f"page:{told.copy}"),), votes))
    except UsageError:
        raise UsageError(
            [
                Mistake(
                    "rater",
                    f"there are votes of another rater {short_repr(name)} in this ranking already, and nothing "
                    f"was imported; if this is somebody else: rv.import_votes({short_repr(path.name)}, "
                    'rater="…") with another name',
                )
            ]
        ) from None
    return ImportedVotes(name, len(votes), len(page.shown), new)


@dataclass(frozen=True, slots=True)
class _Told:
    place: int
    better: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _File:
    page: str
    copy: str
    votes: tuple[_Told, ...]


def _vote(vote: _Told, page: PageRecord, ranking: RankingRecord, rater: str) -> VoteRecord:
    number, flipped = page.shown[vote.place]
    pair = ranking.pairs[number]
    left, right = (pair.other, pair.one) if flipped else (pair.one, pair.other)
    showing = Showing(number, flipped, left, right, "")
    return showing.vote(ranking.id, vote.better, rater, vote.at, vote.seconds)


def _read(path: Path) -> _File:
    from rivya_nb.files import open_file

    file, size = open_file(path)
    with file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _wrong(
            path, f"it has {file_size(max(size, len(data)))}, and votes take at most {file_size(MOST_BYTES)}"
        )
    try:
        # A number that JSON does not know, or one with a million digits, is refused.
        told = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
        return _checked(told)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise _wrong(
            path,
            "this is no file of votes; the button “Save the votes” of a page that write_page wrote makes one",
        ) from None


def _refuse(_constant: str) -> float:
    raise ValueError


def _checked(told: Any) -> _File:
    """The file's content; ValueError, TypeError or KeyError if it is anything else."""
    if not isinstance(told, Mapping) or told["format"] != FORMAT or type(told["version"]) is not int:
        raise ValueError
    if told["version"] != VERSION or not isinstance(told["votes"], list):
        raise ValueError
    page, copy = told["page"], told["copy"]
    if not (
        isinstance(page, str) and isinstance(copy, str) and _COPY.fullmatch(page) and _COPY.fullmatch(copy)
    ):
        raise ValueError
    votes = tuple(_checked_vote(each) for each in told["votes"])
    if len({vote.place for vote in votes}) != len(votes):
        raise ValueError
    return _File(page, copy, votes)


def _checked_vote(told: Any) -> _Told:
    place, better = told["place"], told["better"]
    if type(place) is not int or place < 0 or not isinstance(better, str) or better not in SIDES:
        raise ValueError
    return _Told(place, better, _number(told["at"], _LATEST), _number(told["seconds"], LONGEST))


def _number(told: Any, most: float) -> float:
    if type(told) not in (int, float) or not math.isfinite(told) or not 0 <= told <= most:
        raise ValueError
    return float(told)


def _wrong(path: Path, message: str) -> UsageError:
    return UsageError([Mistake(path.name, f"{message}; nothing was imported")])


def new_page(ranking: RankingRecord, rater: str, shown: Sequence[Showing]) -> PageRecord:
    """A page that shows this, under a new random number."""
    made = PageRecord(secrets.token_hex(16), ranking.id, rater, time.time(), ())
    return replace(made, shown=tuple((each.pair, each.flipped) for each in shown))
