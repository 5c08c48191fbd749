"""What a run looks like in a notebook, trusted or not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rivya_nb.store.records import STATUSES
from rivya_nb.views import run_html
from rivya_nb.views.run_html import render_run
from rivya_nb.views.run_view import Hint, RunView
from rivya_nb.views.thumbnails import Thumbnail, collect
from rivya_nb.views.words import SIGNS
from views.making import (
    BOTTLE,
    DONE_STATES,
    HOSTILE,
    STARTED,
    bottles,
    gradient,
    live_bottles,
    make_job,
    make_run,
    make_view,
)
from views.reading import Element, read, wrapping

SNAPSHOTS = Path(__file__).parent / "snapshots"
TINY = Thumbnail(b"tiny", "image/webp", 1, 1)

# What JupyterLab's sanitizer leaves of an untrusted output (packages/apputils/src/sanitizer.ts).
KEPT_TAGS = {
    "div", "span", "b", "bdi", "code", "details", "summary", "ul", "li",
    "table", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "img", "wbr",
}  # fmt: skip
KEPT_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "style", "title"},
    "table": {"border", "cellpadding", "cellspacing", "width"},
    "th": {"colspan", "rowspan", "scope", "height", "width"},
    "td": {"colspan", "rowspan", "height", "width"},
    "img": {"alt", "src", "height", "width"},
}
KEPT_STYLES = {
    "background", "border", "border-collapse", "border-left", "border-radius", "border-spacing", "bottom",
    "box-sizing", "color", "cursor",
    "display", "font-family", "font-size", "font-weight", "height", "left", "line-height", "margin", "max-width",
    "min-width", "opacity", "overflow-wrap", "overflow-x", "padding", "position", "right", "table-layout",
    "text-align", "top", "vertical-align", "white-space", "width",
}  # fmt: skip
KEPT_VALUES = {
    "display": {"block", "inline", "inline-block", "table-cell", "inline-table"},
    "position": {"relative", "absolute"},
    "white-space": {"normal", "nowrap", "pre-wrap"},
    "overflow-wrap": {"break-word"},
}
KEPT_SIZE = re.compile(r"-?\d+(\.\d+)?(px|%)|0|auto|none")


def pictured(view: RunView) -> RunView:
    """The view with a thumbnail for every picture."""
    return replace(view, thumbnails={cell.key: TINY for cell in view.layout.cells if cell.picture})


def page(view: RunView) -> Element:
    return read(render_run(view))


def live() -> RunView:
    run, jobs = live_bottles()
    hint = Hint("", "interrupting the kernel stops the waiting, not the run")
    return pictured(make_view(run, jobs, live=True, notice="rate limited, next try in 8 s", hints=(hint,)))


def done() -> RunView:
    run, jobs = bottles(DONE_STATES)
    return pictured(make_view(run, jobs, hints=(Hint("%rivya retry 41", "generates the failed one again"),)))


@pytest.mark.parametrize("make", [live, done])
def test_what_is_prepared_needs_no_template_any_more(make: Callable[[], RunView]) -> None:
    run_html.environment.cache_clear()
    run_html.prepare()
    compiled = run_html.environment().cache
    assert compiled is not None
    before = set(compiled.keys())
    render_run(make())
    assert set(compiled.keys()) == before


def test_a_running_run_says_what_was_asked_and_how_far_it_is() -> None:
    text = page(live()).text
    assert text.startswith(f"{BOTTLE} wan-2-7-image-pro · resolution 1K · 12 pictures · 144 credits · run 41")
    status, _, below = text.partition("rate limited, next try in 8 s")
    # Above the grid, which may be higher than the screen.
    assert "6 of 12 done · 1 failed · 2 processing · 3 queued · 31 s" in status
    assert "seed: 1" in below
    assert text.endswith("interrupting the kernel stops the waiting, not the run")


def test_the_bar_is_as_long_as_what_has_ended() -> None:
    (bar,) = page(live()).all("div", **{"class": "rivya-bar"})
    assert bar.style["width"] == "58%"
    assert not page(done()).all("div", **{"class": "rivya-bar"})


def rows(grid: Element) -> list[list[str]]:
    return [
        [cell.text for cell in row.children if isinstance(cell, Element)]
        for row in grid.all("tbody")[0].all("tr")
    ]


def test_the_grid_has_labels_pictures_and_states_in_their_places() -> None:
    tree = page(live())
    assert [label.text for label in tree.all("th", scope="col")] == ["1:1", "16:9", "3:4"]
    assert rows(tree) == [
        ["seed: 1", "", "", ""],
        ["seed: 2", "", "", "✕ generation_failed The model refused this one. 0 credits"],
        ["seed: 3", "", "◔ processing 30 s", "◔ processing 30 s"],
        ["seed: 4", "○ queued", "○ queued", "○ queued"],
    ]
    widths = [image.attributes["width"] for image in tree.all("img")]
    assert widths == ["150", "267", "112", "150", "267", "150"]


def test_every_picture_says_what_it_is() -> None:
    first, second = page(live()).all("img")[:2]
    assert first.attributes["alt"] == f"{BOTTLE} · seed: 1 · 1:1"
    assert second.attributes["title"].startswith("seed: 1 · aspect_ratio: 16:9\nsucceeded · 12 credits\n")


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "succeeded"])
def test_every_state_is_a_sign_and_a_word(status: str) -> None:
    run, jobs = make_run({}, [make_job("j", status, error_code=None)])
    assert f"{SIGNS[status]} {status}" in page(make_view(run, jobs)).text


@pytest.mark.parametrize(
    ("status", "meaning"),
    [("undelivered", "paid, not fetched yet"), ("unknown", "perhaps billed"), ("stopped", "never sent")],
)
def test_an_unusual_end_says_what_it_means(status: str, meaning: str) -> None:
    assert meaning in page(make_view(*make_run({}, [make_job("j", status)]))).text


def test_a_picture_that_is_not_ready_has_its_place_already() -> None:
    running = page(make_view(*bottles(["queued"] * 12)))
    boxes = [box for box in running.all("div") if "rivya-state" in box.attributes.get("class", "")]
    assert {box.style["width"] for box in boxes} == {"100.0%"}
    # A padding in percent of the width gives the box the picture's shape at any width.
    shapes = [box.all("span")[0].style["padding"] for box in boxes[:3]]
    assert shapes == ["0 0 100.0% 0", "0 0 56.18% 0", "0 0 133.93% 0"]
    there = page(make_view(*bottles(["succeeded"] * 12)))
    assert [col.style for col in running.all("col")] == [col.style for col in there.all("col")]


def test_a_picture_that_is_left_out_is_told_and_not_hidden() -> None:
    run, jobs = bottles(["succeeded"] * 12)
    thumbnails: dict[str, Thumbnail | None] = dict.fromkeys(jobs, TINY)
    thumbnails["job11"] = None
    text = page(make_view(run, jobs, thumbnails=thumbnails)).text
    assert "✓ succeeded not shown here" in text
    assert "1 picture of 12 not shown, to keep this page small; the originals are in the store" in text


def test_several_pictures_of_a_task_stand_side_by_side() -> None:
    tree = page(pictured(make_view(*make_run({}, [make_job("j", pictures=3)]))))
    assert [place.text for place in wrapping(tree)] == ["picture 1", "picture 2", "picture 3"]
    assert len(tree.all("img")) == 3


def test_several_pictures_of_a_place_in_a_grid_are_counted_on_it() -> None:
    run, jobs = make_run({"seed": "1", "light": "d"}, [make_job("j", pictures=3)])
    tree = page(pictured(make_view(run, jobs)))
    assert "+2" in tree.all("table")[0].text
    assert "other" not in tree.text
    assert len(tree.all("img")) == 1


def test_a_param_that_differs_within_a_place_is_named() -> None:
    ratios = ("1:1", "16:9", "3:4")
    jobs = [make_job(ratio, params={"seed": 1, "aspect_ratio": ratio}) for ratio in ratios]
    # Not sent is the documented default, which is no other value.
    jobs.append(make_job("plain", params={"seed": 1}))
    places = [(0, 0)] * 3 + [(0, 1)]
    tree = page(pictured(make_view(*make_run({"seed": "1", "light": "dn"}, jobs, places))))
    assert "+2 other aspect_ratio" in tree.all("tbody")[0].text
    assert "+2 other aspect_ratio, of the same place, not shown" in tree.all("img")[0].attributes["title"]
    assert tree.text.count("other") == 1


def test_a_ribbon_has_a_label_below_each_picture() -> None:
    tree = page(pictured(make_view(*make_run({"seed": "12"}, [make_job("a"), make_job("b", "queued")]))))
    assert [place.text for place in wrapping(tree)] == ["seed: 1", "○ queued seed: 2"]


def test_pages_have_captions() -> None:
    jobs = [make_job(name) for name in "abcd"]
    tree = page(make_view(*make_run({"seed": "1", "x": "2", "light": ("dawn", "dusk")}, jobs[:2])))
    assert "light: dawn" in tree.text
    assert len(tree.all("table")) == 2


def hostile_views() -> list[RunView]:
    states = ["failed", "unknown", "stopped", "processing"]
    jobs = [
        make_job(
            f"j{index}",
            state,
            prompt=HOSTILE,
            error_code=HOSTILE,
            error_message=HOSTILE,
            params={"style": HOSTILE},
        )
        for index, state in enumerate([*states, "succeeded"])
    ]
    wide, by_id = make_run(
        {HOSTILE: [HOSTILE] * 5, "y": [HOSTILE]}, jobs, [(i, 0) for i in range(5)], name=HOSTILE
    )
    ribbon = make_run({HOSTILE: [HOSTILE] * 5}, jobs)
    hints = (Hint(HOSTILE, HOSTILE),)
    origins = {"j4": HOSTILE}
    plan = replace(make_view(*ribbon, notice=HOSTILE, hints=hints), prompts=[HOSTILE] * 2, origins=origins)
    return [pictured(make_view(wide, by_id, live=True, notice=HOSTILE, hints=hints)), pictured(plan)]


@pytest.mark.parametrize("view", hostile_views(), ids=["grid", "ribbon"])
def test_foreign_text_stays_text(view: RunView) -> None:
    html = render_run(view)
    tree = read(html)
    assert "<script" not in html
    assert not [element for element in tree.all() if element.tag in ("script", "iframe", "a")]
    assert not [name for element in tree.all() for name in element.attributes if name.startswith("on")]
    assert len(tree.all("img")) == 1
    assert '<script>alert("x")</script>' in tree.text
    assert '<script>alert("x")</script>' in tree.all("img")[0].attributes["alt"]
    assert "\u202e" not in "".join(element.text for element in tree.all("b"))


@pytest.mark.parametrize("view", [live(), done(), *hostile_views()], ids=["live", "done", "grid", "ribbon"])
def test_all_that_matters_survives_in_an_untrusted_notebook(view: RunView) -> None:
    for element in page(view).all():
        if element.tag == "style":
            continue
        assert element.tag in KEPT_TAGS
        assert set(element.attributes) <= KEPT_ATTRIBUTES["*"] | KEPT_ATTRIBUTES.get(element.tag, set())
        assert set(element.style) <= KEPT_STYLES
        for name, value in element.style.items():
            assert "var(" not in value
            assert value in KEPT_VALUES.get(name, {value})
            if name in ("width", "height", "min-width", "max-width"):
                assert KEPT_SIZE.fullmatch(value)


def test_no_text_is_coloured_for_one_theme_only() -> None:
    def luminance(colour: str) -> float:
        channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    colours = {
        element.style["color"]
        for element in page(live()).all()
        if "color" in element.style and "background" not in element.style
    }
    assert colours
    for colour in colours:
        for paper in ("#ffffff", "#111111"):
            dark, light = sorted((luminance(colour), luminance(paper)))
            assert (light + 0.05) / (dark + 0.05) > 3.9


def test_all_that_the_style_sheet_says_stays_within_the_run() -> None:
    (sheet,) = page(live()).all("style")
    selectors = re.findall(
        r"([^{}]+)\{", "".join(child for child in sheet.children if isinstance(child, str))
    )
    assert selectors
    rules = [rule for rule in selectors if not rule.strip().startswith("@media")]
    assert all(".rivya-run" in selector for rule in rules for selector in rule.split(","))


def test_a_place_that_nothing_was_asked_for_says_so() -> None:
    run, jobs = bottles(DONE_STATES)
    assert "not asked" not in render_run(make_view(run, jobs))
    holed = replace(run, cells=run.cells[:4] + run.cells[5:])
    assert render_run(make_view(holed, jobs)).count("not asked") == 1


@pytest.mark.parametrize(("rows", "times"), [(5, 1), (6, 2), (11, 3)])
def test_a_grid_higher_than_a_screen_says_again_what_its_columns_are(rows: int, times: int) -> None:
    labels = [str(seed) for seed in range(rows)]
    jobs = [make_job(f"{seed} {shape}") for seed in labels for shape in "ab"]
    tree = page(make_view(*make_run({"seed": labels, "shape": "ab"}, jobs)))
    heads = [head.text for head in tree.all("th", scope="col")]
    assert heads == ["shape: a", "shape: b"] * times
    # The mouse wheel scrolls the notebook, and never a part of it.
    styles = [element.style for element in tree.all()]
    assert not [style for style in styles if {"max-height", "overflow-y", "overflow"} & style.keys()]
    (sheet,) = tree.all("style")
    assert "overflow" not in "".join(map(str, sheet.children))


def test_a_grid_takes_the_width_that_it_has_between_a_legible_and_a_large_size() -> None:
    (table,) = page(live()).all("table")
    assert table.style["width"] == "100%"
    # Three ratios, with their labels, fit into the output of a page of 900 pixels, and fill one of 1600.
    assert int(table.style["min-width"].removesuffix("px")) < 500
    assert int(table.style["max-width"].removesuffix("px")) > 1000
    label, *columns = (col.style["width"] for col in table.all("col"))
    assert label.endswith("px")
    shares = [float(share.removesuffix("%")) for share in columns]
    assert sum(shares) == pytest.approx(100, abs=0.01)
    assert [share / shares[0] for share in shares] == pytest.approx([1, 16 / 9, 3 / 4], rel=0.01)
    assert {image.style["width"] for image in table.all("img")} == {"100%"}


@pytest.mark.parametrize(("count", "across"), [(2, 2), (4, 4), (6, 6), (8, 4), (16, 6), (60, 9)])
def test_a_row_that_wraps_has_full_lines(count: int, across: int) -> None:
    jobs = [make_job(f"j{index}") for index in range(count)]
    run, by_id = make_run({"seed": [str(index) for index in range(count)]}, jobs)
    tree = page(pictured(make_view(run, by_id)))
    places = [place.style for place in wrapping(tree)]
    assert len(places) == count
    (share,) = {float(place["width"].removesuffix("%")) for place in places}
    assert 100 // share == across
    assert 99 < share * across <= 100
    # Without any style, it is a table with at most five pictures of 150 pixels in a row.
    rows = [len(wrapping(row)) for row in tree.all("tr") if wrapping(row)]
    assert rows == [5] * (count // 5) + [count % 5] * bool(count % 5)
    widths = [image.attributes["width"] for image in tree.all("img")]
    assert widths == ["150"] * count


@pytest.mark.parametrize("name", ["live", "done"])
def test_the_html_is_the_reviewed_one(name: str) -> None:
    """After a change that is meant: look at the page, then delete the file and run this test twice."""
    html = render_run({"live": live, "done": done}[name]())
    snapshot = SNAPSHOTS / f"{name}.html"
    if not snapshot.exists():
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(html, encoding="utf-8")
        pytest.fail(f"{snapshot.name} was written; look at it")
    assert html == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize(("columns", "count"), [(4, 16), (5, 20), (8, 64)])
def test_a_saved_output_stays_small(tmp_path: Path, columns: int, count: int) -> None:
    original = gradient(tmp_path / "a.png", (256, 256))
    jobs = [make_job(f"j{index}", params={"seed": index}) for index in range(count)]
    axes: Mapping[str, Sequence[str]] = {
        "seed": [str(row) for row in range(count // columns)],
        "aspect_ratio": [str(column) for column in range(columns)],
    }
    view = make_view(*make_run(axes, jobs))
    bare = len(render_run(view).encode())
    assert bare + 256_000 < 400_000
    html = render_run(replace(view, thumbnails=collect(view.layout, lambda picture: original)))
    assert len(html.encode()) < 400_000


def test_views_are_loaded_without_what_draws_them() -> None:
    code = (
        "import sys, rivya_nb.views.run_html, rivya_nb.views.run_text, rivya_nb.views.thumbnails\n"
        "print(sorted({'PIL', 'jinja2', 'IPython', 'sqlalchemy', 'httpx'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_an_unknown_future_is_shown_as_it_is() -> None:
    run, jobs = make_run({}, [make_job("j", "paused", submitted_at=STARTED)])
    assert "· paused" in page(make_view(run, jobs)).text
