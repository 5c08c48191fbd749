"""The control panel for those who hear it, open it twice, or have it refuse: in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab, write_notebook
from browser.test_panel import PanelPage

OPEN = """import rivya_nb as rv
rv.connect(base_url="sandbox", store="heard")
panel = rv.panel()
panel"""
AGAIN = "rv.panel()"
NAME = (
    '<img src=x onerror="window.hacked = true"> <b>bold</b> \u05e9\u05dc\u05d5\u05dd \u202etxet\u202c 🦊 '
    + "long" * 120
)


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    notebook = lab.open(write_notebook(lab.folder / "access.ipynb", [OPEN, AGAIN]))
    notebook.page.set_viewport_size({"width": 1600, "height": 1200})
    notebook.command("notebook:run-cell")
    made = PanelPage(notebook)
    expect(made.field("Prompt")).to_be_visible()
    yield made
    notebook.close()


# The tests of this file follow one another on one page.


def test_what_generate_waits_for_is_read_out_once_one_pauses(panel: PanelPage) -> None:
    status = panel.root.get_by_role("status")
    expect(status.filter(has_text="Generate waits for the prompt")).to_be_visible()
    reason = status.filter(has_text="Generate waits").element_handle()
    assert reason is not None
    panel.field("Prompt").press_sequentially("A glass bottle")
    assert reason.get_attribute("aria-busy") == "true"
    expect(status.filter(has_text="1 picture")).to_contain_text("12 credits")
    panel.page.wait_for_function("node => !node.hasAttribute('aria-busy')", arg=reason)
    panel.field("Seed").fill("1..x")
    expect(status.filter(has_text="Generate waits for the seed")).to_be_visible()
    # The very node that stood there before: a screen reader listens to no other.
    assert reason.text_content() == "Generate waits for the seed"
    panel.field("Seed").fill("")


def test_each_tab_leads_to_what_it_shows(panel: PanelPage) -> None:
    panel.field("Resolution").select_option("1K")
    panel.generate(1)
    shown = panel.root.get_by_role("tabpanel", name="Run 1")
    expect(shown).to_be_visible()
    expect(panel.tab("Run 1")).to_have_attribute("aria-controls", shown.get_attribute("id") or "")
    expect(panel.root.get_by_role("tabpanel", name="Gallery")).to_be_hidden()
    panel.wait_for_end(1)
    expect(shown.locator("img")).to_have_count(1)
    panel.tab("Gallery").click()
    expect(panel.root.get_by_role("tabpanel", name="Gallery")).to_be_visible()
    expect(panel.tab("Gallery")).to_have_attribute("aria-selected", "true")
    expect(panel.root.get_by_role("tabpanel")).to_have_count(1)
