"""Generate, while a reference is on its way from the page to the kernel, in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab
from browser.test_panel import PanelPage, opened, png

OPEN = """import rivya_nb as rv
rv.connect(store="arriving")
panel = rv.panel()
panel"""
NEVER_READ = "() => { Blob.prototype.arrayBuffer = () => new Promise(() => {}); }"
"""Files are announced, and no piece of them ever comes."""


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "arriving", OPEN) as made:
        yield made


# The tests of this file follow one another on one page.


def test_generate_waits_for_a_file_until_it_is_called_back(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Prompt").fill("A lamp")
    expect(panel.button("Generate")).to_be_enabled()
    panel.page.evaluate(NEVER_READ)
    panel.drop("large.png", "image/png", png())
    expect(panel.root).to_contain_text("Generate waits for large.png (0 %)")
    expect(panel.button("Generate")).to_be_disabled()
    panel.page.screenshot(path=screenshots / "panel-arriving.png")
    panel.button("Do not send large.png").click()
    expect(panel.button("Generate")).to_be_enabled()
    expect(panel.root.get_by_role("progressbar", name="Sending large.png")).to_have_count(0)


def test_a_page_that_is_loaded_again_leaves_nothing_to_wait_for(panel: PanelPage) -> None:
    panel.drop("large.png", "image/png", png())
    expect(panel.button("Generate")).to_be_disabled()
    panel.notebook.save()
    panel.page.reload()
    expect(panel.field("Prompt")).to_have_value("A lamp")
    # Before the kernel itself gives up a file of which nothing has come for half a minute.
    expect(panel.button("Generate")).to_be_enabled(timeout=20_000)
