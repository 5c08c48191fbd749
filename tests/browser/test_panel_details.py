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
rv.connect(base_url="sandbox", store="detailed")
panel = rv.panel()
panel"""

FREEZE = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"


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


def test_a_restart_says_at_once_what_it_cut_off_and_what_is_kept(panel: PanelPage, screenshots: Path) -> None:
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
