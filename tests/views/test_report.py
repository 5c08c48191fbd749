"""A run as one document."""

from __future__ import annotations

import base64
import hashlib
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
    html = render_report(done(), title="Bottles")
    tree = read(html)
    assert html.startswith("<!doctype html>")
    assert tree.all("html")[0].attributes["lang"] == "en"
    assert tree.all("title")[0].text == tree.all("h1")[0].text == "Bottles"
    assert tree.all("meta", name="viewport")
    assert not {element.tag for element in tree.all()} & {"link", "iframe", "base", "object"}
    assert all(image.attributes["src"].startswith("data:image/webp;base64,") for image in tree.all("img"))
    assert not re.search(r"https?://|@import|url\(", html)


def test_its_only_script_is_the_one_that_it_allows_and_reads_no_html() -> None:
    html = render_report(done(HOSTILE), title=HOSTILE)
    [script] = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [
        element.attributes["content"]
        for element in read(html).all("meta")
        if "http-equiv" in element.attributes
    ]
    assert f"script-src 'sha256-{allowed}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(", script)


def test_it_has_a_grid_the_seeds_and_what_repeats_it() -> None:
    tree = read(render_report(done()))
    assert tree.all("h1")[0].text == BOTTLE
    assert "2027-01-15 08:00 UTC" in tree.text
    assert len(tree.all("img")) == 11
    cell, requests = tree.all("pre")
    assert cell.text == f"%%rivya seed=1..4 aspect_ratio=1:1,16:9,3:4 resolution=1K {BOTTLE}"
    assert len(json.loads(requests.text)) == 12
    [table] = tree.all("table", **{"class": "pictures labelled"})
    assert [head.text for head in table.all("th", scope="col")] == ["1:1", "16:9", "3:4"]
    assert [head.text for head in table.all("th", scope="row")] == [
        "seed: 1",
        "seed: 2",
        "seed: 3",
        "seed: 4",
    ]


def test_a_title_stands_above_the_prompt_and_a_long_prompt_is_there_whole() -> None:
    long = "A glass bottle that stands on a table, " * 12
    titled, untitled = (read(render_report(done(long), title=title)) for title in ("For Anna", None))
    assert titled.all("h1")[0].text == "For Anna"
    assert untitled.all("h1")[0].text.endswith("…")
    for tree in (titled, untitled):
        assert long.strip() in tree.all("p", **{"class": "prompt"})[0].text


def test_pictures_of_the_sandbox_are_said_to_be_its_own_and_cost_play_credits() -> None:
    tree = read(html := render_report(done()))
    assert "All pictures are the sandbox's" in tree.text
    assert "11 of 12 pictures · 1 failed · 132 play credits (12 refunded)" in tree.text
    body = html.partition("<script ")[0]
    assert re.findall(r"\d+ credits", body) == []
    view = make_view(*make_run({"x": "12"}, [make_job("a"), make_job("b", service="https://rivya.ai")]))
    mixed = read(render_report(view))
    assert "1 request of 2 went to the sandbox" in mixed.text
    assert [cell.text for cell in mixed.all("td", **{"data-name": "price"})] == [
        "12 play credits",
        "12 credits",
    ]
    view = make_view(*make_run({}, [make_job("a", service="https://rivya.ai")]))
    assert "sandbox" not in read(render_report(view)).all("body")[0].text
    assert "play" not in read(render_report(view)).all("body")[0].text


def test_every_job_has_a_line_with_its_seed_and_price() -> None:
    (table,) = read(render_report(done())).all("table", **{"class": "jobs"})
    lines = [[cell.text for cell in row.all("td")] for row in table.all("tbody")[0].all("tr")]
    assert len(lines) == 12
    names = [cell.text for cell in table.all("th")]
    assert "marks" not in names
    assert names == [cell.attributes["data-name"] for cell in table.all("tbody")[0].all("tr")[0].all("td")]
    assert lines[0] == ["seed: 1 · aspect_ratio: 1:1", "1", "succeeded", "12 play credits", "", "job0-0"]
    assert lines[5][2:4] == ["failed (generation_failed: The model refused this one.)", "0 play credits"]


def test_what_the_user_thinks_of_a_picture_stands_in_its_line() -> None:
    marks = {"job0": Marks(rating=4, favourite=True, tags=("keep",), note="<b>the light</b>")}
    (table,) = read(render_report(done(), marks=marks)).all("table", **{"class": "jobs"})
    first, second, *_ = (row.all("td") for row in table.all("tbody")[0].all("tr"))
    assert first[5].text == "★★★★☆ 4/5 · ♥ favourite · #keep · ✎ <b>the light</b>"
    assert second[5].text == ""


@pytest.mark.parametrize("prompt", [BOTTLE, "two\nlines"])
def test_the_requests_are_closed(prompt: str) -> None:
    view = make_view(*make_run({}, [make_job("j", params={"negative_prompt": prompt})]))
    tree = read(render_report(view))
    assert [("open" in details.attributes) for details in tree.all("details")] == [True, False]


def test_captions_tell_pictures_apart_and_have_one_ellipsis() -> None:
    labels = ["seed 1 · 16:9 · …morning light on a glass…", "seed 1 · 16:9 · …evening light on a glass…"]
    view = make_view(
        *make_run({"": labels}, [make_job("a"), make_job("b")]), thumbnails={"a": TINY, "b": TINY}
    )
    tree = read(render_report(view))
    captions = [caption.text for caption in tree.all("figcaption")]
    assert captions == labels
    assert "……" not in tree.text


def test_foreign_text_stays_text() -> None:
    html = render_report(replace(done(HOSTILE)), title=HOSTILE)
    tree = read(html)
    assert html.count("<script") == 1
    assert not [name for element in tree.all() for name in element.attributes if name.startswith("on")]
    assert '<script>alert("x")</script>' in tree.all("p", **{"class": "prompt"})[0].text
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
