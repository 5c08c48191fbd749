"""Details of the control panel that one meets while one works with it: in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab
from browser.test_panel import RESTART, RUN_WITHOUT_WAITING, PanelPage, opened, png

OPEN = """import rivya_nb as rv
rv.connect(store="detailed")
panel = rv.panel()
panel"""

FREEZE = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"

DROP_SIZES = """([element, files]) => {
    const transfer = new DataTransfer();
    for (const [name, size] of files) {
        transfer.items.add(new File([new Uint8Array(size)], name, { type: 'image/png' }));
    }
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        element.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}"""


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "details", OPEN, FREEZE) as made:
        yield made


# The tests of this file follow one another on one page.


def test_what_nothing_is_wrong_with_is_not_called_wrong(panel: PanelPage) -> None:
    shrink = panel.field("shrink what is too large")
    panel.field("Prompt").fill("A glass bottle")
    expect(panel.button("Generate")).to_be_enabled()
    expect(shrink).not_to_have_attribute("aria-invalid", "true")
    expect(shrink).to_have_accessible_description("")
    panel.drop("words.png", "image/png", b"")
    expect(panel.root.get_by_role("alert").filter(has_text="the file is empty")).to_be_visible()
    expect(shrink).to_have_accessible_description(re.compile("words.png: the file is empty"))
    panel.button("Dismiss the message about words.png").click()
    expect(shrink).to_have_accessible_description("")
    expect(shrink).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("width", [500, 1000, 1600])
def test_generate_can_be_read_beside_a_long_remark(panel: PanelPage, screenshots: Path, width: int) -> None:
    panel.page.set_viewport_size({"width": width, "height": 1200})
    panel.field("Model").fill("seedream-4-5")
    panel.page.keyboard.press("Enter")
    expect(panel.root).to_contain_text("not known of seedream-4-5")
    panel.page.screenshot(path=screenshots / f"details-remark-{width}.png")
    cut = panel.button("Generate").evaluate("button => button.scrollWidth - button.clientWidth")
    assert cut <= 0
    panel.field("Model").fill("wan-2-7-image-pro")
    panel.page.keyboard.press("Enter")
    expect(panel.root).not_to_contain_text("not known of seedream-4-5")


def test_a_model_that_cannot_be_asked_says_why(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Model").fill("hailuo")
    options = panel.root.get_by_role("listbox", name="Choices").get_by_role("option")
    expect(options.first).to_contain_text("its record is not complete")
    expect(options.first).to_be_disabled()
    panel.page.keyboard.press("ArrowDown")
    panel.page.keyboard.press("Enter")
    said = panel.root.get_by_role("status").filter(
        has_text=re.compile("^hailuo.* cannot be asked: its record is not complete")
    )
    expect(said).to_be_visible()
    panel.page.screenshot(path=screenshots / "details-model.png")
    panel.page.keyboard.press("Escape")
    expect(said).to_have_count(0)
    expect(panel.field("Model")).to_have_value("wan-2-7-image-pro")


def test_refused_files_name_the_way_out_and_are_dismissed_together(panel: PanelPage) -> None:
    files = [("empty.png", 0), ("large.png", 20_900_000)]
    panel.page.evaluate(DROP_SIZES, [panel.button("Add reference").element_handle(), files])
    alert = panel.root.get_by_role("alert").filter(has_text="empty.png")
    expect(alert).to_contain_text(
        "large.png: 20.9 MB is over the limit of 20.0 MB; “shrink what is too large”"
    )
    assert (alert.text_content() or "").count("shrink") == 1
    panel.button("Dismiss all messages about files").click()
    expect(alert).to_have_count(0)
    panel.drop("empty.png", "image/png", b"")
    expect(panel.button("Dismiss the message about empty.png")).to_be_visible()
    expect(panel.button("Dismiss all messages about files")).to_have_count(0)
    panel.button("Dismiss the message about empty.png").click()
    expect(alert).to_have_count(0)


def test_what_stands_on_a_thumbnail_can_be_hit(panel: PanelPage, screenshots: Path) -> None:
    for name in ("one.png", "two.png", "three.png"):
        panel.drop(name, "image/png", png())
        expect(panel.button(f"Remove {name}")).to_be_visible()
    panel.page.screenshot(path=screenshots / "details-thumbnails.png")
    for button in ("Move two.png left", "Move two.png right", "Remove two.png"):
        box = panel.button(button).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24, button
    for name in ("one.png", "two.png", "three.png"):
        panel.button(f"Remove {name}").click()
        expect(panel.button(f"Remove {name}")).to_have_count(0)


def test_ctrl_enter_in_the_prompt_generates_and_runs_no_cell(panel: PanelPage) -> None:
    number = panel.notebook.cell(0).locator(".jp-InputPrompt").text_content()
    panel.field("Prompt").fill("A glass bottle")
    panel.field("Seed").fill("1..x")
    expect(panel.button("Generate")).to_be_disabled()
    panel.field("Prompt").press("Control+Enter")
    panel.field("Seed").fill("1..2")
    expect(panel.button("Generate")).to_be_enabled()
    panel.field("Prompt").fill("A glass bottle by keys")
    panel.field("Prompt").press("Control+Enter")
    panel.wait_for_end(1)
    assert panel.field("Prompt").input_value() == "A glass bottle by keys"
    panel.field("Seed").fill("3")
    panel.field("Name").fill("a run of a longer name")
    expect(panel.root).to_contain_text("1 picture")
    panel.field("Prompt").press("Meta+Enter")
    panel.wait_for_end(2)
    expect(panel.tab("Run 3")).to_have_count(0)
    expect(panel.field("Prompt")).to_have_attribute("title", re.compile("Ctrl\\+Enter"))
    assert panel.notebook.cell(0).locator(".jp-InputPrompt").text_content() == number


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [500, 1000, 1600])
def test_bars_are_of_one_length_and_tabs_whole_at_any_width(
    panel: PanelPage, screenshots: Path, theme: str, width: int
) -> None:
    panel.notebook.set_theme(theme)
    panel.page.set_viewport_size({"width": width, "height": 1200})
    if not panel.tab("Compare (2)").count():
        for run in (3, 4, 5):
            panel.generate(run)
        panel.tab("Gallery").click()
        for place in (0, 1):
            panel.tiles.nth(place).press("x")
            expect(panel.tiles.nth(place)).to_have_accessible_name(re.compile("^chosen"))
        panel.button("Compare the chosen results").click()
    expect(panel.tab("Compare (2)")).to_be_visible()
    panel.page.screenshot(path=screenshots / f"details-rows-{width}-{theme.split()[1].lower()}.png")
    label = panel.tab("Compare (2)")
    assert label.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    places = set()
    for run in range(1, 6):
        bar = panel.row(run).locator(".widget-hprogress").bounding_box()
        words = panel.row(run).get_by_text(re.compile("credits")).first.bounding_box()
        assert bar is not None
        assert words is not None
        assert words["y"] + words["height"] <= bar["y"] + 1
        places.add((bar["x"], bar["width"]))
    assert len(places) == 1


def test_a_restart_says_at_once_what_it_cut_off_and_what_is_kept(panel: PanelPage, screenshots: Path) -> None:
    # What the kernel has planned is kept; what it never heard of cannot be.
    panel.field("Prompt").fill("")
    expect(panel.button("Generate")).to_be_disabled()
    panel.field("Prompt").fill("A glass jug")
    expect(panel.button("Generate")).to_be_enabled()
    panel.notebook.command("notebook:move-cursor-down")
    panel.page.evaluate(RUN_WITHOUT_WAITING)
    expect(panel.notebook.cell(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    panel.drop("jug.png", "image/png", png())
    expect(panel.root.get_by_role("progressbar", name="Sending jug.png")).to_be_visible()
    panel.page.evaluate(RESTART)
    status = panel.root.get_by_role("status").filter(has_text="The kernel was restarted")
    expect(status).to_be_visible()
    expect(status).to_contain_text("as it stood before")
    expect(panel.root.get_by_role("alert").filter(has_text="jug.png: cut off")).to_be_visible()
    expect(panel.root.get_by_role("progressbar", name="Sending jug.png")).to_have_count(0)
    panel.field("Prompt").fill("A glass jug, typed too late")
    panel.page.screenshot(path=screenshots / "details-restarted.png")
    panel.notebook.wait_for_kernel()
    panel.notebook.command("notebook:move-cursor-up")
    panel.notebook.command("notebook:run-cell")
    expect(panel.field("Prompt")).to_have_value("A glass jug")
    expect(status).to_have_count(0)
