"""Details of the control panel that one meets while one works with it: in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab
from browser.test_panel import PanelPage, opened

OPEN = """import rivya_nb as rv
rv.connect(base_url="sandbox", store="detailed")
panel = rv.panel()
panel"""


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "details", OPEN) as made:
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
