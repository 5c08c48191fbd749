"""Sets of references in the control panel, made by keyboard and mouse in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.harness import Lab, write_notebook
from browser.test_panel import PanelPage, png

OPEN = """import rivya_nb as rv
rv.connect(base_url="sandbox", store="referring")
panel = rv.panel()
panel"""
AXIS = "Several values of References"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    notebook = lab.open(write_notebook(lab.folder / "referring.ipynb", [OPEN]))
    notebook.page.set_viewport_size({"width": 1600, "height": 1200})
    notebook.command("notebook:run-cell")
    made = PanelPage(notebook)
    expect(made.field("Prompt")).to_be_visible()
    yield made
    notebook.close()


def sets(panel: PanelPage) -> list[str]:
    """What each frame of the strip shows, by the alternative texts of its pictures."""
    frames = panel.root.locator(".rivya-strip-set")
    return [
        ", ".join(frame.get_by_role("img").evaluate_all("all => all.map(each => each.alt)"))
        for frame in frames.all()
    ]


def press(panel: PanelPage, name: str, *, then: str | None = None) -> None:
    """Press a button by keyboard; afterwards `then`, or that button still, has the focus."""
    panel.button(name).press("Enter")
    expect(panel.button(then or name)).to_be_focused()


# The tests of this file follow one another on one page.


def test_sets_of_references_are_made_by_keyboard(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Prompt").fill("A glass bottle")
    panel.field("Resolution").select_option("1K")
    for number, name in enumerate(("cat.png", "dog.png", "sky.png"), start=1):
        panel.drop(name, "image/png", png((100 * number, 200)))
        expect(panel.root.get_by_role("img", name=f"Reference {number}: {name}")).to_be_visible()
    expect(panel.root).to_contain_text("3 of 9")
    expect(panel.root).to_contain_text("1 picture")
    press(panel, AXIS)
    expect(panel.button(AXIS)).to_have_attribute("aria-pressed", "true")
    expect(panel.button(AXIS)).to_have_text("axis · 3")
    expect(panel.root).to_contain_text("up to 1 of 9")
    expect(panel.root).to_contain_text("3 pictures")
    together, apart = "Put dog.png together with the one before", "Make dog.png a set of its own"
    press(panel, together, then=apart)
    expect(panel.root.get_by_role("group", name="Set 1 of references").get_by_role("img")).to_have_count(2)
    expect(panel.root).to_contain_text("up to 2 of 9")
    press(panel, apart, then=together)
    press(panel, together, then=apart)
    press(panel, "Move cat.png right")
    press(panel, "Move cat.png right", then="Move cat.png left")
    expect(panel.root.get_by_role("img", name="Reference 3: cat.png")).to_be_visible()
    assert sets(panel) == ["Reference 1: dog.png, Reference 2: sky.png", "Reference 3: cat.png"]
    press(panel, "Move cat.png left")
    press(panel, "Move cat.png left", then="Move cat.png right")
    expect(panel.root.get_by_role("img", name="Reference 1: cat.png")).to_be_visible()
    without = panel.root.get_by_role("checkbox", name="and once without any")
    without.press("Space")
    expect(panel.button(AXIS)).to_have_text("axis · 3")
    expect(without).to_be_focused()
    press(panel, "Remove sky.png", then="Remove dog.png")
    panel.page.screenshot(path=screenshots / "references.png")


def test_sets_of_references_are_an_axis_of_the_run(panel: PanelPage) -> None:
    panel.button("Make cat.png a set of its own").click()
    panel.root.get_by_role("checkbox", name="and once without any").uncheck()
    panel.field("Seed").fill("1..2")
    expect(panel.root).to_contain_text("4 pictures · 2 × 2")
    panel.generate(1)
    panel.wait_for_end(1)
    expect(panel.pictures).to_have_count(4)
    for label in ("cat.png", "dog.png"):
        expect(panel.root.locator(".widget-tab-contents").get_by_text(label, exact=True)).to_be_visible()
