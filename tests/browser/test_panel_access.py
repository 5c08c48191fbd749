"""The control panel for those who hear it, open it twice, or have it refuse: in JupyterLab."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab
from browser.test_panel import PanelPage, opened

OPEN = """import rivya_nb as rv
rv.connect(store="heard")
panel = rv.panel()
panel"""
AGAIN = "rv.panel()"
NAME = (
    '<img src=x onerror="window.hacked = true"> <b>bold</b> \u05e9\u05dc\u05d5\u05dd \u202etxet\u202c 🦊 '
    + "long" * 120
)


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "access", OPEN, AGAIN) as made:
        yield made


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
    expect(panel.field("Seed")).to_have_accessible_description(re.compile("'1..x' is no range"))
    expect(status.filter(has_text="Generate waits for the seed")).to_be_visible()
    # The very node that stood there before: a screen reader listens to no other.
    assert reason.text_content() == "Generate waits for the seed"
    panel.field("Seed").fill("")
    expect(panel.field("Seed")).to_have_accessible_description("")
    expect(panel.field("Seed")).not_to_have_attribute("aria-invalid", "true")


def test_each_tab_leads_to_what_it_shows(panel: PanelPage) -> None:
    panel.field("Resolution").select_option("1K")
    panel.generate(1)
    shown = panel.root.get_by_role("tabpanel", name="Run 1")
    expect(shown).to_be_visible()
    expect(panel.tab("Run 1")).to_have_attribute("aria-controls", shown.get_attribute("id") or "")
    expect(panel.root.get_by_role("tabpanel", name="Gallery")).to_be_hidden()
    panel.wait_for_end(1)
    expect(panel.root.get_by_role("status").filter(has_text="Run 1: 1 picture")).to_have_count(1)
    expect(shown.locator("img")).to_have_count(1)
    # By keys, too, it is the tab that is shown that comes behind the rows, and the others beside it.
    panel.button("Show the pictures of run 1").focus()
    panel.page.keyboard.press("Tab")
    expect(panel.tab("Run 1")).to_be_focused()
    panel.page.keyboard.press("ArrowLeft")
    expect(panel.tab("Gallery")).to_be_focused()
    panel.tab("Gallery").click()
    expect(panel.root.get_by_role("tabpanel", name="Gallery")).to_be_visible()
    expect(panel.tab("Gallery")).to_have_attribute("aria-selected", "true")
    panel.tiles.first.press("x")
    expect(panel.tiles.first).to_have_accessible_name(re.compile("^chosen: A glass bottle"))
    panel.tiles.first.press("x")
    expect(panel.tiles.first).to_have_accessible_name(re.compile("^A glass bottle"))
    expect(panel.root.get_by_role("tabpanel")).to_have_count(1)


def test_two_views_of_a_panel_show_one_panel(panel: PanelPage) -> None:
    panel.notebook.command("notebook:create-output-view")
    views = panel.page.locator(".jp-LinkedOutputView")
    prompt = views.get_by_label("Prompt", exact=True)
    expect(prompt).to_have_value("A glass bottle")
    prompt.fill("A glass jug")
    expect(panel.field("Prompt")).to_have_value("A glass jug")
    expect(views.get_by_role("tabpanel", name="Gallery")).to_be_visible()
    panel.page.locator(".lm-TabBar-tab").filter(has_text="Output View").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()
    expect(views).to_have_count(0)


def test_the_focus_is_seen_on_every_control_alike(panel: PanelPage) -> None:
    panel.field("Prompt").focus()
    controls = panel.root.locator(":is(input, select, textarea, button, [role=tab]):enabled:visible")
    for _ in range(controls.count()):
        focused = panel.page.locator(":focus")
        if not panel.page.evaluate("!!document.activeElement.closest('.rivya-panel')"):
            break
        expect(focused).to_have_css("outline-style", "solid")
        expect(focused).to_have_css("outline-width", "2px")
        panel.page.keyboard.press("Tab")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_hostile_name_stays_text_and_leaves_the_layout_whole(
    panel: PanelPage, screenshots: Path, theme: str
) -> None:
    panel.notebook.set_theme(theme)
    panel.field("Name").fill(NAME)
    panel.field("Seed").fill("1..2" if theme.endswith("Light") else "3..4")
    run = 2 if theme.endswith("Light") else 3
    panel.generate(run)
    panel.wait_for_end(run)
    expect(panel.root.get_by_role("tabpanel", name=f"Run {run}")).to_contain_text("<img src=x onerror=")
    expect(panel.row(run)).to_contain_text("<img src=x onerror=")
    panel.page.screenshot(path=screenshots / f"access-name-{theme.split()[1].lower()}.png")
    assert panel.page.evaluate("window.hacked") is None
    for box in (".rivya-panel", ".rivya-run-row >> nth=0", ".rivya-pane >> visible=true"):
        wide = panel.root.locator(box).evaluate("box => box.scrollWidth - box.clientWidth")
        assert wide <= 1, box
    panel.tab("Gallery").click()
    panel.tiles.first.focus()
    panel.page.keyboard.press("v")
    expect(panel.root.get_by_role("tabpanel", name="Look").get_by_role("application")).to_be_visible()
    panel.page.screenshot(path=screenshots / f"access-look-{theme.split()[1].lower()}.png")
    assert panel.page.evaluate("window.hacked") is None


def test_a_panel_that_was_opened_again_says_so_in_its_first_place(
    panel: PanelPage, screenshots: Path
) -> None:
    said: list[str] = []
    panel.page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    panel.notebook.set_theme("JupyterLab Light")
    panel.field("Prompt").fill("A glass bottle, here")
    panel.notebook.command("notebook:move-cursor-down")
    panel.notebook.command("notebook:run-cell")
    second = panel.notebook.output(1).last
    expect(second.get_by_label("Prompt", exact=True)).to_have_value("A glass bottle, here")
    expect(panel.root).to_contain_text("opened again by another cell")
    expect(panel.button("Generate")).to_have_count(0)
    panel.page.screenshot(path=screenshots / "access-again.png")
    panel.notebook.command("notebook:move-cursor-up")
    panel.notebook.command("notebook:run-cell")
    expect(panel.field("Prompt")).to_have_value("A glass bottle, here")
    expect(second).to_contain_text("opened again by another cell")
    assert said == []


def test_a_kernel_that_was_restarted_unseen_is_suspected(panel: PanelPage, lab: Lab) -> None:
    with urllib.request.urlopen(f"{lab.url}/api/kernels") as answer:
        (kernel,) = json.load(answer)
    restart = urllib.request.Request(f"{lab.url}/api/kernels/{kernel['id']}/restart", method="POST")
    urllib.request.urlopen(restart).close()
    panel.notebook.wait_for_kernel()
    panel.button("Generate").click()
    status = panel.root.get_by_role("status").filter(has_text="run the panel's cell again")
    expect(status).to_be_visible()
