"""Votes as a table: what one store saves another one reads, by what the votes are about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import rivya_nb as rv
from history.judging import PROMPTS, Study, higher, judge_all, lights, study
from rivya_nb.errors import UsageError

__all__ = ["lights", "study"]

Written = Callable[..., Path]

HEAD = "rater,prompt,one,other,better"


@pytest.fixture
def ranking(study: Study) -> rv.Ranking:
    return study(PROMPTS, [5, 6, 7]).rank(by="seed", rater="A")


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written(row, …)`: a file with these rows below its head."""

    def write(*rows: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
        path = tmp_path / "votes.csv"
        path.write_text("\n".join([head, *rows]) + "\n", encoding=encoding)
        return path

    return write


def every_pair(better: str = "other", rater: str = "friend") -> list[str]:
    """A row for each two of the seeds within each prompt; with "other", the higher seed is the better one."""
    pairs = [(5, 6), (5, 7), (6, 7)]
    return [f'{rater},"{prompt}",{one},{other},{better}' for prompt in PROMPTS for one, other in pairs]


def order(ranking: rv.Ranking) -> list[str]:
    return list(ranking.to_pandas()["seed"])


def test_a_table_that_knows_every_pair_gives_an_order(ranking: rv.Ranking, written: Written) -> None:
    read = ranking.read(written(*every_pair()))
    assert (read.rater, read.votes, read.new) == ("friend", ranking.pairs, ranking.pairs)
    assert order(ranking) == ["7", "6", "5"]
    assert ranking.left == ranking.pairs, "they are not this rater's"


def test_the_order_of_a_rows_values_and_a_byte_order_mark_do_not_matter(
    ranking: rv.Ranking, written: Written
) -> None:
    turned = [
        row.replace(",5,6,", ",6,5,").replace("other", "one") if ",5,6," in row else row
        for row in every_pair()
    ]
    ranking.read(written(*turned, encoding="utf-8-sig"))
    assert order(ranking) == ["7", "6", "5"]


def test_reading_twice_changes_nothing_and_ties_are_ties(ranking: rv.Ranking, written: Written) -> None:
    path = written(*every_pair(better="tie"))
    ranking.read(path)
    assert ranking.read(path).new == 0
    assert set(ranking.votes()["better"]) == {"tie"}
    assert len(ranking.votes()) == ranking.pairs


def test_what_was_saved_is_read_as_it_was_by_a_study_of_the_same_prompts(
    ranking: rv.Ranking, study: Study, tmp_path: Path
) -> None:
    judge_all(ranking, higher)
    ranking.save(tmp_path / "saved.csv")
    other = study(PROMPTS, [5, 6, 7]).rank(by="seed", rater="B")
    assert other.record.id != ranking.record.id
    read = other.read(tmp_path / "saved.csv")
    assert read.rater == "A"
    assert read.votes > 0
    known = {frozenset((row["one"], row["other"])): row for row in ranking.votes().to_dict("records")}
    for row in other.votes().to_dict("records"):
        before = known[frozenset((row["one"], row["other"]))]
        assert row[row["better"]] == before[before["better"]] == max(row["one"], row["other"])
    assert set(other.votes()["seconds"]) <= set(ranking.votes()["seconds"])


def test_votes_on_wordings_are_read_too(lights: Callable[[], rv.Run], tmp_path: Path) -> None:
    ranking, other = (lights().rank(by="light", rater=rater) for rater in "AB")
    box = ranking.judge()._box
    for place in range(len(box._shown)):
        box.vote(place, "left", 1.5)
    ranking.save(tmp_path / "saved.csv")
    read = other.read(tmp_path / "saved.csv")
    assert (read.votes, read.pairs) == (other.pairs, other.pairs) == (len(PROMPTS), len(PROMPTS))
    assert list(other.to_pandas()["wins"]) == list(ranking.to_pandas()["wins"])


def test_rows_about_something_else_are_left_out(ranking: rv.Ranking, written: Written) -> None:
    read = ranking.read(written("friend,a dragon,5,6,one", f'friend,"{PROMPTS[0]}",5,99,one'))
    assert (read.votes, read.pairs, read.new) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "head", "told"),
    [
        ([], "rater,prompt,one,better", "it has no column other; a table of votes has rater, prompt"),
        ([], "", "it has no column rater, prompt, one, other, better"),
        (every_pair(better="left"), HEAD, "'left' in the column better is none of one, other, tie"),
        (every_pair(rater=""), HEAD, "row 2: '' is no name"),
        (every_pair(rater="x" * 61), HEAD, "row 2: .* is no name"),
    ],
)
def test_what_is_no_table_of_votes_is_told_and_nothing_is_taken_in(
    rows: list[str], head: str, told: str, ranking: rv.Ranking, written: Written
) -> None:
    with pytest.raises(UsageError, match=f"{told}.*nothing was taken in"):
        ranking.read(written(*rows, head=head))
    assert len(ranking.votes()) == 0


def test_a_binary_file_and_one_that_is_too_large_are_told(ranking: rv.Ranking, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no table of votes in UTF-8"):
        ranking.read(path)
    path.write_bytes(b"x" * 4_000_001)
    with pytest.raises(UsageError, match="votes take at most"):
        ranking.read(path)


def test_a_table_of_somebody_who_judged_here_is_refused(ranking: rv.Ranking, written: Written) -> None:
    judge_all(ranking, higher)
    with pytest.raises(UsageError, match="another rater 'A' in this ranking already"):
        ranking.read(written(*every_pair(rater="A")))
