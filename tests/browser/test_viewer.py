"""The viewer in JupyterLab: pictures zoom together, are compared and rated, and originals come when looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from sandboxes import until

from browser.harness import Lab, write_notebook
from browser.viewing import View
from rivya_nb.store.store import Store

CONNECT = """import os
os.environ["SHRINK_PICTURES"] = "1"
import rivya_nb as rv
rv.connect(base_url="sandbox", store="looked-at")"""
PROMPT = 'A glass bottle in {} light <img src=x onerror="window.hacked = true">'
ASK = f"""run = rv.generate(
    {PROMPT.format("{light=dawn|dusk}")!r},
    seed=[1, 2], aspect_ratio=["1:1", "16:9"], resolution="1K",
).wait()"""
SHOWN = 2

SHA256 = """async image => {
    const data = await (await fetch(image.src)).arrayBuffer();
    const digest = await crypto.subtle.digest('SHA-256', data);
    return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('');
}"""
# CSS pixels for one pixel of each original, once they are shown; else null.
SCALES = """([root, widths]) => {
    const images = [...root.querySelectorAll('img:not([alt=""])')];
    if (images.map(image => image.naturalWidth).join() !== widths.join()) return null;
    return images.map(image => image.getBoundingClientRect().width / image.naturalWidth);
}"""
IS_THERE = "url => fetch(url).then(() => true, () => false)"


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Iterator[View]:
    cells = [CONNECT, ASK, "run.view()"]
    notebook = lab.open(write_notebook(lab.folder / "view.ipynb", cells), height=1000)
    notebook.run_all()
    view = View(notebook, SHOWN)
    expect(view.cells).to_have_count(4, timeout=60_000)
    yield view
    notebook.close()


@pytest.fixture
def view(opened: View) -> View:
    opened.to_grid()
    return opened


def test_all_pictures_zoom_and_pan_together(view: View, screenshots: Path) -> None:
    assert view.transforms() == ["1.00 0.00 0.00"] * 4
    view.press("+", "+", "Shift+ArrowLeft")
    assert view.transforms() == ["1.56 0.12 0.00"] * 4
    view.cells.first.hover(position={"x": 1, "y": 1})
    view.page.mouse.wheel(0, -300)
    view.page.wait_for_function(
        "cell => new DOMMatrix(getComputedStyle(cell.querySelector('img')).transform).a > 1.6",
        arg=view.cells.first.element_handle(),
    )
    assert len(set(view.transforms())) == 1
    view.page.mouse.down()
    view.page.mouse.move(*_middle(view.cells.first), steps=3)
    view.page.mouse.up()
    assert len(set(view.transforms())) == 1
    view.screenshot(screenshots / "viewer-grid.png")


def _middle(cell: Locator) -> tuple[float, float]:
    box = cell.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_an_original_arrives_whole_once_it_is_looked_at(view: View) -> None:
    view.press("]")
    expect(view.root).to_contain_text("16:9 · 2 of 2")
    small = view.cells.locator("img")

    def widths() -> list[int]:
        return small.evaluate_all("images => images.map(image => image.naturalWidth)")

    # A picture has no width before it is decoded.
    assert until(lambda: all(widths()))
    assert len(widths()) == 4
    assert max(widths()) < 1360
    view.press("ArrowDown", "Enter")
    view.wait_for_width(1360)
    alt = view.pictures.get_attribute("alt")
    assert alt == f"{PROMPT.format('dusk')} · light: dusk · seed: 1 · 16:9"
    [sha256] = view.kernel(
        "[job.record.pictures[0].sha256 for job in run"
        " if (job.seed, job.params['aspect_ratio'], 'dusk' in job.prompt) == (1, '16:9', True)]"
    )
    assert view.pictures.evaluate(SHA256) == sha256
    view.press("ArrowRight")
    expect(view.pictures).to_have_attribute("alt", alt.replace("seed: 1", "seed: 2"))
    view.wait_for_width(1360)


def test_two_pictures_are_compared_and_what_differs_is_said(view: View, screenshots: Path) -> None:
    view.press("p", "ArrowRight", "c")
    expect(view.root).to_contain_text("differs: seed 1 → 2")
    expect(view.root).to_contain_text("same: model, prompt, 1:1, 1K")
    divider = view.root.get_by_role("slider", name="Divider between A and B")
    divider.press("ArrowLeft")
    expect(divider).to_have_attribute("aria-valuenow", "48")
    knob = divider.bounding_box()
    assert knob is not None
    view.page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + 50)
    view.page.mouse.down()
    view.page.mouse.move(knob["x"] + knob["width"] / 2 + 100, knob["y"] + 50)
    view.page.mouse.up()
    assert int(divider.get_attribute("aria-valuenow") or 0) > 50
    view.screenshot(screenshots / "viewer-slider.png")
    expect(view.root.get_by_role("group", name="A: light: dawn · seed: 1 · 1:1, B: ")).to_be_visible()
    view.press("Space", "Space")
    shown = view.pictures.and_(view.page.locator("img:visible"))
    expect(shown).to_have_count(1)
    before = shown.get_attribute("alt")
    view.press("Space")
    assert shown.get_attribute("alt") != before
    view.press("c")
    expect(view.root.get_by_role("slider", name="amplified")).to_be_visible()
    view.press("c")
    expect(view.root.get_by_role("group", name="B, light: dawn · seed: 2 · 1:1")).to_be_visible()
    view.press("Escape", "ArrowLeft", "p")


def test_side_by_side_a_square_and_a_wide_picture_have_one_scale(view: View) -> None:
    def scales() -> list[float]:
        arg = [view.root.element_handle(), [1024, 1360]]
        found: list[float] = view.page.wait_for_function(SCALES, arg=arg).json_value()
        return found

    view.press("ArrowRight", "p", "]")
    view.root.get_by_role("button", name="Side by side").click()
    fitted, wide = scales()
    assert fitted == pytest.approx(wide, rel=1e-3)  # A browser rounds sizes to parts of a pixel.
    view.press("+", "+", "Shift+ArrowLeft")
    assert scales() == pytest.approx([1.5625 * fitted] * 2, rel=1e-3)
    view.press("z", "p", "p", "Escape")


def test_a_rating_shows_at_once_and_is_kept(view: View) -> None:
    view.press("4", "h")
    expect(view.cells.first).to_have_accessible_name("light: dawn · seed: 1 · 1:1, rated 4 of 5, favourite")
    marks = "[[m.rating, m.favourite] for m in run._store.marks.of([run[0].id]).values()]"
    expect(view.status).to_be_empty()
    view.wait_for_kernel(marks, [[4, True]])
    view.press("5", "5")
    view.wait_for_kernel(marks, [[5, True]])
    view.press("0")
    view.wait_for_kernel(marks, [[0, True]])
    view.root.get_by_role("button", name="Rate 2").click()
    view.wait_for_kernel(marks, [[2, True]])
    view.root.get_by_role("button", name="Rate 2").click()
    view.wait_for_kernel(marks, [[0, True]])
    view.press("h")
    view.wait_for_kernel(marks, [[0, False]])


def test_what_is_marked_elsewhere_shows_too(view: View) -> None:
    first = view.cells.first
    view.kernel("str(run[0].rate(3))")
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1, rated 3 of 5")
    view.kernel("str(rv.undo())")
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1")
    view.kernel("str(run[0].exclude('hand <b>cut</b> off'))")
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1, excluded: hand <b>cut</b> off")
    expect(first).to_contain_text("⊘ excluded: hand <b>cut</b> off")
    view.kernel("str(rv.undo())")
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1")
    folder, job = view.kernel("[str(run._store.folder), run[0].id]")
    with closing(Store.open(Path(folder))) as store:
        store.marks.change([job], favourite=True)
    # Nobody tells this kernel what another one does: it is asked for when the viewer is looked at.
    view.page.mouse.move(0, 0)
    first.hover()
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1, favourite")
    view.press("h")
    expect(first).to_have_accessible_name("light: dawn · seed: 1 · 1:1")


def test_a_third_axis_is_a_slider_over_the_whole_grid(view: View) -> None:
    view.press("ArrowRight", "+")
    pages = view.root.get_by_role("slider", name="Page")
    pages.focus()
    pages.press("ArrowRight")
    expect(pages).to_have_attribute("aria-valuetext", "16:9")
    expect(view.cells.nth(1)).to_have_accessible_name("light: dawn · seed: 2 · 16:9")
    expect(view.cells.nth(1)).to_have_attribute("aria-selected", "true")
    assert view.transforms() == ["1.25 0.00 0.00"] * 4
    pages.press("ArrowLeft")
    expect(pages).to_have_attribute("aria-valuetext", "1:1")


def test_foreign_text_stays_text(view: View) -> None:
    expect(view.root).to_contain_text(PROMPT.format("dawn"))
    view.press("i")
    expect(view.root.get_by_role("dialog", name="Details")).to_contain_text(PROMPT.format("dawn"))
    view.press("Escape")
    assert view.page.evaluate("window.hacked === undefined")


def test_keys_of_the_viewer_are_not_those_of_the_notebook(view: View) -> None:
    cells = view.page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()
    view.press("d", "d", "0", "0", "?")
    expect(view.root.get_by_role("dialog", name="Keys")).to_be_visible()
    view.press("Escape")
    assert cells.count() == count
    assert view.page.locator(".jp-Dialog").count() == 0


def test_a_picture_whose_file_is_gone_says_so(view: View) -> None:
    view.kernel(
        "[str(job.path.rename(job.path.with_suffix('.away'))) for job in run"
        " if (job.seed, job.params['aspect_ratio'], 'dawn' in job.prompt) == (1, '16:9', True)]"
    )
    view.press("]", "Enter")
    expect(view.root).to_contain_text("Its file is gone")


@pytest.mark.parametrize(("theme", "width"), [("Light", 1600), ("Dark", 700), ("Dark", 500)])
def test_it_fits_wherever_it_is_opened(view: View, theme: str, width: int, screenshots: Path) -> None:
    view.page.set_viewport_size({"width": width, "height": 1000})
    view.notebook.set_theme(f"JupyterLab {theme}")
    beyond = "root => root.scrollWidth - root.clientWidth"
    assert view.root.evaluate(beyond) <= 0
    for name in ("Favourite", "Pin as A", "Details", "Full screen", "Keys"):
        expect(
            view.root.get_by_role("button", name=name).filter(has_text=name).get_by_text(name)
        ).to_be_visible()
    view.screenshot(screenshots / f"viewer-{theme.lower()}-{width}.png")
    view.press("Enter")
    assert view.root.evaluate(beyond) <= 0
    view.screenshot(screenshots / f"viewer-{theme.lower()}-{width}-large.png")


# Whether the words in a place as narrow as this are as wide as it at most, and end where its corner begins.
NARROW = """root => {
    const words = root.querySelector('.grid .words');
    const frame = words.closest('.frame');
    const chip = frame.querySelector('.chip');
    words.textContent = '✕ generation_failed: The generation failed. No credits were charged.';
    chip.textContent = 'seed: 7';
    chip.hidden = false;
    frame.style.cssText = 'width: 80px; height: 140px';
    const corner = chip.getBoundingClientRect(), box = words.getBoundingClientRect();
    return words.scrollWidth <= words.clientWidth && (box.bottom <= corner.top || box.top >= corner.bottom);
}"""


def test_words_fit_into_a_narrow_place(view: View) -> None:
    view.to_grid()
    assert view.root.evaluate(NARROW)


def test_nothing_is_left_of_it_in_the_browser_once_it_is_closed(view: View) -> None:
    addresses = view.root.locator("img").evaluate_all("images => images.map(image => image.src)")
    assert all(view.page.evaluate(IS_THERE, address) for address in addresses if address)
    view.notebook.command("notebook:clear-all-cell-outputs")
    expect(view.root).to_have_count(0)
    assert not any(view.page.evaluate(IS_THERE, address) for address in addresses if address)
