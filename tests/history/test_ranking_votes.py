"""Votes that come back from a page: whose they are, imported once, and refused where they are anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rivya_nb as rv
from history.judging import PROMPTS, Study, higher, judge_all, page_data, study
from rivya_nb.errors import UsageError

__all__ = ["study"]

COPY, ANOTHER_COPY = "a" * 32, "b" * 32

Given = Callable[..., Path]


@pytest.fixture
def ranking(study: Study) -> rv.Ranking:
    return study(PROMPTS, [5, 6, 7]).rank(by="seed", rater="B")


@pytest.fixture
def given_back(ranking: rv.Ranking, tmp_path: Path) -> Given:
    """`given_back(…)`: the file that a colleague sends, who judged the page; arguments replace parts of it."""
    page = page_data(ranking.write_page(tmp_path / "judge.html").read_text("utf-8"))["page"]

    def given_back(places: int = 12, better: str = "left", *, at: float = 1e9, **parts: Any) -> Path:
        votes = [
            {"place": place, "better": better, "at": at + place, "seconds": 2.5} for place in range(places)
        ]
        content = {"format": "rivya-votes", "version": 1, "page": page, "copy": COPY, "votes": votes, **parts}
        path = tmp_path / "votes.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return given_back


def stored(ranking: rv.Ranking) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ranking.votes().to_dict("records")
    return rows


def test_votes_of_a_page_count_for_its_rater_and_once(ranking: rv.Ranking, given_back: Given) -> None:
    path = given_back()
    assert repr(rv.import_votes(path)) == "<12 votes of rater 'B' on 12 pairs, 12 of them new>"
    rows = stored(ranking)
    assert len(rows) == 12
    assert {row["rater"] for row in rows} == {"B"}
    # Who saw the better picture at the left says so of the picture that stood there.
    assert all(row["better"] == row["left"] for row in rows)
    assert repr(rv.import_votes(path)) == "<12 votes of rater 'B' on 12 pairs, all of them known already>"
    assert stored(ranking) == rows
    assert "12 votes on 4 prompts by 1 rater" in repr(ranking.strengths)


def test_a_file_that_was_saved_later_adds_what_is_new(ranking: rv.Ranking, given_back: Given) -> None:
    rv.import_votes(given_back(5))
    early = given_back(5).read_bytes()
    assert rv.import_votes(given_back(12, "right", at=2e9)).new == 12
    rows = stored(ranking)
    path = given_back(5)
    path.write_bytes(early)
    assert rv.import_votes(path).new == 0
    assert stored(ranking) == rows


def test_two_raters_with_one_name_are_told_apart(
    ranking: rv.Ranking, given_back: Given, study: Study
) -> None:
    rv.import_votes(given_back())
    before = stored(ranking)
    another = given_back(better="right", copy=ANOTHER_COPY)
    with pytest.raises(
        UsageError, match=r"another rater 'B' .* nothing was imported.*rater=\"…\"\) with another name"
    ):
        rv.import_votes(another)
    assert stored(ranking) == before
    rv.import_votes(another, rater="C")
    assert {row["rater"] for row in stored(ranking)} == {"B", "C"}
    assert ranking.agreement is not None
    # Nor does somebody here judge under the name of a colleague.
    with pytest.raises(UsageError, match="'B' came from a page or from another store; choose another name"):
        ranking.judge()


def test_a_page_does_not_take_the_name_of_who_judges_here(ranking: rv.Ranking, given_back: Given) -> None:
    path = given_back()
    judge_all(ranking, higher, most=2)
    with pytest.raises(UsageError, match="another rater 'B'"):
        rv.import_votes(path)
    assert len(stored(ranking)) == 2


def test_votes_of_another_study_are_refused_in_words(
    ranking: rv.Ranking, given_back: Given, tmp_path: Path
) -> None:
    path = given_back(page="c" * 32)
    with pytest.raises(
        UsageError, match="a page that this store did not write: they belong to another study"
    ):
        rv.import_votes(path)
    assert stored(ranking) == []


HOSTILE = [
    b"",
    b"\xff\xfe\x00",
    b"votes",
    b"[]",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"format": "rivya-votes"}',
    b'{"format": "rivya-votes", "version": 1, "page": 1, "copy": 1, "votes": [], "x": ' + b"9" * 6000 + b"}",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_file_of_votes_is_refused(ranking: rv.Ranking, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "votes.json"
    path.write_bytes(data)
    with pytest.raises(
        UsageError, match=r"no file of votes; the button “Save the votes” .* nothing was imported"
    ):
        rv.import_votes(path)


VOTE: dict[str, Any] = {"place": 0, "better": "left", "at": 1e9, "seconds": 1.0}
WRONG: list[dict[str, Any]] = [
    {"version": True},
    {"version": 2},
    {"copy": "../../x"},
    {"page": None},
    {"votes": {}},
    {"votes": [7]},
    {"votes": [{**VOTE, "place": -1}]},
    {"votes": [{**VOTE, "place": True}]},
    {"votes": [{**VOTE, "place": 0.0}]},
    {"votes": [{**VOTE, "better": "one"}]},
    {"votes": [{**VOTE, "better": ["left"]}]},
    {"votes": [{**VOTE, "at": float("nan")}]},
    {"votes": [{**VOTE, "at": float("inf")}]},
    {"votes": [{**VOTE, "seconds": -1}]},
    {"votes": [{**VOTE, "seconds": "1"}]},
    {"votes": [{**VOTE, "at": 10**400}]},
    {"votes": [VOTE, VOTE]},
]


@pytest.mark.parametrize("parts", WRONG, ids=map(str, range(len(WRONG))))
def test_a_file_with_a_wrong_part_is_refused_whole(
    ranking: rv.Ranking, given_back: Given, parts: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="no file of votes"):
        rv.import_votes(given_back(**parts))
    assert stored(ranking) == []


def test_votes_on_a_pair_that_the_page_does_not_have_are_refused(
    ranking: rv.Ranking, given_back: Given
) -> None:
    with pytest.raises(UsageError, match="its page has 12 pairs, and there is a vote on another one"):
        rv.import_votes(given_back(13))
    assert stored(ranking) == []


def test_a_file_that_is_too_large_is_not_read(ranking: rv.Ranking, given_back: Given) -> None:
    with pytest.raises(UsageError, match=r"it has 5\.0 MB, and votes take at most 4\.0 MB"):
        rv.import_votes(given_back(extra="x" * 5_000_000))
    with pytest.raises(UsageError, match="there is no such file"):
        rv.import_votes("nothing.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.sampled_from(["format", "version", "page", "copy", "votes"]), value=json_values)
def test_whatever_stands_in_a_file_it_is_taken_or_refused_in_words(
    ranking: rv.Ranking, given_back: Given, part: str, value: Any
) -> None:
    path = given_back(1, **{part: value})
    before = stored(ranking)
    try:
        rv.import_votes(path)
    except UsageError:
        assert stored(ranking) == before
