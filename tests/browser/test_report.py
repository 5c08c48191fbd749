"""A report in a browser, opened as a file: it fits, is used by mouse and by keyboard, and prints."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from views.making import DONE_STATES, bottles, make_job, make_run, make_view

from rivya_nb.views.report import render_report
from rivya_nb.views.thumbnails import Thumbnail


@pytest.fixture(scope="module", autouse=True)
def no_kernels_left() -> None:
    """A report needs neither a kernel nor JupyterLab."""


def picture(width: int, height: int, colour: str) -> Thumbnail:
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "WEBP")
    return Thumbnail(data.getvalue(), "image/webp", width, height)


@pytest.fixture(scope="module")
def bottles_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seeds in three shapes; one of the pictures failed."""
    run, jobs = bottles(DONE_STATES)
    pictures = {
        key: picture(job.pictures[0].width // 2, job.pictures[0].height // 2, "teal")
        for key, job in jobs.items()
        if job.pictures
    }
    path = tmp_path_factory.mktemp("report") / "bottles.html"
    path.write_text(render_report(make_view(run, jobs, thumbnails=pictures)), encoding="utf-8")
    return path


def opened(chromium: Browser, path: Path, width: int, *, script: bool = True) -> Page:
    page = chromium.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=script
    ).new_page()
    page.goto(path.as_uri())
    return page


# How many lines each head of the table has.
LINES = """heads => heads.map(head => {
    const range = document.createRange();
    range.selectNodeContents(head);
    return range.getClientRects().length;
})"""


@pytest.mark.parametrize("width", [390, 700, 1600])
def test_a_grid_fits_the_width_also_without_its_script(
    chromium: Browser, bottles_report: Path, width: int
) -> None:
    page = opened(chromium, bottles_report, width, script=False)
    assert page.locator("button").count() == 0
    expect(page.locator(".hint")).to_be_hidden()
    right = [
        box["x"] + box["width"]
        for image in page.locator("img, .jobs td").all()
        if (box := image.bounding_box())
    ]
    assert len(right) > 24
    assert max(right) <= width
    assert max(page.locator(".jobs th").evaluate_all(LINES)) <= 1
    page.context.close()


def test_a_grid_too_wide_for_a_phone_scrolls_and_says_so(chromium: Browser, tmp_path: Path) -> None:
    jobs = [make_job(f"j{index}") for index in range(16)]
    view = make_view(*make_run({"x": "12", "y": [str(index) for index in range(8)]}, jobs))
    path = tmp_path / "wide.html"
    path.write_text(render_report(view), encoding="utf-8")
    page = opened(chromium, path, 390)
    expect(page.locator(".hint")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.scrolls'))")
    page.context.close()


def test_pictures_are_looked_at_compared_and_turned(chromium: Browser, bottles_report: Path) -> None:
    page = opened(chromium, bottles_report, 1000)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    tiles, dialog = page.locator(".picture[role=button]"), page.get_by_role("dialog")
    tiles.nth(0).click()
    caption = dialog.locator("figcaption")
    expect(caption).to_have_text("seed: 1 · aspect_ratio: 1:1")
    page.keyboard.press("ArrowRight")
    expect(caption).to_have_text("seed: 1 · aspect_ratio: 16:9")
    width = dialog.locator("img").evaluate("image => image.width")
    page.keyboard.press("+")
    assert dialog.locator("img").evaluate("image => image.width") > width
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_contain_text("compare with seed: 1 · aspect_ratio: 16:9")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(caption).to_have_text(["seed: 1 · aspect_ratio: 16:9", "seed: 1 · aspect_ratio: 3:4"])
    page.keyboard.press("s")
    slider = dialog.get_by_role("slider")
    slider.press("Home")
    assert dialog.locator(".over").evaluate("image => image.style.getPropertyValue('--split')") == "0%"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tiles.nth(1)).to_be_focused()
    table = page.locator("table.pictures")
    seeds, shapes = [f"seed: {seed}" for seed in range(1, 5)], ["1:1", "16:9", "3:4"]
    for columns, rows in ((seeds, shapes), (shapes, seeds)):
        page.get_by_role("button", name="Swap rows and columns").click()
        expect(table.get_by_role("columnheader")).to_have_text(columns)
        expect(table.get_by_role("rowheader")).to_have_text(rows)
    second = table.locator("tbody tr").nth(1).locator("img").first
    expect(second).to_have_attribute("data-caption", "seed: 2 · aspect_ratio: 1:1")
    assert troubles == []
    page.context.close()


def test_it_prints_on_two_pages_and_cuts_nothing(chromium: Browser, bottles_report: Path) -> None:
    page = opened(chromium, bottles_report, 670)
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert pages == 2
    page.emulate_media(media="print")
    right = [box["x"] + box["width"] for image in page.locator("img").all() if (box := image.bounding_box())]
    assert max(right) <= 670
    expect(page.get_by_role("button", name="Swap rows and columns")).to_be_hidden()
    page.context.close()
