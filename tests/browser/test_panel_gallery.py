"""The panel's gallery and its references in JupyterLab: turned, filtered, chosen and deleted; pasted, chosen and
refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Locator, expect
from sandboxes import running_sandbox

import rivya_nb as rv
from browser.harness import Lab, write_notebook
from browser.test_panel import PanelPage, png
from rivya_nb.sandbox.keys import DEFAULT_KEY

PROMPT = "A cup on a wooden table"
STORE = "leafed"
PASTE = """([element, data]) => {
    const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
    const given = { clipboardData: transfer, bubbles: true, cancelable: true };
    element.dispatchEvent(new ClipboardEvent("paste", given));
}"""
DROP_OF_SIZES = """([element, sizes]) => {
    const transfer = new DataTransfer();
    sizes.forEach((size, place) => transfer.items.add(
        new File([new Uint8Array(size)], `file ${place + 1}.png`, { type: 'image/png' })));
    element.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
IS_THERE = "url => fetch(url).then(() => true, () => false)"


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    with running_sandbox() as url:
        with closing(rv.connect(DEFAULT_KEY, url, store=lab.folder / STORE)):
            run = rv.generate(PROMPT, seed=range(1, 27), resolution="1K").wait(60)
            run[2].tag("keep")
        open_it = f"import rivya_nb as rv\nrv.connect({DEFAULT_KEY!r}, {url!r}, store={STORE!r})\nrv.panel()"
        notebook = lab.open(write_notebook(lab.folder / "leafed.ipynb", [open_it]))
        notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        notebook.page.set_viewport_size({"width": 1600, "height": 1200})
        notebook.command("notebook:run-cell")
        made = PanelPage(notebook)
        expect(made.root).to_contain_text("1–24 of 26")
        yield made
        notebook.close()


def seeded(seed: int) -> re.Pattern[str]:
    return re.compile(rf"\bseed {seed}\b")


def references(panel: PanelPage) -> Locator:
    return panel.root.get_by_role("img", name=re.compile(r"^Reference \d"))


def refusal(panel: PanelPage, words: str) -> Locator:
    return panel.root.get_by_role("alert").get_by_text(words)


# The tests of this file follow one another on one page.


def test_pages_are_turned_and_nothing_of_the_one_before_stays(panel: PanelPage) -> None:
    expect(panel.tiles.first).to_have_accessible_name(seeded(26))
    addresses = panel.pictures.evaluate_all("images => images.map(image => image.src)")
    panel.button("Next page").click()
    expect(panel.root).to_contain_text("25–26 of 26")
    expect(panel.tiles).to_have_count(2)
    expect(panel.button("Next page")).to_be_disabled()
    expect(panel.button("Previous page")).to_be_focused()
    assert len(addresses) == 24
    assert not any(panel.page.evaluate(IS_THERE, address) for address in addresses)
    panel.tiles.first.press("PageUp")
    expect(panel.root).to_contain_text("1–24 of 26")


def test_keys_walk_over_the_pictures(panel: PanelPage) -> None:
    tops = panel.tiles.evaluate_all("tiles => tiles.map(tile => tile.getBoundingClientRect().top)")
    columns = tops.count(tops[0])
    assert 1 < columns < 24
    panel.tiles.first.press("ArrowDown")
    expect(panel.tiles.nth(columns)).to_be_focused()
    panel.page.keyboard.press("End")
    expect(panel.tiles.last).to_be_focused()
    panel.page.keyboard.press("ArrowUp")
    expect(panel.tiles.nth(23 - columns)).to_be_focused()
    panel.page.keyboard.press("Home")
    expect(panel.tiles.first).to_be_focused()


def test_the_history_is_filtered_and_turned_round(panel: PanelPage) -> None:
    panel.field("Order").select_option("oldest")
    expect(panel.tiles.first).to_have_accessible_name(seeded(1))
    panel.field("Order").select_option("")
    panel.field("Filter: tag").select_option("keep")
    expect(panel.root).to_contain_text("1–1 of 1")
    expect(panel.tiles).to_have_accessible_name(seeded(3))
    panel.field("Filter: tag").select_option("")
    expect(panel.root).to_contain_text("1–24 of 26")
    panel.field("Filter: made with").select_option("z-image")
    expect(panel.root).to_contain_text("Nothing in the history is like that")
    panel.field("Filter: made with").select_option("")
    expect(panel.tiles).to_have_count(24)


def test_chosen_pictures_are_marked_saved_and_copied_as_code(panel: PanelPage, lab: Lab) -> None:
    for place in (0, 1):
        panel.tiles.nth(place).press("x")
    panel.field("Rate the chosen results").select_option("3")
    expect(panel.root.locator(".rivya-marks")).to_have_text(["★★★", "★★★"])
    panel.button("Mark the chosen results as favourites").click()
    expect(panel.root.locator(".rivya-marks")).to_have_text(["★★★ ♥", "★★★ ♥"])
    panel.button("Save the chosen results").click()
    panel.field("Folder to save into").fill("kept")
    panel.page.keyboard.press("Enter")
    expect(panel.root).to_contain_text("Saved 2 pictures in")
    assert len(list((lab.folder / "kept").glob("*.png"))) == 2
    panel.button("Show the cells that ask for the chosen results").click()
    panel.button("Copy the cell").click()
    expect(panel.button("Copy the cell")).to_have_text("Copied")
    copied = panel.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"%%rivya seed=26,25 resolution=1K\n{PROMPT}"


def test_deleting_is_asked_first(panel: PanelPage) -> None:
    panel.button("Delete the chosen results").click()
    expect(panel.button("Keep them")).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(panel.button("Delete them for good")).to_have_count(0)
    expect(panel.root).to_contain_text("1–24 of 26")
    panel.button("Delete the chosen results").click()
    panel.button("Delete them for good").click()
    expect(panel.root).to_contain_text("Deleted 2 pictures")
    expect(panel.root).to_contain_text("1–24 of 24")
    expect(panel.root).not_to_contain_text("chosen:")


def test_references_come_from_the_clipboard_a_dialog_and_the_gallery(panel: PanelPage, lab: Lab) -> None:
    data = base64.b64encode(png()).decode()
    panel.page.evaluate(PASTE, [panel.button("Add reference").element_handle(), data])
    expect(references(panel)).to_have_count(1)
    with panel.page.expect_file_chooser() as dialog:
        panel.button("Add reference").click()
    (saved, *_) = sorted((lab.folder / "kept").glob("*.png"))
    dialog.value.set_files(saved)
    expect(references(panel)).to_have_count(2)
    expect(references(panel).last).to_have_accessible_name(f"Reference 2: {saved.name}")
    panel.tiles.first.press("x")
    panel.button("Use the chosen results as references").click()
    expect(references(panel)).to_have_count(3)
    decoded = "images => images.every(image => image.complete && image.naturalWidth > 0)"
    assert references(panel).evaluate_all(decoded)


def test_a_reference_is_dragged_to_another_place(panel: PanelPage) -> None:
    cards = panel.root.locator(".rivya-strip-card")
    cards.nth(1).locator(".rivya-strip-name").first.drag_to(cards.first)
    expect(references(panel).nth(1)).to_have_accessible_name("Reference 2: image.png")


def test_a_reference_that_this_tool_made_gives_its_settings_back(panel: PanelPage) -> None:
    panel.root.get_by_role("button", name=re.compile("^Recall the settings of")).click()
    expect(panel.field("Prompt")).to_have_value(PROMPT)
    expect(panel.field("Resolution")).to_have_value("1K")
    # It was made without any.
    expect(references(panel)).to_have_count(0)


def test_what_is_too_large_or_too_much_is_refused_before_it_is_sent(panel: PanelPage) -> None:
    target = panel.button("Add reference").element_handle()
    there = references(panel).count()
    panel.page.evaluate(DROP_OF_SIZES, [target, [20_100_000]])
    expect(refusal(panel, "file 1.png: 20.1 MB is over the limit of 20.0 MB")).to_be_visible()
    panel.button("Dismiss the message about file 1.png").click()
    expect(refusal(panel, "over the limit")).to_have_count(0)
    panel.page.evaluate(DROP_OF_SIZES, [target, [3] * (10 - there)])
    expect(refusal(panel, f"file {10 - there}.png: 9 references are the most")).to_be_visible()


def test_a_model_that_cannot_be_asked_is_not_chosen(panel: PanelPage) -> None:
    panel.field("Model").fill("video")
    option = panel.root.get_by_role("listbox", name="Choices").get_by_role("option", disabled=True).first
    expect(option).to_be_visible()
    option.click(force=True)
    panel.page.keyboard.press("Escape")
    expect(panel.root.get_by_role("listbox", name="Choices")).to_have_count(0)
    expect(panel.field("Model")).to_have_value("wan-2-7-image-pro")
