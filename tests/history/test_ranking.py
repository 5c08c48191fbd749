"""Ranking pictures as a user does it, without a browser: what is compared, kept, left out, and given to others."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from store.filling import done

import rivya_nb as rv
from history.judging import PROMPTS, SECRET, Study, higher, judge_all, page_data, study, telling
from rivya_nb.errors import UsageError
from rivya_nb.store.records import AxisRecord, CellRecord

__all__ = ["study"]


def test_the_better_seed_comes_first_in_words_tables_and_html(study: Study) -> None:
    ranking = study(PROMPTS, [5, 6, 7]).rank(by="seed")
    assert (ranking.pairs, ranking.left) == (12, 12)
    assert "There are no votes yet" in repr(ranking.strengths)
    judge_all(ranking, higher)
    assert ranking.left == 0
    frame = ranking.to_pandas()
    assert frame["seed"].tolist() == ["7", "6", "5"]
    assert frame[["wins", "losses"]].to_numpy().tolist() == [[8, 0], [4, 4], [0, 8]]
    assert (frame["low"] < frame["strength"]).all()
    assert ranking.wins.loc["7", "5"] == 4
    assert ranking.agreement is None
    shown = ranking._repr_mimebundle_()
    for text in shown.values():
        assert "12 votes on 4 prompts by 1 rater" in text
        assert "Seed 7 comes first: it would win" in text
        assert "bootstrap over votes" in text
        assert "All votes are about 4 prompts, which are few: the intervals say nothing about other" in text
    votes = ranking.votes()
    assert set(votes["rater"]) == {"A"}
    assert (votes["seconds"] == 1.5).all()
    assert set(votes["left"]) == {"one", "other"}


def test_it_goes_on_where_it_was_also_from_a_selection_and_a_grid(study: Study, session: rv.Session) -> None:
    run = study(PROMPTS, [5, 6, 7])
    ranking = run.rank(by="seed")
    judge_all(ranking, higher, most=5)
    first = [(shown.left, shown.right) for shown in ranking.judge()._box._shown]
    for again in (
        run.rank(by="seed"),
        run.grid().rank(["seed"]),
        rv.history().rank("seed"),
        run[:].rank("seed"),
    ):
        assert again.record == ranking.record
        assert again.left == 7
        assert [(shown.left, shown.right) for shown in again.judge()._box._shown] == first
        assert again.judge()._ballot["judged"] == [0, 1, 2, 3, 4]
    other = run.rank(by="seed", rater="B")
    assert other.left == 12
    assert [(shown.left, shown.right) for shown in other.judge()._box._shown] != first


def test_what_is_excluded_or_deleted_since_counts_no_more_and_is_told(study: Study) -> None:
    run = study(PROMPTS, [5, 6, 7])
    ranking = run.rank(by="seed")
    judge_all(ranking, higher)
    run[0].exclude("hand cut off")
    run[4].delete(confirm=True)
    for again in (ranking, run.rank(by="seed")):
        assert again.record == ranking.record
        assert (again.pairs, again.left) == (8, 0)
        assert "8 votes on 4 prompts" in repr(again.strengths)
        assert "4 votes on pictures that are excluded or deleted since, left out" in repr(again.strengths)
    run[0].exclude(None)
    assert run.rank(by="seed").pairs == 10


def test_the_agreement_of_two_raters_is_shown(study: Study) -> None:
    run = study(PROMPTS, [5, 6, 7])
    judge_all(run.rank(by="seed"), higher)
    judge_all(run.rank(by="seed", rater="B"), higher)
    ranking = run.rank(by="seed")
    assert ranking.agreement == 1
    assert "Krippendorff's α = 1.00 over 12 pairs" in repr(ranking.strengths)
    assert "A (12), B (12)" in repr(ranking.strengths)


def test_what_the_intervals_are_over_is_told(study: Study) -> None:
    several = study([f"a cat number {number}" for number in range(6)], [5, 6]).rank(by="seed")
    judge_all(several, higher)
    assert "by bootstrap over the 6 prompts" in repr(several.strengths)
    assert "say nothing about other prompts" not in repr(several.strengths)
    ranking = study(["a cat"], [5, 6, 7]).rank(by="seed")
    judge_all(ranking, higher)
    assert "All votes are about one prompt: the intervals say nothing about other prompts." in repr(
        ranking.strengths
    )
    assert "by bootstrap over votes" in repr(ranking.strengths)


def test_what_cannot_be_ranked_is_told(study: Study) -> None:
    run = study(PROMPTS, [5, 6])

    def told(ask: Callable[[], object]) -> str:
        with pytest.raises(UsageError) as caught:
            ask()
        return str(caught.value)

    assert "at least two pictures of one prompt, and there is one picture here" in told(
        lambda: run[:1].rank("seed")
    )
    assert "all pictures have the same seed, 5" in told(lambda: run[::2].rank("seed"))
    assert "no two pictures of one prompt differ in seed" in told(lambda: run[0:4:3].rank("seed"))
    assert "this run has no axis 'sede'; it has prompt, seed; did you mean" in told(lambda: run.rank("sede"))
    assert "prompts cannot be ranked; rank by an axis" in told(lambda: run.rank("prompt"))
    assert "name the axis whose values are ranked" in told(lambda: run.rank([]))
    assert "names an axis twice" in told(lambda: run.rank(["seed", "seed"]))
    assert "3 is not an axis" in told(lambda: run.rank([3]))  # type: ignore[list-item]
    for name in ("", "  ", "x" * 61, "two\nlines", None, "\ud800"):
        assert "is no name" in told(lambda: run.rank("seed", rater=name))  # type: ignore[arg-type] # noqa: B023
    run[0].exclude("blurred")
    assert "there is no picture here (1 picture excluded)" in told(lambda: run[:1].rank("seed"))


def test_a_table_of_votes_runs_nothing_in_a_spreadsheet(study: Study, tmp_path: Path) -> None:
    run = study(["=HYPERLINK(1)", "a dog"], [5, 6])
    ranking = run.rank(by="seed", rater="=1+1")
    judge_all(ranking, higher)
    path = ranking.save(tmp_path / "votes.csv")
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("rater,prompt,one,other,better,at,seconds,left,pair")
    assert len(lines) == 3
    assert all(line.startswith("'=1+1,") for line in lines[1:])
    assert sum("'=HYPERLINK(1)" in line for line in lines) == 1


# The page for a colleague


def test_a_page_holds_pictures_and_questions_and_nothing_that_tells(study: Study, tmp_path: Path) -> None:
    run = study(["a cat </script><img src=x onerror=alert(1)>", "a dog"], [471101, 471102, 471103])
    html = run.rank(by="seed", rater="B").write_page(tmp_path / "judge.html").read_text("utf-8")
    data = page_data(html)
    assert set(data) == {"page", "rater", "questions", "pairs", "shown"}
    assert len(data["pairs"]) == 6
    assert len(data["shown"]) == 6
    decoded = [base64.b64decode(address.partition(",")[2]) for address in data["shown"].values()]
    everything = "\n".join([html, *(picture.decode("latin-1") for picture in decoded)])
    secrets = [SECRET, "4711", "wan-2-7", run[0].id, "sandbox"]
    secrets += [picture.sha256 for job in run for picture in job.record.pictures]
    secrets += [path.name for job in run for path in job.paths]
    secrets += [base64.b64encode(text.encode()).decode().rstrip("=")[:-1] for text in ("471101", run[0].id)]
    assert [text for text in secrets if text in everything] == []
    assert "<img src=x" not in html
    for picture in decoded:
        image = Image.open(io.BytesIO(picture))
        assert image.size == (40, 30)
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    # Nothing is loaded from anywhere, and no other script runs.
    assert "default-src 'none'" in html
    assert set(re.findall(r"(?:https?:)?//[\w.]+", html.partition("<script")[0])) == set()


def test_pages_are_drawn_anew(study: Study, tmp_path: Path) -> None:
    ranking = study(PROMPTS, [5, 6, 7]).rank(by="seed", rater="B")
    one, other = (
        page_data(ranking.write_page(tmp_path / name).read_text("utf-8"))
        for name in ("one.html", "other.html")
    )
    assert one["page"] != other["page"]
    assert set(one["shown"]).isdisjoint(other["shown"])
    assert list(one["shown"].values()) != list(other["shown"].values())


def test_a_page_of_a_name_with_votes_is_refused(study: Study, tmp_path: Path) -> None:
    ranking = study(PROMPTS, [5, 6]).rank(by="seed")
    judge_all(ranking, higher, most=1)
    with pytest.raises(
        UsageError, match="rater 'A' has judged here already; name the one for whom the page is"
    ):
        ranking.write_page(tmp_path / "judge.html")
    assert not (tmp_path / "judge.html").exists()


def test_pictures_of_two_wordings_are_asked_about_without_the_words(
    session: rv.Session, tmp_path: Path
) -> None:
    words = ("dawn", "dusk")
    jobs = [
        done(f"a cat at {word}", {"seed": seed}, pictures=(telling(session, at, seed),))
        for at, word in enumerate(words)
        for seed in (1, 2)
    ]
    axes = [AxisRecord("light", words), AxisRecord("seed", ("1", "2"))]
    cells = [CellRecord(job.id, divmod(place, 2)) for place, job in enumerate(jobs)]
    run = session.run(
        session.store.asking.add_run(name=None, service="sandbox", axes=axes, cells=cells, jobs=jobs).id
    )
    html = run.rank(by="light").write_page(tmp_path / "judge.html").read_text("utf-8")
    data = page_data(html)
    assert data["questions"] == ["Which is the better picture?"]
    assert len(data["pairs"]) == 2
    assert not {"dawn", "dusk"} & set(re.findall(r"\w+", json.dumps(data)))


def test_pairs_are_not_drawn_while_pictures_are_still_to_come(study: Study, session: rv.Session) -> None:
    run = study(PROMPTS, [5, 6])
    waiting = done("a wolf", {"seed": 5}, pictures=(), status="queued", task_id="task")
    later = done("a wolf", {"seed": 6}, pictures=(telling(session, 9, 6),))
    axes = [AxisRecord("seed", ("5", "6"))]
    cells = [CellRecord(waiting.id, (0,)), CellRecord(later.id, (1,))]
    jobs = [waiting, later]
    record = session.store.asking.add_run(name=None, service="elsewhere", axes=axes, cells=cells, jobs=jobs)
    working = session.run(record.id)
    with pytest.raises(
        UsageError, match=rf"1 of 2 pictures are still to come.*rv.history\(run={record.id}\).rank"
    ):
        working.rank("seed")
    assert run.rank("seed").pairs == 4


def test_without_evalica_votes_are_kept_and_what_is_missing_is_told(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "evalica", None)
    ranking = study(PROMPTS, [5, 6]).rank(by="seed")
    judge_all(ranking, higher)
    assert "pip install 'rivya-nb[analysis]'. The votes are kept" in repr(ranking.strengths)
    with pytest.raises(UsageError, match="Strengths need evalica"):
        ranking.to_pandas()
    assert len(ranking.votes()) == 4
