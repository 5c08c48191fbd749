"""What Generate buys while a cell keeps the kernel from answering, in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser.harness import Lab
from browser.test_panel import BUSY, IS_BUSY, RUN_WITHOUT_WAITING, PanelPage, opened

OPEN = """import rivya_nb as rv
rv.connect(store="busy")
panel = rv.panel()
panel"""
ONE_THREAD = """() => {
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.commsOverSubshells = 'disabled';
}"""
"""As with kernels that know no subshells: nothing of a widget arrives before the running cell has ended."""


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "busy", OPEN, BUSY) as made:
        yield made


@pytest.mark.parametrize("threads", ["one", "several"])
def test_what_was_typed_before_the_click_is_bought_and_what_was_typed_after_it_is_not(
    panel: PanelPage, threads: str
) -> None:
    if threads == "one":
        panel.page.evaluate(ONE_THREAD)
    run = 1 if threads == "one" else 2
    panel.field("Prompt").fill("A lamp")
    expect(panel.root).to_contain_text("1 picture")
    expect(panel.button("Generate")).to_be_enabled()
    panel.notebook.command("notebook:move-cursor-down")
    panel.page.evaluate(RUN_WITHOUT_WAITING)
    panel.page.wait_for_function(IS_BUSY)
    panel.field("Prompt").fill("")
    panel.field("Prompt").press_sequentially("A lighthouse")
    panel.button("Generate").click()
    panel.field("Prompt").press_sequentially(" in the desert")
    panel.end_busy_cell()
    expect(panel.tab(f"Run {run}")).to_be_visible()
    panel.wait_for_end(run)
    expect(panel.pictures).to_have_count(1)
    expect(panel.pictures).to_have_attribute("alt", re.compile("lighthouse"))
    panel.tab("Gallery").click()
    expect(panel.tiles.first).to_have_accessible_name(re.compile("^A lighthouse ·"))
    expect(panel.field("Prompt")).to_have_value("A lighthouse in the desert")


def test_a_key_on_a_picture_that_waits_for_the_kernel_says_so(panel: PanelPage) -> None:
    panel.page.evaluate(ONE_THREAD)
    panel.notebook.command("notebook:move-cursor-down")
    panel.page.evaluate(RUN_WITHOUT_WAITING)
    panel.page.wait_for_function(IS_BUSY)
    panel.tiles.first.press("4")
    expect(panel.root).to_contain_text("What you asked for is not lost")
    panel.end_busy_cell()
    expect(panel.root.locator(".rivya-marks").locator("visible=true")).to_have_text(["★★★★"])
    expect(panel.root).not_to_contain_text("is not lost")
