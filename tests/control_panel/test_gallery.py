"""The panel's gallery: what of the history it shows, and what it does with chosen pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from control_panel.conftest import Shell, until
from PIL import Image

import rivya_nb as rv
from rivya_nb.control_panel import panel_gallery
from rivya_nb.control_panel.panel import Panel

PAGE = 4
"""Pictures on a page: as many as a test needs, and no more to be made."""


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_gallery, "PAGE", PAGE)


class Talk:
    """What is said between a panel's gallery and its front end."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.said: list[dict[str, Any]] = []
        panel.tabs.widget.send = lambda content, buffers=None: self.said.append(content)

    def ask(self, kind: str = "ask", **content: Any) -> dict[str, Any]:
        """The answer to a message."""
        self.said.clear()
        self.tell(kind, **content)
        until(self._answers)
        return self._answers()[0]

    def _answers(self) -> list[dict[str, Any]]:
        return [each for each in self.said if each["kind"] not in ("stale", "check", "words")]

    def tell(self, kind: str, **content: Any) -> None:
        self.panel.gallery.receive({"kind": kind, **content})

    def seeds(self, **question: Any) -> list[int]:
        """The seeds of the pictures on a page."""
        return [self.seed(item) for item in self.ask(**question)["items"]]

    @staticmethod
    def seed(item: dict[str, Any]) -> int:
        words = [fact.split() for fact in item["name"].split(" · ")]
        return next(int(fact[1]) for fact in words if fact[0] == "seed")


@pytest.fixture
def run(session: rv.Session) -> rv.Run:
    return rv.generate("a cat", seed=[1, 2, 3], resolution="1K").wait(60)


@pytest.fixture
def talk(run: rv.Run, opened: Callable[..., Panel]) -> Talk:
    return Talk(opened())


def test_the_history_is_filtered_by_all_that_is_known_of_a_picture(talk: Talk, run: rv.Run) -> None:
    rv.generate("a dog", model="seedream-3-0", seed=9).wait(60)
    run[0].favourite()
    run[1].tag("keep")
    assert talk.seeds() == [9, 3, 2, 1]
    assert talk.seeds(oldest_first=True) == [1, 2, 3, 9]
    assert talk.seeds(model="seedream-3-0") == [9]
    assert talk.seeds(favourite=True) == [1]
    assert talk.seeds(tag="keep") == [2]
    page = talk.ask()
    assert page["tags"] == ["keep"]
    assert {"seedream-3-0", "wan-2-7-image-pro"} <= set(page["models"])
    assert [item["marks"] for item in page["items"]] == ["", "", "", "♥"]


def test_the_history_is_sorted_by_what_was_measured(talk: Talk, run: rv.Run) -> None:
    assert talk.ask()["measures"] == []
    table = run.measure("brightness", "entropy").to_pandas().sort_values("brightness", ascending=False)
    assert talk.ask()["measures"] == ["brightness", "entropy"]
    assert talk.seeds(measure="brightness") == [int(seed) for seed in table["seed"]]
    assert "is no order" in talk.ask(measure="sharpnes")["text"]


def test_an_excluded_picture_has_a_sign_and_its_reason(talk: Talk, run: rv.Run) -> None:
    run[2].exclude("hand <b>cut</b> off")
    first, *others = talk.ask()["items"]
    assert first["marks"] == "⊘ excluded"
    assert first["name"].endswith(" · excluded: hand <b>cut</b> off")
    assert all("excluded" not in item["name"] + item["marks"] for item in others)


def test_the_history_is_filtered_by_run_date_seed_and_params(talk: Talk, run: rv.Run) -> None:
    other = rv.generate("a dog", seed=9, resolution="2K", name="dogs").wait(60)
    choices = talk.ask("choices")
    assert choices["runs"] == [[str(other.id), "dogs"], [str(run.id), ""]]
    assert ("resolution", [["1K", "1K"], ["2K", "2K"]]) in choices["params"]
    assert talk.seeds(run=f"run {run.id}") == [3, 2, 1]
    assert talk.seeds(params=[["resolution", "2K"]]) == [9]
    assert talk.seeds(seed="2") == [2]
    assert talk.seeds(since="2020-01-01", until="2020-12-31") == []
    assert talk.seeds(since="2020-01-01") == [9, 3, 2, 1]
    page = talk.ask()
    assert f"run {other.id} · " in page["items"][0]["label"]
    assert "a dog" in page["items"][0]["label"]
    assert talk.seeds(run="dogs") == [9]
    assert "no run named 'dogs?'; did you mean 'dogs'?" in talk.ask(run="dogs?")["text"]


def test_a_picture_is_sent_once(talk: Talk) -> None:
    page = talk.ask()
    again = talk.ask(have=[item["key"] for item in page["items"][:2]])
    assert [item["picture"] for item in page["items"]] == [0, 1, 2]
    assert [(item["picture"], item["is_kept"]) for item in again["items"]] == [
        (None, True),
        (None, True),
        (0, False),
    ]


def test_a_grid_has_a_tab_that_is_closed_and_a_runs_tab_comes_back(talk: Talk, run: rv.Run) -> None:
    panel = talk.panel
    talk.tell("grid", jobs=[job.id for job in run])
    until(lambda: panel.tabs.chosen == "Grid (3)")
    grid = panel.tabs.open_tabs[1]
    assert [item["job"] for item in (grid._page({}) or ({}, []))[0]["items"]] == [job.id for job in run]
    run[0].delete(confirm=True)
    assert [item["is_pictured"] for item in (grid._page({}) or ({}, []))[0]["items"]].count(True) == 2
    panel.tabs.widget._handle_custom_msg({"kind": "close", "tab": grid.id}, [])
    until(lambda: panel.tabs.titles == ["Gallery"])
    assert grid.closed


def test_a_place_beyond_the_last_picture_is_on_the_last_page(talk: Talk) -> None:
    page = talk.ask(place=PAGE)
    assert (page["first"], page["total"], len(page["items"])) == (0, 3, 3)


def test_a_picture_whose_file_is_lost_says_so_and_the_others_are_shown(talk: Talk, run: rv.Run) -> None:
    path = run[1].path
    assert path is not None
    path.unlink()
    items = talk.ask()["items"]
    assert [item["picture"] for item in items] == [0, None, 1]
    assert items[1]["trouble"]


def test_what_a_lost_store_says_goes_once_it_is_back(
    talk: Talk, session: rv.Session, run: rv.Run, tmp_path: Path
) -> None:
    session.store.folder.rename(tmp_path / "away")
    assert "moved or deleted" in talk.ask()["text"]
    (tmp_path / "away").rename(session.store.folder)
    talk.ask()
    until(lambda: any(each["kind"] == "said" and not each["text"] for each in talk.said))


def test_what_is_marked_is_said_and_shown(talk: Talk, run: rv.Run) -> None:
    said = talk.ask("favourite", jobs=[run[0].id, run[1].id])
    assert said["text"].startswith("Marked 2 pictures as favourite")
    until(lambda: any(each["kind"] == "stale" for each in talk.said))
    assert talk.seeds(favourite=True) == [2, 1]
    talk.ask("favourite", jobs=[job.id for job in run])
    assert talk.seeds(favourite=True) == [3, 2, 1]
    said = talk.ask("favourite", jobs=[run[0].id, run[1].id])
    assert said["text"].startswith("Took the favourite mark off 2 pictures")
    assert talk.seeds(favourite=True) == [3]


def test_what_is_marked_or_made_elsewhere_is_looked_for(
    run: rv.Run, opened: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("rivya_nb.control_panel.model._notebook_shell", lambda: shell)
    talk = Talk(opened())
    run[0].favourite()
    until(lambda: any(each["kind"] == "check" for each in talk.said))
    talk.said.clear()
    shell.run()
    until(lambda: any(each["kind"] == "check" for each in talk.said))


def test_copies_are_saved_where_they_are_wanted(talk: Talk, run: rv.Run, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    said = talk.ask("save", jobs=[job.id for job in run], folder=str(folder))
    assert said["text"] == f"Saved 3 pictures in {folder}"
    assert len(list(folder.glob("*.png"))) == 3


def test_the_code_of_pictures_names_their_references_and_keeps_them_apart(talk: Talk, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "orange").save(photo)
    sizes = [
        rv.generate("a cat", seed=5, references=[photo], resolution=size).wait(60) for size in ("1K", "2K")
    ]
    cells = talk.ask("code", jobs=[run[0].id for run in sizes])["cells"]
    assert [cell.split()[:3] for cell in cells] == [
        ["%%rivya", "seed=5", f"resolution={size}"] for size in ("1K", "2K")
    ]
    assert all(cell.count(" --ref ") == 1 for cell in cells)


def test_pictures_of_the_gallery_become_references_beside_those_that_are_there(
    talk: Talk, run: rv.Run
) -> None:
    strip = talk.panel.form.references.strip
    for number in (1, 2):
        talk.tell("reference", jobs=[run[number].id])
        until(lambda number=number: len(strip.items) == number)
    assert all(item["thumbnail"].startswith("data:image/") for item in strip.items)


def test_a_picture_is_looked_for_once_it_is_delivered_or_deleted(talk: Talk, run: rv.Run) -> None:
    talk.said.clear()
    dog = rv.generate("a dog", seed=9).wait(60)
    until(lambda: any(each["kind"] == "check" for each in talk.said))
    talk.said.clear()
    dog[0].delete(confirm=True)
    until(lambda: any(each["kind"] == "check" for each in talk.said))


def test_a_later_page_keeps_its_place_while_pictures_come_and_go(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    runs = [rv.generate("a cat", seed=range(1, PAGE + 13), resolution="1K").wait(60)]
    talk = Talk(opened())
    page = talk.ask(place=PAGE)
    anchor = page["items"][0]["job"]
    assert [talk.seed(item) for item in page["items"][:2]] == [12, 11]
    runs.append(rv.generate("a cat", seed=range(101, 104), resolution="1K").wait(60))
    page = talk.ask(place=PAGE, anchor=anchor)
    assert (page["first"], talk.seed(page["items"][0]), page["total"]) == (PAGE + 3, 12, PAGE + 15)
    for job in runs[1]:
        job.delete(confirm=True)
    page = talk.ask(place=PAGE + 3, anchor=anchor)
    assert (page["first"], talk.seed(page["items"][0])) == (PAGE, 12)


def test_the_first_page_shows_what_is_new_unless_that_pushes_the_focus_out(
    session: rv.Session, opened: Callable[..., Panel]
) -> None:
    rv.generate("a cat", seed=range(1, PAGE + 1), resolution="1K").wait(60)
    talk = Talk(opened())
    before = [item["job"] for item in talk.ask()["items"]]
    rv.generate("a dog", seed=9, resolution="1K").wait(60)
    assert talk.seeds(anchor=before[0])[:2] == [9, PAGE]
    assert talk.seeds(anchor=before[0], held=before[0])[:2] == [9, PAGE]
    held = talk.ask(anchor=before[0], held=before[-1])
    assert (held["first"], [item["job"] for item in held["items"]]) == (1, before)


def test_two_pictures_open_compared_and_one_opens_large_among_those_of_its_page(
    talk: Talk, run: rv.Run
) -> None:
    panel, ids = talk.panel, [job.id for job in run]
    talk.tell("compare", jobs=ids[:2])
    until(lambda: panel.tabs.chosen == "Compare (2)")
    (compared,) = panel.tabs.viewer_place.children
    assert compared._opening["mode"] == "side"
    talk.tell("look", jobs=ids, at=ids[1])
    until(lambda: panel.tabs.chosen == "Look")
    (look,) = panel.tabs.viewer_place.children
    assert (look._opening["mode"], look._opening["job"], len(look._scene["cells"])) == ("one", ids[1], 3)
    look._handle_custom_msg({"kind": "leave"}, [])
    until(lambda: any(each["kind"] == "back" for each in talk.said))
    assert panel.tabs.chosen == "Gallery"
    assert panel.tabs.titles == ["Gallery"]


def test_only_the_step_that_was_told_of_is_taken_back(talk: Talk, run: rv.Run) -> None:
    first, second = run[0], run[1]
    said = talk.ask("rate", jobs=[first.id], rating=3)
    assert said["text"] == "Rated 1 picture"
    second.favourite()
    refused = talk.ask("undo", jobs=[], step=said["step"])
    assert (refused["wrong"], first.rating, second.is_favourite) == (True, 3, True)
    assert "marks were set since" in refused["text"]
    said = talk.ask("rate", jobs=[first.id], rating=5)
    assert talk.ask("undo", jobs=[], step=said["step"])["text"] == "Undone: rating of 1 picture"
    assert first.rating == 3
    assert talk.ask("rate", jobs=[first.id], rating=3)["step"] is None
