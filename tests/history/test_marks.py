"""What a user says of pictures: favourites, ratings, tags, notes, hiding; taking it back; and deleting."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rivya_nb as rv

if TYPE_CHECKING:
    from .conftest import Fill


def test_a_job_tells_what_was_said_of_it(fill: Fill) -> None:
    job = fill([1])[0]
    assert (job.rating, job.is_favourite, job.hidden, job.note, job.tags) == (0, False, False, "", ())
    assert job.favourite().rate(4).tag("keep", "soft  light").annotate(" the left one ") is job
    assert (job.rating, job.is_favourite, job.note) == (4, True, "the left one")
    assert job.tags == ("keep", "soft light")
    job.favourite(False).rate(0).untag("keep").annotate(None).hide()
    assert (job.rating, job.is_favourite, job.hidden, job.note) == (0, False, True, "")
    assert job.tags == ("soft light",)


def test_runs_histories_and_their_parts_are_marked_as_a_whole(fill: Fill) -> None:
    run = fill([1, 2, 3])
    run.tag("study")
    rv.history(seed=2).favourite()
    run[1:].rate(5)
    rv.history()[:1].hide()
    assert [(job.rating, job.is_favourite, job.hidden, job.tags) for job in run] == [
        (0, False, False, ("study",)),
        (5, True, False, ("study",)),
        (5, False, True, ("study",)),
    ]
    assert [job.seed for job in rv.history()] == [2, 1]
    assert [job.seed for job in rv.history(hidden=True)] == [3, 2, 1]
    frame = run.to_pandas()
    assert list(frame["rating"]) == [0, 5, 5]
    assert list(frame["favourite"]) == [False, True, False]
    assert list(frame["tags"]) == ["study"] * 3
    assert list(frame["runs"]) == [str(run.id)] * 3


def test_what_is_excluded_stays_with_its_reason(fill: Fill, tmp_path: Path) -> None:
    run = fill([1, 2, 3])
    assert run[0].exclude(" hand\ncut <b>off</b> ").excluded == "hand cut <b>off</b>"
    rv.history(seed=2).exclude("=1+1")
    assert [job.seed for job in rv.history(excluded=True)] == [2, 1]
    assert [job.seed for job in rv.history(excluded=False)] == [3]
    assert [job.seed for job in rv.history()] == [3, 2, 1]
    assert list(run.to_pandas()["excluded"]) == ["hand cut <b>off</b>", "=1+1", ""]
    html = run.grid()._repr_mimebundle_()["text/html"]
    assert html.count(">⊘ excluded</span>") == 2
    assert "excluded: hand cut &lt;b&gt;off&lt;/b&gt;" in html
    assert "⊘ excluded: =1+1" in rv.history()._repr_mimebundle_()["text/plain"]
    assert "⊘ excluded: =1+1" in run[1]._repr_mimebundle_()["text/plain"]
    run.save(tmp_path)
    with (tmp_path / f"run-{run.id}.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["excluded"] for row in csv.DictReader(file)] == ["hand cut <b>off</b>", "'=1+1", ""]
    assert '"excluded": "=1+1"' in (tmp_path / f"run-{run.id}.json").read_text(encoding="utf-8")
    assert rv.undo() == "Undone: exclusion of 1 picture."
    assert run[1].excluded == ""
    run.exclude(None)
    assert [job.excluded for job in run] == ["", "", ""]


def test_a_grid_shows_ratings_and_favourites_in_the_pictures_corners(fill: Fill) -> None:
    run = fill([1, 2, 3])
    run[0].favourite().rate(4)
    run[1].rate(2)
    html = run.grid()._repr_mimebundle_()["text/html"]
    assert [html.count(f">{badge}</span>") for badge in ("★★★★ ♥", "★★", "♥")] == [1, 1, 0]


def test_marks_are_taken_back_one_after_the_other(fill: Fill) -> None:
    run = fill([1, 2, 3])
    run.rate(3)
    run[0].favourite()
    run[0].favourite()
    assert rv.undo() == "Undone: favourite of 1 picture."
    assert rv.undo() == "Undone: rating of 3 pictures."
    assert {job.rating for job in run} == {0}
    assert rv.undo() == "There is nothing to undo."


def test_what_cannot_be_said_changes_nothing(fill: Fill) -> None:
    job = fill([1])[0]
    for say in (
        lambda: job.rate(6),
        lambda: job.rate("4"),  # type: ignore[arg-type]
        lambda: job.favourite("yes"),  # type: ignore[arg-type]
        lambda: job.hide(None),  # type: ignore[arg-type]
        lambda: job.tag(),
        lambda: job.tag(" "),
        lambda: job.tag(["keep"]),  # type: ignore[arg-type]
        lambda: job.annotate(7),  # type: ignore[arg-type]
        lambda: job.exclude(True),  # type: ignore[arg-type]
        lambda: job.exclude(" \n"),
        lambda: job.exclude("\ud800"),
    ):
        with pytest.raises(rv.UsageError):
            say()
    assert rv.undo() == "There is nothing to undo."


def test_what_is_deleted_is_gone_and_what_it_was_stays_known(
    fill: Fill, session: rv.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fill([1, 2, 3])
    path, before = run[1].path, run.credits
    assert path is not None
    run[1].delete(confirm=True)
    assert not path.exists()
    assert "Deleted 1 picture (" in (said := capsys.readouterr().out)
    assert "kB are free again" in said
    deleted = run[1]
    assert (deleted.image, deleted.images, deleted.path) == (None, [], None)
    assert "its picture deleted" in repr(deleted)
    assert [job.seed for job in rv.history()] == [3, 1]
    assert session.run(run.id).credits == before
    look = run.grid()._repr_mimebundle_()
    assert look["text/html"].count("data:image/") == 2
    assert "∅" in look["text/html"]
    assert "2 of 3 pictures · 1 deleted" in look["text/plain"]
    assert "file gone" not in look["text/html"]
    run.delete(confirm=True)
    assert run.wait() is run, "a run whose pictures were deleted has not failed"
    assert rv.undo() == "There is nothing to undo."


def test_only_true_agrees_to_a_deletion(fill: Fill) -> None:
    job = fill([1])[0]
    with pytest.raises(rv.UsageError, match="delete: 'no' is neither True nor False"):
        job.delete(confirm="no")  # type: ignore[arg-type]
    assert job.image is not None


@pytest.mark.parametrize("cell", [0, -5, True, 100.5, "big"])
def test_a_sheet_needs_a_height_that_is_one(fill: Fill, tmp_path: Path, cell: object) -> None:
    grid = fill([1]).grid()
    with pytest.raises(rv.UsageError, match="is not a height"):
        grid.save(tmp_path / "grid.png", cell=cell)  # type: ignore[arg-type]
    assert not (tmp_path / "grid.png").exists()


def test_what_is_in_the_way_of_a_saved_file_is_named_as_the_user_named_it(fill: Fill, tmp_path: Path) -> None:
    run, file, folder = fill([1]), tmp_path / "file", tmp_path / "folder.png"
    file.write_text("mine")
    folder.mkdir()
    words = "there is a file where a folder should be; name another place"
    for save in (
        run.save,
        lambda path: run.report(path / "x.html"),
        lambda path: run.grid().save(path / "x.png"),
    ):
        with pytest.raises(rv.StoreError, match=f"^{file}: {words}"):
            save(file)
    for save in (run.report, run.grid().save):
        with pytest.raises(rv.StoreError, match=f"^{folder}: there is a folder where a file should be"):
            save(folder)
    assert file.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} - {"store"} == {"file", "folder.png"}


def test_a_lost_file_does_not_keep_the_others_from_being_saved(fill: Fill, tmp_path: Path) -> None:
    run = fill([1, 2, 3])
    run[0].paths[0].unlink()
    with pytest.raises(rv.StoreError, match=r"1 picture's file is gone .* the others are saved"):
        run.save(tmp_path / "copies")
    saved = sorted(path.name for path in (tmp_path / "copies").iterdir())
    assert [name.split("seed-")[-1][0] for name in saved if name.endswith(".png")] == ["2", "3"]
    table = (tmp_path / "copies" / f"run-{run.id}.csv").read_text(encoding="utf-8-sig")
    assert [name in table for name in saved if name.endswith(".png")] == [True, True]


def test_a_kept_part_shows_what_was_deleted_since(fill: Fill) -> None:
    fill([1, 2, 3])
    part = rv.history()[:2]
    rv.history(seed=3).delete(confirm=True)
    look = part._repr_mimebundle_()
    assert look["text/html"].count("data:image/") == 1
    assert "deleted" in look["text/plain"]


def test_nothing_is_deleted_before_somebody_agrees(
    fill: Fill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fill([1, 2])
    with pytest.raises(rv.UsageError, match=r"the deletion of 2 pictures .*confirm=True"):
        rv.history().delete()
    rv.history().delete(confirm=False)
    assert "it would be 2 pictures" in capsys.readouterr().out
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    asked = []
    for answer in ("", "no", "n"):
        monkeypatch.setattr(
            "builtins.input", lambda question, answer=answer: asked.append(question) or answer
        )
        run.delete()
        assert len(rv.history()) == 2
    assert "Delete 2 pictures" in asked[0]
    monkeypatch.setattr("builtins.input", lambda _: "y")
    run.delete()
    assert len(rv.history()) == 0
    run.delete()
    assert "There is no result to delete." in capsys.readouterr().out
