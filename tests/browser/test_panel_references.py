"""Sets of references in the control panel, made by keyboard and mouse in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from browser.harness import Lab
from browser.test_panel import PanelPage, opened, png

OPEN = """import rivya_nb as rv
rv.connect(store="referring")
panel = rv.panel()
panel"""
AXIS = "Several values of References"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with opened(lab, "referring", OPEN, "panel") as made:
        yield made


def sets(panel: PanelPage) -> list[str]:
    """What each frame of the strip shows, by the alternative texts of its pictures."""
    frames = panel.root.locator(".rivya-strip-set")
    return [
        ", ".join(frame.get_by_role("img").evaluate_all("all => all.map(each => each.alt)"))
        for frame in frames.all()
    ]


def drag(panel: PanelPage, what: Locator, onto: Locator) -> None:
    """Drag by mouse, from the middle of one thing to the middle of another."""
    for target in (what, onto):
        target.scroll_into_view_if_needed()
    mouse = panel.page.mouse
    for step, target in enumerate((what, onto)):
        box = target.bounding_box()
        assert box is not None
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=1 + 7 * step)
        (mouse.up if step else mouse.down)()


def drop_from_desktop(panel: PanelPage, path: Path, onto: Locator) -> None:
    """Drop a file as the browser does it, with all that it would do of its own accord."""
    # The card of one that is on its way goes when that has a card of its own, and what is below moves up.
    expect(panel.root.get_by_role("progressbar", name=re.compile("^Sending"))).to_have_count(0)
    onto.scroll_into_view_if_needed()
    box = onto.bounding_box()
    assert box is not None
    files = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    protocol = panel.page.context.new_cdp_session(panel.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": files})


def press(panel: PanelPage, name: str, *, then: str | None = None) -> None:
    """Press a button by keyboard; afterwards `then`, or that button still, has the focus."""
    panel.button(name).press("Enter")
    expect(panel.button(then or name)).to_be_focused()


# Press boxes faster than the kernel answers; gives what the first one shows then.
PRESS = """(panel, words) => {
  const labels = [...panel.querySelectorAll("label")];
  const boxes = words.map((each) => labels.find((label) => label.textContent === each).querySelector("input"));
  for (const box of boxes) box.click();
  return boxes[0].checked;
}"""

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
    shrink = "shrink what is too large"
    assert not panel.root.evaluate(PRESS, ["and once without any", shrink, shrink])
    expect(panel.button(AXIS)).to_have_text("axis · 2")
    panel.field("Seed").fill("1..2")
    expect(panel.root).to_contain_text("4 pictures · 2 × 2")
    panel.generate(1)
    panel.wait_for_end(1)
    expect(panel.pictures).to_have_count(4)
    for label in ("cat.png", "dog.png"):
        expect(
            panel.root.locator(".rivya-pane").get_by_text(f"references: {label}", exact=True)
        ).to_be_visible()


def test_a_picture_of_a_run_is_dragged_to_the_references_and_its_original_is_one(panel: PanelPage) -> None:
    drag(panel, panel.pictures.first, panel.button("Add reference"))
    expect(panel.root.get_by_role("img", name=re.compile("^Reference 3: .*seed 1$"))).to_be_visible()
    expect(panel.root.get_by_role("alert").filter(has_text="small size")).to_have_count(0)
    panel.root.get_by_role("button", name=re.compile("^Remove .*seed 1$")).click()
    expect(panel.root.get_by_role("img", name=re.compile("^Reference"))).to_have_count(2)


def test_a_file_dropped_anywhere_on_the_panel_is_a_reference_and_nothing_else(
    panel: PanelPage, tmp_path: Path
) -> None:
    address, cells = panel.page.url, panel.page.evaluate(CELLS)
    panel.field("Seed").fill("1..2")
    panel.tab("Gallery").click()
    places = (panel.field("Prompt"), panel.tab("Gallery"), panel.tiles.first, panel.button("Generate"))
    for number, place in enumerate(places, start=1):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png((10 * number, 10)))
        drop_from_desktop(panel, path, place)
        expect(panel.root.get_by_role("img", name=f"Reference {2 + number}: {number}.png")).to_be_visible()
    expect(panel.button(AXIS)).to_have_text("axis · 6")
    assert (panel.page.url, panel.page.evaluate(CELLS)) == (address, cells)
    expect(panel.field("Prompt")).to_have_value("A glass bottle")


def test_cards_are_dragged_between_sets(panel: PanelPage) -> None:
    expect(panel.root.get_by_role("progressbar", name=re.compile("^Sending"))).to_have_count(0)
    cards = panel.root.locator(".rivya-strip-card")
    panel.button("Put dog.png together with the one before").click()
    expect(panel.button("Make dog.png a set of its own")).to_be_visible()
    drag(panel, cards.nth(5), cards.nth(1))
    expect(panel.root.get_by_role("img", name="Reference 2: 4.png")).to_be_visible()
    for name in ("1.png", "2.png", "3.png"):
        panel.button(f"Remove {name}").click()
    expect(panel.button(AXIS)).to_have_text("axis")
    drag(panel, cards.nth(0), panel.field("Prompt"))
    expect(panel.field("Prompt")).to_have_value("A glass bottle")
    panel.button("Make 4.png a set of its own").click()
    expect(panel.button(AXIS)).to_have_text("axis · 2")
    assert sets(panel) == ["Reference 1: cat.png, Reference 2: dog.png", "Reference 3: 4.png"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [700, 1600])
def test_sets_are_shown_in_full(panel: PanelPage, screenshots: Path, theme: str, width: int) -> None:
    panel.notebook.set_theme(theme)
    panel.page.set_viewport_size({"width": width, "height": 1200})
    expect(panel.button(AXIS)).to_be_visible()
    panel.page.screenshot(path=screenshots / f"references-{theme.split()[1].lower()}-{width}.png")
    wide = panel.root.locator(".rivya-references").evaluate("strip => strip.scrollWidth - strip.clientWidth")
    assert wide <= 0


def test_sets_are_there_again_in_another_view_and_in_another_panel(panel: PanelPage) -> None:
    panel.root.get_by_role("checkbox", name="and once without any").check()
    expect(panel.root).to_contain_text("6 pictures · 2 × 3")
    panel.notebook.command("notebook:move-cursor-down")
    panel.notebook.command("notebook:run-cell")
    other = PanelPage(panel.notebook)
    other.root = panel.notebook.output(1).last
    expect(other.button(AXIS)).to_have_text("axis · 3")
    other.button("Put 4.png together with the one before").click()
    expect(panel.button("Make 4.png a set of its own")).to_be_visible()
    expect(panel.button(AXIS)).to_have_text("axis · 2")
    panel.notebook.command("notebook:move-cursor-up")
    panel.notebook.command("notebook:run-cell")
    expect(panel.button(AXIS)).to_have_text("axis · 2")
    expect(panel.root.get_by_role("checkbox", name="and once without any")).to_be_checked()
    assert sets(panel) == ["Reference 1: cat.png, Reference 2: dog.png, Reference 3: 4.png"]


def test_a_table_is_no_reference_and_its_prompts_are_asked_for(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Prompt").fill("{prompt}, studio light")
    panel.drop("my <b>bench.csv", "text/csv", b"prompt,kind\na fox,animals\nan owl,animals\n")
    expect(panel.root).to_contain_text("Prompts of my _b_bench.csv")
    expect(panel.root).to_contain_text("2 rows; prompts: prompt; facts (not sent): kind")
    panel.page.screenshot(path=screenshots / "panel-table.png")
    panel.button("Remove the table").click()
    expect(panel.root).not_to_contain_text("Prompts of")
