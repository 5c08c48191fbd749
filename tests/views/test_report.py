"""Runs as one document."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rivya_nb.store.records import Marks
from rivya_nb.views.report import BUDGET, render_report, report_thumbnails
from rivya_nb.views.run_view import RunView
from rivya_nb.views.thumbnails import Thumbnail
from views.making import BOTTLE, DONE_STATES, HOSTILE, bottles, gradient, make_job, make_run, make_view
from views.reading import read

TINY = Thumbnail(b"tiny", "image/webp", 1, 1)


def done(prompt: str = BOTTLE) -> RunView:
    run, jobs = bottles(DONE_STATES, prompt)
    return make_view(run, jobs, thumbnails={key: TINY for key, job in jobs.items() if job.pictures})


def test_a_report_is_a_whole_document_that_fetches_nothing() -> None:
    html = render_report([done()], title="Bottles")
    tree = read(html)
    assert html.startswith("<!doctype html>")
    assert tree.all("html")[0].attributes["lang"] == "en"
    assert tree.all("title")[0].text == "Bottles"
    assert tree.all("meta", name="viewport")
    assert not {element.tag for element in tree.all()} & {"script", "link", "iframe", "base", "object"}
    assert all(image.attributes["src"].startswith("data:image/webp;base64,") for image in tree.all("img"))
    assert not re.search(r"https?://|@import|url\(", html)


def test_each_run_has_its_grid_its_seeds_and_what_repeats_it() -> None:
    tree = read(render_report([done(), done("Another bottle")]))
    first, second = tree.all("section")
    assert first.all("h2")[0].text == BOTTLE
    assert "2027-01-15 08:00 UTC" in first.text
    assert "11 of 12 pictures · 1 failed · 132 credits (12 refunded)" in first.text
    assert len(first.all("img")) == 11
    cell, requests = first.all("pre")
    assert cell.text == f"%%rivya seed=1..4 aspect_ratio=1:1,16:9,3:4 resolution=1K {BOTTLE}"
    assert len(json.loads(requests.text)) == 12
    assert second.all("h2")[0].text == "Another bottle"


def test_every_job_has_a_line_with_its_seed_and_price() -> None:
    (table,) = read(render_report([done()])).all("table", **{"class": "jobs"})
    lines = [[cell.text for cell in row.all("td")] for row in table.all("tbody")[0].all("tr")]
    assert len(lines) == 12
    assert "marks" not in [cell.text for cell in table.all("th")]
    assert lines[0] == ["seed: 1 · aspect_ratio: 1:1", "1", "succeeded", "12 credits", "", "job0-0"]
    assert lines[5][2:4] == ["failed (generation_failed: The model refused this one.)", "0 credits"]


def test_what_the_user_thinks_of_a_picture_stands_in_its_line() -> None:
    marks = {"job0": Marks(rating=4, favourite=True, tags=("keep",), note="<b>the light</b>")}
    (table,) = read(render_report([done()], marks=marks)).all("table", **{"class": "jobs"})
    first, second, *_ = (row.all("td") for row in table.all("tbody")[0].all("tr"))
    assert first[5].text == "★★★★☆ 4/5 · ♥ favourite · #keep · ✎ <b>the light</b>"
    assert second[5].text == ""


@pytest.mark.parametrize(("columns", "least", "most"), [(2, 1.0, 1.0), (8, 0.4, 0.6), (40, 0.05, 0.15)])
def test_a_grid_shrinks_to_the_width_of_paper(columns: int, least: float, most: float) -> None:
    jobs = [make_job(f"j{index}") for index in range(2 * columns)]
    view = make_view(*make_run({"x": "12", "y": [str(index) for index in range(columns)]}, jobs))
    (section,) = read(render_report([view])).all("section")
    assert least <= float(section.attributes["style"].removeprefix("--fit:")) <= most


def test_without_a_cell_the_requests_stand_open() -> None:
    view = make_view(*make_run({}, [make_job("j", params={"negative_prompt": "two\nlines"})]))
    tree = read(render_report([view]))
    assert [("open" in details.attributes) for details in tree.all("details")] == [True, True]
    assert len(tree.all("pre")) == 1


def test_foreign_text_stays_text() -> None:
    html = render_report([replace(done(HOSTILE))], title=HOSTILE)
    tree = read(html)
    assert "<script" not in html
    assert not [name for element in tree.all() for name in element.attributes if name.startswith("on")]
    assert '<script>alert("x")</script>' in tree.all("h2")[0].text
    assert '<script>alert("x")</script>' in tree.all("h1")[0].text


@pytest.mark.parametrize("count", [4, 64])
def test_pictures_are_larger_than_in_a_cell_and_have_a_budget(tmp_path: Path, count: int) -> None:
    original = gradient(tmp_path / "a.png", (1024, 1024))
    jobs = [make_job(f"j{index}") for index in range(count)]
    view = make_view(*make_run({"x": "12", "y": [str(index) for index in range(count // 2)]}, jobs))
    made = report_thumbnails(view.layout, lambda picture: original)
    sizes = [small.width for small in made.values() if small is not None]
    assert len(sizes) == count
    assert min(sizes) >= 260
    assert sum(len(small.uri) for small in made.values() if small) < BUDGET
