"""Votes: kept with who gave them, found by their pictures, and merged from elsewhere without doubles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store.records import JobRecord
from rivya_nb.store.store import Store
from rivya_nb.store.vote_records import (
    Judgements,
    PageRecord,
    RankingPair,
    RankingRecord,
    RaterRecord,
    VoteRecord,
)

from .filling import add, done, ids


@pytest.fixture
def jobs(store: Store) -> list[JobRecord]:
    jobs = [done(params={"seed": seed}) for seed in range(3)]
    add(store, *jobs)
    return jobs


def drawn(jobs: list[JobRecord], name: str = "first") -> RankingRecord:
    one, two, three = ids(jobs)
    pairs = (RankingPair(one, two), RankingPair(three, two), RankingPair(one, three, 1))
    return RankingRecord(name, ("seed", "model"), 1000.0, (one, two, three), pairs)


def settle(store: Store, record: RankingRecord) -> RankingRecord:
    return store.votes.ranking(record.by, lambda known: set(known.jobs) == set(record.jobs), lambda: record)


def vote(ranking: RankingRecord, pair: int = 0, outcome: str = "one", **fields: object) -> VoteRecord:
    drawn = ranking.pairs[pair]
    made = VoteRecord(
        ranking.id, pair, drawn.one, drawn.other, outcome, "A", 2000.0 + pair, 1.5, bool(pair % 2)
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def test_the_same_pictures_keep_their_list_of_pairs_also_after_reopening(
    store: Store, jobs: list[JobRecord]
) -> None:
    first = settle(store, drawn(jobs))
    assert first == drawn(jobs)
    again = Store.open(store.place)
    assert settle(again, drawn(jobs, "drawn later")) == first
    fewer = replace(drawn(jobs, "fewer"), jobs=tuple(ids(jobs)[:2]), pairs=first.pairs[:1])
    assert settle(again, fewer) == fewer
    other_axes = replace(drawn(jobs, "other axes"), by=("seed",))
    assert settle(again, other_axes) == other_axes
    again.close()


def test_votes_stay_whole_and_are_found_by_their_pictures(store: Store, jobs: list[JobRecord]) -> None:
    ranking = settle(store, drawn(jobs))
    given = [vote(ranking, 0), vote(ranking, 1, "tie"), vote(ranking, 2, "other", rater="ภาพ B")]
    for each in given:
        store.votes.cast(each)
    again = Store.open(store.place)
    assert again.votes.of("first") == given
    assert again.votes.among(ids(jobs)) == given
    one, _two, three = ids(jobs)
    assert again.votes.among([one, three, "nobody"]) == given[2:]
    assert again.votes.among([]) == []
    again.close()


def test_a_rater_has_one_vote_for_each_pair_and_can_take_it_back(store: Store, jobs: list[JobRecord]) -> None:
    ranking = settle(store, drawn(jobs))
    store.votes.cast(vote(ranking))
    store.votes.cast(vote(ranking, rater="B"))
    changed = vote(ranking, outcome="other", at=3000.0)
    store.votes.cast(changed)
    assert store.votes.of("first") == [vote(ranking, rater="B"), changed]
    store.votes.take_back("first", 0, "A")
    store.votes.take_back("first", 0, "A")
    assert store.votes.of("first") == [vote(ranking, rater="B")]


def test_a_vote_on_an_unknown_picture_is_refused(store: Store, jobs: list[JobRecord]) -> None:
    ranking = settle(store, drawn(jobs))
    with pytest.raises(StoreError, match="no job nobody"):
        store.votes.cast(vote(ranking, one="nobody"))
    assert store.votes.of("first") == []


def test_a_page_is_known_to_the_store_that_wrote_it_alone(
    store: Store, jobs: list[JobRecord], tmp_path: Path
) -> None:
    ranking = settle(store, drawn(jobs))
    page = PageRecord("page", ranking.id, "B", 1500.0, ((2, True), (0, False)))
    store.votes.add_page(page)
    assert store.votes.page("page") == (page, ranking)
    assert store.votes.page("another") is None
    elsewhere = Store.open(tmp_path / "elsewhere")
    assert elsewhere.votes.page("page") is None
    elsewhere.close()


def test_merging_brings_what_is_new_and_doubles_nothing(
    store: Store, jobs: list[JobRecord], tmp_path: Path
) -> None:
    ranking = settle(store, drawn(jobs))
    store.votes.join(ranking.id, "A")
    for number in range(3):
        store.votes.cast(vote(ranking, number))
    judged = store.votes.judgements(ids(jobs))
    elsewhere = Store.open(tmp_path / "elsewhere")
    add(elsewhere, *jobs)
    assert elsewhere.votes.merge(judged) == 3
    assert elsewhere.votes.judgements(ids(jobs)) == judged
    assert elsewhere.votes.merge(judged) == 0
    assert elsewhere.votes.judgements(ids(jobs)) == judged
    # A vote that was changed since is the newer one, whichever comes last.
    store.votes.cast(vote(ranking, 0, "tie", at=9000.0))
    newer = store.votes.judgements(ids(jobs))
    assert elsewhere.votes.merge(newer) == 1
    assert elsewhere.votes.merge(judged) == 0
    assert elsewhere.votes.of(ranking.id) == list(newer.votes)
    elsewhere.close()


def test_two_raters_with_one_name_are_told_apart(store: Store, jobs: list[JobRecord]) -> None:
    ranking = settle(store, drawn(jobs))
    mine = store.votes.join(ranking.id, "A")
    assert store.votes.join(ranking.id, "A") == mine
    stranger = Judgements((), (RaterRecord(ranking.id, "A", "elsewhere"),), (vote(ranking),))
    with pytest.raises(UsageError, match="another rater 'A' in this ranking already; nothing was imported"):
        store.votes.merge(stranger)
    assert store.votes.of(ranking.id) == []
    guest = Judgements((), (RaterRecord(ranking.id, "B", "elsewhere"),), (vote(ranking, rater="B"),))
    store.votes.merge(guest)
    with pytest.raises(UsageError, match="'B' came from a page or from another store; choose another name"):
        store.votes.join(ranking.id, "B")
    assert set(store.votes.raters(ranking.id)) == {"A", "B"}
