"""The control panel in JupyterLab, driven by its controls' names, from the first word to a restarted kernel."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect
from sandboxes import running_sandbox

from browser.harness import Lab, OpenNotebook, write_notebook
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

OPEN = """import rivya_nb as rv
rv.connect("{key}", "{url}", store="panelled", max_parallel=16)
panel = rv.panel()
panel"""
BUSY = """import os, time
while os.path.exists("held"):
    time.sleep(0.05)"""
"""The cell below the panel's, with which `PanelPage.held` keeps the kernel from answering."""
SERVICE = "panelled-service"
"""The folder of the sandbox, beside the notebook."""
HOSTILE = 'A glass bottle <img src=x onerror="window.hacked = true">'
RUN_WITHOUT_WAITING = "() => void window.jupyterapp.commands.execute('notebook:run-cell')"
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
"""What Lab's menu does once it has asked whether that is meant."""
IS_BUSY = """() => window.jupyterapp.shell.currentWidget.content.activeCell.model.executionState === 'running'
    || window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"""
DROP = """([element, name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        element.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}"""


class PanelPage:
    """A panel as somebody who cannot see it finds things in it."""

    def __init__(self, notebook: OpenNotebook) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.root = notebook.output(0).last

    def field(self, name: str) -> Locator:
        return self.root.get_by_label(name, exact=True).locator("visible=true")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    @property
    def pictures(self) -> Locator:
        """What the chosen tab shows."""
        return self.root.locator(".rivya-pane img").filter(visible=True)

    @property
    def tiles(self) -> Locator:
        return self.root.get_by_role("group", name="Results of the history").locator("button.rivya-main")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Until the block ends, a cell keeps the kernel from answering."""
        file = self.notebook.path.with_name("held")
        file.touch()
        try:
            self.notebook.command("notebook:move-cursor-down")
            self.page.evaluate(RUN_WITHOUT_WAITING)
            self.page.wait_for_function(IS_BUSY)
            yield
        finally:
            file.unlink()

    def drop(self, name: str, kind: str, data: bytes) -> None:
        target = self.button("Add reference").element_handle()
        self.page.evaluate(DROP, [target, name, kind, base64.b64encode(data).decode()])

    def tab(self, name: str) -> Locator:
        return self.root.get_by_role("tab", name=name)

    def generate(self, run: int) -> None:
        expect(self.button("Generate")).to_be_enabled()
        # It stays pressed until the kernel has answered the click before, and takes no other one meanwhile.
        expect(self.button("Generate")).not_to_have_class(re.compile("rivya-pressed"))
        self.button("Generate").click()
        expect(self.tab(f"Run {run}")).to_be_visible()

    def row(self, run: int) -> Locator:
        return self.root.locator(".rivya-run-row").filter(has_text=f"Run {run}")

    def wait_for_end(self, run: int) -> None:
        """Wait until the row tells what the run cost and took."""
        expect(self.row(run)).to_contain_text(re.compile(r"\d+ credits · [\d ms]+s(?!\d)|stopped"))
        expect(self.button(f"Stop run {run}")).to_be_hidden()


@contextmanager
def opened(lab: Lab, name: str, *cells: str) -> Iterator[PanelPage]:
    """A notebook of these cells, the first of which opens a panel."""
    notebook = lab.open(write_notebook(lab.folder / f"{name}.ipynb", cells))
    notebook.page.set_viewport_size({"width": 1600, "height": 1200})
    notebook.command("notebook:run-cell")
    made = PanelPage(notebook)
    expect(made.field("Prompt")).to_be_visible()
    yield made
    notebook.close()


@pytest.fixture(scope="module")
def panel(lab: Lab) -> Iterator[PanelPage]:
    service = lab.folder / SERVICE
    service.mkdir()
    with (
        running_sandbox(SandboxConfig(latency=3, credits=10_000), service, shrink=4) as url,
        opened(lab, "panel", OPEN.format(key=DEFAULT_KEY, url=url), BUSY) as made,
    ):
        yield made


def png(size: tuple[int, int] = (320, 200)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "orange").save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def unending(service: Path) -> Iterator[None]:
    """The tasks that a sandbox in a folder is given within the block end with it."""
    with closing(sqlite3.connect(service / "sandbox.sqlite", isolation_level=None)) as tasks:
        longer = "UPDATE tasks SET finished_at = created_at + 600 WHERE id = NEW.id"
        tasks.execute(f"CREATE TRIGGER longer AFTER INSERT ON tasks BEGIN {longer}; END")
        yield
        tasks.execute("DROP TRIGGER longer")
        tasks.execute("UPDATE tasks SET finished_at = created_at")


# The tests of this file follow one another on one page, as one afternoon's work.


def test_a_model_is_found_by_typing_and_says_its_price(panel: PanelPage) -> None:
    expect(panel.field("Model")).to_have_value("wan-2-7-image-pro")
    panel.field("Model").click()
    panel.page.keyboard.type("seedream 6 credits")
    option = panel.root.get_by_role("listbox", name="Choices").get_by_role("option", name="seedream-4-0")
    expect(option).to_contain_text("6 credits each")
    panel.page.keyboard.press("Enter")
    expect(panel.field("Model")).to_have_value("seedream-4-0")
    expect(panel.field("Image size")).to_be_visible()
    panel.field("Model").fill("seedream-3-0")
    panel.page.keyboard.press("Enter")
    panel.root.get_by_role("slider", name="Guidance scale").press("ArrowRight")
    expect(panel.root.get_by_role("textbox", name="Guidance scale, as a number")).to_have_text("2.60")
    panel.field("Model").fill("wan-2-7-image-pro")
    panel.page.keyboard.press("Enter")
    expect(panel.field("Aspect ratio")).to_be_visible()


def test_mistakes_stand_at_their_control_and_generate_says_what_it_waits_for(panel: PanelPage) -> None:
    expect(panel.button("Generate")).to_be_disabled()
    expect(panel.root).to_contain_text("Generate waits for the prompt")
    panel.field("Prompt").fill(HOSTILE + ", {dawn|dusk} light")
    panel.field("Seed").fill("1..x")
    expect(panel.root.get_by_role("alert").filter(has_text="1..4")).to_be_visible()
    expect(panel.button("Generate")).to_be_disabled()
    panel.field("Seed").fill("1..2")
    expect(panel.button("Generate")).to_be_enabled()
    expect(panel.root).to_contain_text("4 pictures · 2 × 2")


def test_repeat_is_planned_while_it_is_typed(panel: PanelPage) -> None:
    panel.field("Seed").fill("")
    panel.field("Repeat").fill("3")
    expect(panel.root).to_contain_text("6 pictures · 3 × 2")
    expect(panel.field("Repeat")).to_be_focused()
    panel.field("Repeat").fill("")
    panel.page.keyboard.type("12")
    expect(panel.root).to_contain_text("24 pictures · 12 × 2")
    expect(panel.field("Repeat")).to_have_value("12")
    panel.field("Repeat").fill("1")
    panel.field("Seed").fill("1..2")
    expect(panel.root).to_contain_text("4 pictures · 2 × 2")


def test_the_form_is_shown_as_the_cell_that_asks_for_the_same(panel: PanelPage) -> None:
    cell = panel.root.get_by_role("group", name="The form as a cell")
    panel.button("As a cell").press("Enter")
    expect(panel.button("As a cell")).to_have_attribute("aria-pressed", "true")
    expect(cell.locator("pre")).to_have_text(f"%%rivya seed=1..2\n{HOSTILE}, {{dawn|dusk}} light")
    for _ in range(2):
        panel.page.keyboard.press("Tab")
    expect(cell.get_by_role("button", name="Copy the cell")).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(cell.get_by_role("button")).to_have_text(re.compile("Copied|Select the text"))
    panel.field("Seed").fill("1..x")
    expect(cell).to_have_text("There is a cell as soon as nothing is wrong in the form")
    panel.button("As a cell").click()
    expect(cell).to_have_count(0)
    expect(panel.root.get_by_role("button", name="As a cell, as soon as")).to_be_disabled()
    panel.field("Seed").fill("1..2")
    expect(panel.button("As a cell")).to_be_enabled()


def test_keys_that_mean_something_to_jupyter_do_nothing_to_the_notebook(panel: PanelPage) -> None:
    cells = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
    before = panel.page.evaluate(cells)
    for name in ("Vary around it", "Add reference", "Generate"):
        for key in ("a", "b", "d", "d", "x", "m", "Escape"):
            panel.button(name).focus()
            panel.page.keyboard.press(key)
    assert panel.page.evaluate(cells) == before
    expect(panel.button("Several values of Resolution")).to_have_attribute("aria-pressed", "false")
    panel.button("Several values of Resolution").press("Enter")
    expect(panel.button("Several values of Resolution")).to_have_attribute("aria-pressed", "true")
    panel.button("Several values of Resolution").press("Enter")


def test_references_are_dropped_and_refused_with_a_reason(panel: PanelPage) -> None:
    panel.drop("notes.rtf", "image/png", b"these are just words")
    expect(panel.root.get_by_role("alert").filter(has_text="notes.rtf")).to_contain_text("not a picture")
    panel.drop("cat <b>.png", "image/png", png())
    expect(panel.root.get_by_role("img", name="Reference 1: cat <b>.png")).to_be_visible()
    expect(panel.root).to_contain_text("1 of 9")


def test_a_param_becomes_an_axis_and_the_grid_fills(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Resolution").select_option("1K")
    panel.button("Several values of Aspect ratio").click()
    chips = panel.root.get_by_role("group", name="Aspect ratio")
    expect(chips.get_by_role("button", pressed=True)).to_have_accessible_name("Aspect ratio 1:1")
    chips.get_by_role("button", name="Aspect ratio 16:9").press("Enter")
    expect(chips.get_by_role("button", pressed=True)).to_have_count(2)
    expect(panel.root).to_contain_text("8 pictures · 2 × 2 × 2")
    expect(panel.root).to_contain_text("96 credits")
    panel.generate(1)
    expect(panel.button("Stop run 1")).to_be_visible()
    pictures = panel.pictures
    expect(pictures.first).to_be_visible()
    panel.page.screenshot(path=screenshots / "panel-live.png")
    panel.wait_for_end(1)
    expect(pictures).to_have_count(8)
    assert panel.page.evaluate("window.hacked") is None


def test_a_run_is_stopped(panel: PanelPage, screenshots: Path) -> None:
    panel.field("Seed").fill("11..40")
    panel.button("Remove cat <b>.png").click()
    panel.button("Several values of Aspect ratio").click()
    panel.field("Prompt").fill("A lamp")
    expect(panel.root).to_contain_text("30 pictures")
    panel.generate(2)
    stop = panel.button("Stop run 2")
    stop.press("Enter")
    said = re.compile(r"\d+ pictures? stopped; what was sent goes on")
    expect(panel.root.get_by_role("status").filter(has_text=said)).to_be_visible()
    # It can do no more, says so, and keeps its name and the focus as long as the run goes on.
    expect(stop).to_have_accessible_description(re.compile("Nothing is left to stop"))
    expect(stop).to_be_focused()
    panel.page.screenshot(path=screenshots / "panel-stopped.png")
    panel.wait_for_end(2)
    expect(panel.row(2)).to_contain_text("stopped")
    # Where the pressed button is gone, the next key goes to what stood around it.
    expect(panel.row(2)).to_be_focused()
    expect(panel.row(2)).to_have_accessible_name("Run 2")


def test_a_picture_of_the_gallery_gives_its_settings_back(panel: PanelPage, screenshots: Path) -> None:
    panel.tab("Gallery").click()
    panel.root.get_by_role("searchbox", name="Search the history").fill("glass")
    expect(panel.root).to_contain_text("1–8 of 8")
    # The tiles come a moment later than their number.
    expect(panel.tiles.first).to_have_accessible_name(re.compile("dusk light · "))
    panel.tiles.first.press("r")
    expect(panel.field("Prompt")).to_have_value(HOSTILE + ", dusk light")
    expect(panel.field("Seed")).to_have_value("2")
    expect(panel.field("Resolution")).to_have_value("1K")
    expect(panel.root).to_contain_text("1 from the history at no cost")
    told = "Settings recalled, in place of the prompt and the seed"
    expect(panel.root.get_by_role("status").filter(has_text=told)).to_be_visible()
    panel.page.screenshot(path=screenshots / "panel-recalled.png")
    panel.button("Undo recall").click()
    expect(panel.field("Prompt")).to_have_value("A lamp")
    panel.button("Recall again").click()
    expect(panel.field("Prompt")).to_have_value(HOSTILE + ", dusk light")
    panel.button("Undo recall").click()
    panel.tiles.first.hover()
    recall = panel.root.get_by_role("button", name=re.compile("^Use the settings of .*dusk light · .*seed 2"))
    recall.filter(visible=True).first.click()
    expect(panel.field("Prompt")).to_have_value(HOSTILE + ", dusk light")


def test_pictures_are_rated_by_key_and_found_by_their_rating(panel: PanelPage) -> None:
    panel.tiles.first.focus()
    panel.page.keyboard.press("ArrowRight")
    expect(panel.tiles.nth(1)).to_be_focused()
    panel.page.keyboard.press("h")
    expect(panel.root.locator(".rivya-marks")).to_have_text("♥")
    panel.page.keyboard.press("4")
    expect(panel.root.locator(".rivya-marks")).to_have_text("★★★★ ♥")
    panel.page.keyboard.press("h")
    expect(panel.root.locator(".rivya-marks")).to_have_text("★★★★")
    panel.field("Filter: rating").select_option("4")
    expect(panel.root).to_contain_text("1–1 of 1")
    panel.field("Filter: rating").select_option("")
    expect(panel.root).to_contain_text("1–8 of 8")


def test_two_pictures_are_compared_and_written_as_code(panel: PanelPage, screenshots: Path) -> None:
    for place in (0, 2):
        panel.tiles.nth(place).focus()
        panel.page.keyboard.press("x")
    panel.button("Show the cells that ask for the chosen results").click()
    expect(panel.root.locator("pre")).to_have_text([re.compile("^%%rivya seed=")] * 2)
    expect(panel.button("Copy cell 2 of 2")).to_be_visible()
    panel.button("Compare the chosen results").click()
    expect(panel.tab("Compare (2)")).to_be_visible()
    viewer = panel.root.get_by_role("application", name="Picture viewer")
    expect(viewer.get_by_role("group", name=re.compile("^[AB], "))).to_have_count(2)
    panel.page.screenshot(path=screenshots / "panel-compare.png")
    viewer.get_by_role("button", name="Grid", exact=True).click()
    viewer.get_by_role("gridcell").first.click()
    panel.page.keyboard.press("3")
    panel.tab("Gallery").click()
    expect(panel.root.locator(".rivya-marks")).to_have_text(["★★★", "★★★★"])


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [700, 1600])
def test_nothing_of_it_is_cut_off(panel: PanelPage, screenshots: Path, theme: str, width: int) -> None:
    panel.tab("Gallery").click()
    panel.notebook.set_theme(theme)
    panel.page.set_viewport_size({"width": width, "height": 1200})
    expect(panel.button("Generate")).to_be_visible()
    panel.page.screenshot(path=screenshots / f"panel-{theme.split()[1].lower()}-{width}.png")
    wide = panel.root.locator(".rivya-panel").evaluate("root => root.scrollWidth - root.clientWidth")
    assert wide <= 1


def test_a_busy_kernel_is_told_and_no_click_is_lost(panel: PanelPage) -> None:
    panel.notebook.set_theme("JupyterLab Light")
    panel.page.set_viewport_size({"width": 1600, "height": 1200})
    panel.field("Prompt").fill("A chair")
    panel.field("Seed").fill("")
    expect(panel.root).to_contain_text("1 picture")
    expect(panel.button("Generate")).to_be_enabled()
    with panel.held():
        # It waits for the kernel too, and must not swallow the next click.
        panel.button("Roll the die").click()
        panel.button("Generate").click()
        expect(panel.root.get_by_role("status").filter(has_text="not lost")).to_be_visible()
        panel.button("Generate").click()  # an impatient second time, which must not buy a second run
    panel.notebook.wait_until_done(1)
    expect(panel.tab("Run 3")).to_be_visible()
    panel.wait_for_end(3)
    expect(panel.root.get_by_role("status").filter(has_text="not lost")).to_have_count(0)
    expect(panel.tab("Run 4")).to_have_count(0)


def test_a_restarted_kernel_finds_the_form_and_the_unfinished_run(panel: PanelPage) -> None:
    panel.field("Prompt").fill("A glass bottle, remembered")
    panel.field("Seed").fill("77")
    with unending(panel.notebook.path.with_name(SERVICE)):
        panel.generate(4)
        expect(panel.row(4)).to_contain_text("queued")
        panel.page.evaluate(RESTART)
        panel.notebook.wait_for_kernel()
        panel.notebook.command("notebook:move-cursor-up")
        panel.notebook.command("notebook:run-cell")
        expect(panel.field("Prompt")).to_have_value("A glass bottle, remembered")
        expect(panel.field("Seed")).to_have_value("77")
        panel.button("Resume run 4").click()
    panel.wait_for_end(4)
    expect(panel.pictures).to_have_count(1)


def test_models_are_compared_in_the_rows_and_columns_that_were_chosen(panel: PanelPage) -> None:
    panel.button("Several values of Model").click()
    for model in ("gpt-image-2", "z-image"):
        panel.field("Model").fill(model)
        panel.page.keyboard.press("Enter")
    expect(panel.button("Several values of Model")).to_have_text("axis · 3")
    panel.button("Remove z-image").press("Enter")
    expect(panel.button("Remove gpt-image-2")).to_be_focused()
    panel.field("Prompt").fill("A glass bottle, {dawn|dusk} light")
    expect(panel.root).to_contain_text("4 pictures · 2 × 2")
    panel.field("Rows").select_option("Prompt")
    panel.generate(5)
    panel.wait_for_end(5)
    grid = panel.root.get_by_role("tabpanel", name="Run 5").get_by_role("table")
    expect(grid.get_by_role("rowheader")).to_have_text(["dawn", "dusk"])
    expect(grid.get_by_role("columnheader")).to_have_text(["wan-2-7-image-pro", "gpt-image-2"])
    panel.button("Several values of Model").click()
    expect(panel.field("Model")).to_have_value("wan-2-7-image-pro")
