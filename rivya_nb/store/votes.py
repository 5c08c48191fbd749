"""The votes on pictures, the lists of pairs that they are about, and the pages that were given to others."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    select,
)

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.store.columns import Name, Words, insert_for
from rivya_nb.store.database import Database
from rivya_nb.store.lookup import all_numbers_of, numbers_of
from rivya_nb.store.news import News
from rivya_nb.store.rows import portions
from rivya_nb.store.schema import jobs, metadata
from rivya_nb.store.vote_records import (
    Judgements,
    PageRecord,
    RankingPair,
    RankingRecord,
    RaterRecord,
    VoteRecord,
)
from rivya_nb.store.writing import take_turns

rankings = Table(
    "rankings",
    metadata,
    Column("id", String(64), primary_key=True),
    # JSON: the names of the axes; the jobs and, by their places among them, the pairs with their stage.
    Column("by", Words, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("design", Words, nullable=False),
    Index("rankings_by_axes", "by").ddl_if(dialect="sqlite"),
)

raters = Table(
    "raters",
    metadata,
    Column("ranking", ForeignKey("rankings.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("origin", String(64), nullable=False),
    # Whether this rater judges in a notebook with this store; others judged on a page, or with another store.
    Column("here", Boolean, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("ranking", ForeignKey("rankings.id", ondelete="CASCADE"), primary_key=True),
    Column("pair", Integer, primary_key=True),
    Column("rater", Name, primary_key=True),
    Column("one", ForeignKey("jobs.number"), nullable=False, index=True),
    Column("other", ForeignKey("jobs.number"), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("flipped", Boolean, nullable=False),
)

judging_pages = Table(
    "judging_pages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("ranking", ForeignKey("rankings.id", ondelete="CASCADE"), nullable=False),
    Column("rater", Words, nullable=False),
    Column("created_at", Float, nullable=False),
    # JSON: the pair and the side of its first picture, for each place on the page.
    Column("shown", Words, nullable=False),
)


class VoteBook:
    """The votes of one store. Each call that writes is one transaction; `changes` notifies of new votes.

    A rater has one vote for each pair of a ranking.
    """

    def __init__(self, database: Database) -> None:
        self.changes = News()
        self._database = database

    # Rankings

    def ranking(
        self, by: Sequence[str], fits: Callable[[RankingRecord], bool], draw: Callable[[], RankingRecord]
    ) -> RankingRecord:
        """The newest ranking by these axes that `fits`; where there is none, the one that `draw` makes, which is
        stored. Two kernels that ask at the same time get the same one."""
        with self._database.reading() as connection:
            known = _newest(connection, by, fits)
        if known is not None:
            return known
        with self._database.writing() as connection:
            take_turns(connection, "rankings", [json.dumps(list(by))])
            known = _newest(connection, by, fits)
            if known is None:
                known = draw()
                connection.execute(insert(rankings).values(_ranking_row(known)))
        return known

    # Votes

    def of(self, ranking: str) -> list[VoteRecord]:
        """The votes of a ranking, in the order in which they were given."""
        with self._database.reading() as connection:
            return _votes(connection, votes.c.ranking == ranking)

    def among(self, job_ids: Iterable[str]) -> list[VoteRecord]:
        """All votes between two of these jobs, of any ranking, in the order in which they were given."""
        with self._database.reading() as connection:
            return _among(connection, job_ids)

    def cast(self, vote: VoteRecord) -> None:
        """Store a vote; an earlier one of the same rater on the same pair is replaced. StoreError if the store
        has no such job."""
        with self._database.writing() as connection:
            _put(connection, [vote])
        self.changes.tell()

    def take_back(self, ranking: str, pair: int, rater: str) -> None:
        """Delete a vote; nothing happens if there is none."""
        mine = (votes.c.ranking == ranking) & (votes.c.pair == pair) & (votes.c.rater == rater)
        with self._database.writing() as connection:
            connection.execute(delete(votes).where(mine))
        self.changes.tell()

    # Raters

    def raters(self, ranking: str) -> dict[str, RaterRecord]:
        """The raters of a ranking by their names."""
        with self._database.reading() as connection:
            found = connection.execute(select(raters).where(raters.c.ranking == ranking)).mappings()
            return {row["name"]: _rater(row) for row in found}

    def join(self, ranking: str, name: str) -> RaterRecord:
        """The rater with this name, who judges in notebooks with this store.

        Raises:
            UsageError: the name belongs to somebody who judged elsewhere.
        """
        mine = (raters.c.ranking == ranking) & (raters.c.name == name)
        with self._database.reading() as connection:
            row = connection.execute(select(raters).where(mine)).mappings().one_or_none()
        if row is None:
            with self._database.writing() as connection:
                made = RaterRecord(ranking, name, uuid.uuid4().hex)
                new = insert_for(connection, raters).values(**asdict(made), here=True)
                connection.execute(new.on_conflict_do_nothing())
                row = connection.execute(select(raters).where(mine)).mappings().one()
        if not row["here"]:
            message = (
                f"the votes of a rater {short_repr(name)} came from a page or from another store; choose another "
                'name, as in rater="B"'
            )
            raise UsageError([Mistake("rater", message)])
        return _rater(row)

    # Pages

    def add_page(self, page: PageRecord) -> None:
        """Remember a page that is given to somebody else."""
        row = {**asdict(page), "shown": json.dumps(page.shown)}
        with self._database.writing() as connection:
            connection.execute(insert(judging_pages).values(row))

    def page(self, page_id: str) -> tuple[PageRecord, RankingRecord] | None:
        """A page that was written with this store, and its ranking; None if there is no such page."""
        with self._database.reading() as connection:
            wanted = select(judging_pages).where(judging_pages.c.id == page_id)
            row = connection.execute(wanted).mappings().one_or_none()
            if row is None:
                return None
            [ranking] = _rankings(connection, [row["ranking"]])
        shown = tuple((pair, bool(flipped)) for pair, flipped in json.loads(row["shown"]))
        return PageRecord(row["id"], row["ranking"], row["rater"], row["created_at"], shown), ranking

    # To and from other stores

    def judgements(self, job_ids: Iterable[str]) -> Judgements:
        """All that was judged between two of these jobs, to give it to another store."""
        with self._database.reading() as connection:
            found = _among(connection, job_ids)
            ids = list(dict.fromkeys(vote.ranking for vote in found))
            who = {(vote.ranking, vote.rater) for vote in found}
            known = [
                _rater(row)
                for some in portions(ids)
                for row in connection.execute(select(raters).where(raters.c.ranking.in_(some))).mappings()
            ]
            return Judgements(
                rankings=tuple(_rankings(connection, ids)),
                raters=tuple(rater for rater in known if (rater.ranking, rater.name) in who),
                votes=tuple(found),
            )

    def merge(self, judged: Judgements) -> int:
        """Store what is new, all or nothing; gives the number of votes that are new or newer than those here.

        Every job must be in the store. What is here already is left, so merging twice changes nothing.

        Raises:
            UsageError: a rater's name belongs to somebody else in the same ranking, or a ranking is another one
                here.
            StoreError: the store has no such job.
        """
        with self._database.writing() as connection:
            # Their numbers are told, so that what is new must not become so twice.
            take_turns(connection, "rankings", [ranking.id for ranking in judged.rankings])
            ids = list(dict.fromkeys(ranking.id for ranking in judged.rankings))
            known = {ranking.id: ranking for ranking in _rankings(connection, ids)}
            for ranking in judged.rankings:
                # A vote names a pair by its place in the list.
                if ranking.id in known and known[ranking.id].pairs != ranking.pairs:
                    message = "this store has another list of pairs with this id; no vote was imported"
                    raise UsageError([Mistake(f"ranking {ranking.id}", message)])
            rows = [_ranking_row(ranking) for ranking in judged.rankings if ranking.id not in known]
            if rows:
                connection.execute(insert_for(connection, rankings).on_conflict_do_nothing(), rows)
            for rater in judged.raters:
                _admit(connection, rater)
            earlier = _times(connection, [*ids, *{vote.ranking for vote in judged.votes}])
            new = [vote for vote in judged.votes if vote.at > earlier.get(_place(vote), float("-inf"))]
            _put(connection, new, only_newer=True)
        if new:
            self.changes.tell()
        return len(new)


def _newest(
    connection: Connection, by: Sequence[str], fits: Callable[[RankingRecord], bool]
) -> RankingRecord | None:
    wanted = select(rankings).where(rankings.c.by == json.dumps(list(by)))
    found = connection.execute(wanted.order_by(rankings.c.created_at.desc(), rankings.c.id)).mappings()
    return next((record for record in map(_ranking, found) if fits(record)), None)


def _rankings(connection: Connection, ids: Sequence[str]) -> list[RankingRecord]:
    return [
        _ranking(row)
        for some in portions(ids)
        for row in connection.execute(select(rankings).where(rankings.c.id.in_(some))).mappings()
    ]


def _ranking_row(record: RankingRecord) -> dict[str, Any]:
    place = {job: number for number, job in enumerate(record.jobs)}
    pairs = [[place[pair.one], place[pair.other], pair.stage] for pair in record.pairs]
    return {
        "id": record.id,
        "by": json.dumps(list(record.by)),
        "created_at": record.created_at,
        "design": json.dumps({"jobs": record.jobs, "pairs": pairs}),
    }


def _ranking(row: RowMapping) -> RankingRecord:
    design = json.loads(row["design"])
    names = design["jobs"]
    pairs = tuple(RankingPair(names[one], names[other], stage) for one, other, stage in design["pairs"])
    return RankingRecord(row["id"], tuple(json.loads(row["by"])), row["created_at"], tuple(names), pairs)


def _rater(row: RowMapping) -> RaterRecord:
    return RaterRecord(row["ranking"], row["name"], row["origin"])


def _admit(connection: Connection, rater: RaterRecord) -> None:
    """Let a rater from elsewhere in. UsageError if the name belongs to somebody else."""
    mine = (raters.c.ranking == rater.ranking) & (raters.c.name == rater.name)
    new = insert_for(connection, raters).values(**asdict(rater), here=False)
    connection.execute(new.on_conflict_do_nothing())
    if connection.execute(select(raters.c.origin).where(mine)).scalar_one() != rater.origin:
        message = (
            f"there are votes of another rater {short_repr(rater.name)} in this ranking already; nothing was "
            "imported: give these another name"
        )
        raise UsageError([Mistake("rater", message)])


def _votes(connection: Connection, *conditions: Any) -> list[VoteRecord]:
    one, other = jobs.alias(), jobs.alias()
    names = ("ranking", "pair", "outcome", "rater", "at", "seconds", "flipped")
    wanted = (
        select(one.c.id.label("one"), other.c.id.label("other"), *(votes.c[name] for name in names))
        .join(one, one.c.number == votes.c.one)
        .join(other, other.c.number == votes.c.other)
        .where(*conditions)
        .order_by(votes.c.at, votes.c.ranking, votes.c.pair, votes.c.rater)
    )
    return [VoteRecord(**row) for row in connection.execute(wanted).mappings()]


def _among(connection: Connection, job_ids: Iterable[str]) -> list[VoteRecord]:
    wanted = set(job_ids)
    numbers = list(numbers_of(connection, wanted).values())
    found = [vote for some in portions(numbers) for vote in _votes(connection, votes.c.one.in_(some))]
    within = (vote for vote in found if vote.other in wanted)
    return sorted(within, key=lambda vote: (vote.at, vote.ranking, vote.pair, vote.rater))


def _place(vote: VoteRecord) -> tuple[str, int, str]:
    return vote.ranking, vote.pair, vote.rater


def _times(connection: Connection, ranking_ids: Sequence[str]) -> Mapping[tuple[str, int, str], float]:
    """When the votes of these rankings were given."""
    places = (votes.c.ranking, votes.c.pair, votes.c.rater, votes.c.at)
    return {
        (ranking, pair, rater): at
        for some in portions(ranking_ids)
        for ranking, pair, rater, at in connection.execute(select(*places).where(votes.c.ranking.in_(some)))
    }


def _put(connection: Connection, new: Sequence[VoteRecord], *, only_newer: bool = False) -> None:
    """Store votes, in the place of those that the same raters gave on the same pairs, if these are older."""
    if not new:
        return
    numbers = all_numbers_of(
        connection, list(dict.fromkeys(job for vote in new for job in (vote.one, vote.other)))
    )
    rows = [{**asdict(vote), "one": numbers[vote.one], "other": numbers[vote.other]} for vote in new]
    statement = insert_for(connection, votes)
    key = list(votes.primary_key.columns)
    values = {column.name: statement.excluded[column.name] for column in votes.columns if column not in key}
    replaced = statement.on_conflict_do_update(
        index_elements=key, set_=values, where=statement.excluded.at > votes.c.at if only_newer else None
    )
    # In one order, so that none of two waits for the other one.
    connection.execute(replaced, sorted(rows, key=lambda row: (row["ranking"], row["pair"], row["rater"])))
