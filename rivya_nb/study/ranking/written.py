"""Votes as a table, as `save` of a ranking writes it: taken in by what the votes are about, in whatever store.

A row is about two values within one prompt; where the values are wordings, its prompt is that of the first one.
Which pictures a list of pairs has of them was drawn, so a row counts for each pair of the list that is about the
same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rivya_nb.contract.text import comparable, file_size, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.files import open_file
from rivya_nb.spreadsheets import harmless
from rivya_nb.store.vote_records import (
    LONGEST,
    ONE,
    OTHER,
    OUTCOMES,
    TIE,
    Judgements,
    RankingRecord,
    RaterRecord,
    VoteRecord,
)
from rivya_nb.store.votes import VoteBook
from rivya_nb.study.ranking.ballots import checked_rater
from rivya_nb.study.ranking.page import MOST_BYTES, ImportedVotes
from rivya_nb.study.ranking.pairs import Contender, label_of

_NEEDED = ("rater", "prompt", "one", "other", "better")
_LATEST = 1e11

_About = tuple[str, str, str]
"""The prompt of the first value, and two values in their order."""


def take_in(
    book: VoteBook, path: Path, ranking: RankingRecord, contenders: Mapping[str, Contender]
) -> ImportedVotes:
    """Store the votes of a table for the pairs of a ranking; `contenders` are its pictures by job.

    Rows about what no pair of the list is about are left out. Taking the same table in again changes nothing.

    Raises:
        UsageError: it is no such table, or one of its raters has judged in this ranking elsewhere. Nothing is
            stored then.
        StoreError: the store cannot be written.
    """
    data = _read(path)
    origin = f"table:{hashlib.sha256(data).hexdigest()[:32]}"
    by_rater: dict[str, dict[_About, list[tuple[int, Mapping[str, str]]]]] = {}
    for number, row in enumerate(_rows(path, data), start=2):
        rater = _rater(path, number, row["rater"])
        about = by_rater.setdefault(rater, defaultdict(list))
        about[_about(row["prompt"], row["one"], row["other"])].append((number, row))
    found = [
        vote for rater, about in by_rater.items() for vote in _votes(path, ranking, contenders, rater, about)
    ]
    raters = tuple(RaterRecord(ranking.id, rater, origin) for rater in by_rater)
    new = book.merge(Judgements((), raters, tuple(found)))
    pairs = len({vote.pair for vote in found})
    return ImportedVotes(", ".join(by_rater), len(found), pairs, new)


def _votes(
    path: Path,
    ranking: RankingRecord,
    contenders: Mapping[str, Contender],
    rater: str,
    rows: Mapping[_About, Sequence[tuple[int, Mapping[str, str]]]],
) -> list[VoteRecord]:
    used: dict[_About, int] = defaultdict(int)
    votes = []
    for place, pair in enumerate(ranking.pairs):
        one, other = contenders.get(pair.one), contenders.get(pair.other)
        if one is None or other is None:
            continue
        labels = (label_of(one.value), label_of(other.value))
        for about, turned in (
            (_about(one.prompt, *labels), False),
            (_about(other.prompt, *labels[::-1]), True),
        ):
            if not (known := rows.get(about)):
                continue
            # Where several rows are about the same, each pair takes the next of them.
            number, row = known[min(used[about], len(known) - 1)]
            used[about] += 1
            votes.append(_vote(path, number, row, ranking.id, place, pair.one, pair.other, rater, turned))
            break
    return votes


def _vote(
    path: Path,
    number: int,
    row: Mapping[str, str],
    ranking: str,
    place: int,
    one: str,
    other: str,
    rater: str,
    turned: bool,
) -> VoteRecord:
    better = row["better"]
    if better not in OUTCOMES:
        told = f"row {number}: {short_repr(better)} in the column better is none of {', '.join(OUTCOMES)}"
        raise _wrong(path, told)
    outcome = better if better == TIE or not turned else {ONE: OTHER, OTHER: ONE}[better]
    at, seconds = (_number(row.get(name), most) for name, most in (("at", _LATEST), ("seconds", LONGEST)))
    flipped = (row.get("left") == OTHER) is not turned
    return VoteRecord(ranking, place, one, other, outcome, rater, at, seconds, flipped)


def _about(prompt: str, one: str, other: str) -> _About:
    # A table may be one of a spreadsheet, which got some texts with an apostrophe before them.
    return str(harmless(comparable(prompt))), str(harmless(one)), str(harmless(other))


def _number(text: str | None, most: float) -> float:
    """A number of a table; 0 where there is none that can be one."""
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and 0 <= value <= most else 0.0


def _rater(path: Path, number: int, name: str) -> str:
    try:
        return checked_rater(name)
    except UsageError as error:
        raise _wrong(path, f"row {number}: {error.mistakes[0].message}") from None


def _read(path: Path) -> bytes:
    file, size = open_file(path)
    with file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        size = max(size, len(data))
        raise _wrong(path, f"it has {file_size(size)}, and votes take at most {file_size(MOST_BYTES)}")
    return data


def _rows(path: Path, data: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        names = reader.fieldnames or []
        rows = [{name: value or "" for name, value in row.items() if name is not None} for row in reader]
    except (ValueError, csv.Error):
        raise _wrong(path, "this is no table of votes in UTF-8, as save of a ranking writes it") from None
    if missing := [name for name in _NEEDED if name not in names]:
        raise _wrong(
            path, f"it has no column {', '.join(missing)}; a table of votes has {', '.join(_NEEDED)}"
        )
    return rows


def _wrong(path: Path, message: str) -> UsageError:
    return UsageError([Mistake(path.name, f"{message}; nothing was taken in")])
