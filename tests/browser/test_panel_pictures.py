"""Pictures in the panel: they come while a run works, are looked at closely, compared and marked."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from faults.proxy import POLL, Exchange, Spoil, proxy_to
from playwright.sync_api import Locator, expect
from sandboxes import running_sandbox

import rivya_nb as rv
from browser.harness import Lab, write_notebook
from browser.test_panel import PanelPage
from browser.viewing import ASK_KERNEL
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

STORE = "pictured"
CUP = "A cup on a wooden table"
CACTUS = "A cactus on a wooden table"


class LastOne:
    """Keeps a run at work: one of its pictures waits until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.kept = ""

    def choose(self, exchange: Exchange) -> Spoil | None:
        if self.free.is_set() or not POLL.fits(exchange.method, exchange.path):
            return None
        self.kept = self.kept or exchange.path
        return self.wait if exchange.path == self.kept else None

    async def wait(self, exchange: Exchange) -> None:
        await asyncio.to_thread(self.free.wait)
        await exchange.send(await exchange.forward())


@pytest.fixture(scope="module")
def last_one() -> LastOne:
    return LastOne()


@pytest.fixture(scope="module")
def panel(lab: Lab, last_one: LastOne) -> Iterator[PanelPage]:
    with ExitStack() as stack:
        proxy = stack.enter_context(
            proxy_to(stack.enter_context(running_sandbox(SandboxConfig(latency=0.3))))
        )
        proxy.choose = last_one.choose
        with closing(rv.connect(DEFAULT_KEY, proxy.url, store=lab.folder / STORE)):
            rv.generate(CUP, seed=range(1, 27), resolution="1K").wait(60)
        open_it = (
            f"import rivya_nb as rv\nrv.connect({DEFAULT_KEY!r}, {proxy.url!r}, store={STORE!r})\nrv.panel()"
        )
        notebook = lab.open(write_notebook(lab.folder / "pictured.ipynb", [open_it]))
        stack.callback(notebook.close)
        stack.callback(last_one.free.set)
        notebook.page.set_viewport_size({"width": 1600, "height": 1200})
        notebook.command("notebook:run-cell")
        made = PanelPage(notebook)
        expect(made.root).to_contain_text("1–24 of 26")
        yield made


def tile(panel: PanelPage, prompt: str, seed: int) -> Locator:
    name = re.compile(rf"^(chosen: )?{prompt} .*\bseed {seed}\b")
    return panel.root.get_by_role("group", name="Results of the history").get_by_role("button", name=name)


def names(panel: PanelPage) -> list[str]:
    found: list[str] = panel.tiles.evaluate_all("tiles => tiles.map(tile => tile.ariaLabel)")
    return found


# The tests of this file follow one another on one page.


def test_pictures_come_while_a_run_works_and_nothing_jumps(panel: PanelPage, last_one: LastOne) -> None:
    last_one.free.clear()
    panel.field("Prompt").fill(CACTUS)
    panel.field("Seed").fill("1..4")
    panel.field("Resolution").select_option("1K")
    panel.generate(2)
    panel.tab("Gallery").click()
    tile(panel, CUP, 26).focus()
    expect(panel.root).to_contain_text("1–24 of 29")
    expect(panel.tiles.first).to_have_accessible_name(re.compile(CACTUS))
    expect(tile(panel, CUP, 26)).to_be_focused()
    panel.button("Next page").click()
    expect(panel.root).to_contain_text("25–29 of 29")
    before = names(panel)
    panel.tiles.nth(2).focus()
    panel.page.keyboard.press("x")
    expect(panel.button("Stop run 2")).to_be_visible()
    last_one.free.set()
    expect(panel.root).to_contain_text("26–30 of 30")
    assert [name.removeprefix("chosen: ") for name in names(panel)] == before
    expect(panel.tiles.nth(2)).to_be_focused()
    expect(panel.root).to_contain_text("1 chosen")
    panel.wait_for_end(2)
    panel.button("Previous page").click()
    panel.button("Previous page").click()
    expect(panel.root).to_contain_text("1–24 of 30")
    panel.button("Choose none").click()


def viewer(panel: PanelPage) -> Locator:
    return panel.root.get_by_role("application", name="Picture viewer")


def mode(panel: PanelPage) -> Locator:
    return viewer(panel).get_by_role("group", name="View").get_by_role("button", pressed=True)


def test_a_picture_is_looked_at_by_keys_alone_and_the_way_back_is_where_one_was(panel: PanelPage) -> None:
    tile(panel, CUP, 26).press("v")
    large = viewer(panel).get_by_role("group", name=re.compile(r"\bseed:? 26\b"))
    expect(large).to_be_focused()
    expect(mode(panel)).to_have_text("Large")
    panel.page.keyboard.press("ArrowRight")
    expect(viewer(panel).get_by_role("group", name=re.compile(r"\bseed:? 25\b"))).to_be_focused()
    panel.page.keyboard.press("4")
    expect(viewer(panel).get_by_role("button", name="Rate 4")).to_have_attribute("aria-pressed", "true")
    panel.page.keyboard.press("Escape")
    expect(viewer(panel)).to_have_count(0)
    expect(panel.tab("Look")).to_have_count(0)
    expect(tile(panel, CUP, 26)).to_be_focused()


def test_two_pictures_are_compared_at_once_and_the_way_back_is_the_button(panel: PanelPage) -> None:
    tile(panel, CUP, 26).press("x")
    tile(panel, CACTUS, 4).press("x")
    panel.button("Compare the chosen results").press("Enter")
    expect(mode(panel)).to_have_text("Side by side")
    expect(viewer(panel)).to_contain_text("differs: prompt …cup… → …cactus…, seed 26 → 4")
    expect(viewer(panel).get_by_role("group", name=re.compile("^A, "))).to_be_focused()
    panel.page.keyboard.press("c")
    expect(mode(panel)).to_have_text("Slider")
    viewer(panel).get_by_role("button", name="Back (Esc)").click()
    expect(viewer(panel)).to_have_count(0)
    expect(panel.button("Compare the chosen results")).to_be_focused()
    panel.button("Choose none").click()


def test_what_is_chosen_on_another_page_is_not_forgotten(panel: PanelPage) -> None:
    tile(panel, CUP, 26).press("x")
    tile(panel, CUP, 25).press("x")
    expect(panel.root).to_contain_text("2 chosen:")
    panel.button("Next page").click()
    expect(panel.root).to_contain_text("25–30 of 30")
    expect(panel.root).to_contain_text("2 chosen, 2 of them are not on this page:")
    panel.tiles.first.press("x")
    expect(panel.root).to_contain_text("3 chosen, 2 of them are not on this page:")
    panel.button("Delete the chosen results").click()
    expect(panel.root).to_contain_text("cost stays on record; 2 of them are not on this page.")
    panel.button("Keep them").click()
    panel.button("Choose none").click()
    panel.button("Previous page").click()
    expect(panel.root).to_contain_text("1–24 of 30")


def test_a_rating_or_a_favourite_is_taken_back_by_a_button(panel: PanelPage) -> None:
    badges = panel.root.locator(".rivya-marks")
    marked = badges.count()
    for seed in (24, 23):
        tile(panel, CUP, seed).press("x")
    panel.field("Rate the chosen results").select_option("3")
    expect(panel.root).to_contain_text("Rated 2 pictures")
    expect(badges.filter(has_text=re.compile("^★★★$"))).to_have_count(2)
    panel.button("Undo").click()
    expect(panel.root).to_contain_text("Undone: rating of 2 pictures")
    expect(badges).to_have_count(marked)
    expect(panel.button("Undo")).to_have_count(0)
    panel.button("Mark the chosen results as favourites").click()
    expect(panel.root).to_contain_text("Marked 2 pictures as favourite")
    expect(badges).to_have_count(marked + 2)
    panel.button("Undo").press("Enter")
    expect(badges).to_have_count(marked)


@pytest.mark.parametrize("name", ["Save the chosen results", "Delete the chosen results"])
def test_escape_leaves_a_question_at_that(panel: PanelPage, name: str) -> None:
    answers = panel.root.get_by_role(
        "button", name=re.compile("^(Save into this folder|Delete them for good)$")
    )
    panel.button(name).click()
    expect(answers).to_have_count(1)
    panel.page.keyboard.press("Escape")
    expect(answers).to_have_count(0)
    expect(panel.button(name)).to_be_focused()


def test_saving_is_given_up_by_its_button_too(panel: PanelPage) -> None:
    panel.button("Save the chosen results").click()
    expect(panel.field("Folder to save into")).to_be_focused()
    panel.button("Cancel").click()
    expect(panel.field("Folder to save into")).to_have_count(0)
    panel.button("Choose none").click()


def test_a_picture_that_a_cell_deletes_goes_wherever_it_is_shown(panel: PanelPage) -> None:
    tile(panel, CACTUS, 4).press("v")
    large = viewer(panel).get_by_role("group", name=re.compile(r"\bseed:? 4\b.*cactus"))
    expect(large).to_be_focused()
    expect(large.locator("img")).to_be_visible()
    panel.page.evaluate(ASK_KERNEL, "str(rv.history()[0].delete(confirm=True))")
    expect(large).to_contain_text("∅ deleted")
    expect(large.locator("img")).to_be_hidden()
    panel.page.keyboard.press("5")
    expect(viewer(panel).get_by_role("button", name="Rate 5")).to_have_attribute("aria-pressed", "false")
    panel.page.keyboard.press("Escape")
    expect(panel.root).to_contain_text("1–24 of 29")
    expect(panel.tiles.first).to_have_accessible_name(re.compile(rf"{CACTUS} .*\bseed:? 3\b"))
    expect(panel.tiles.first).to_be_focused()
    expect(panel.row(2)).to_contain_text("3 of 4 pictures · 1 deleted")
    panel.tab("Run 2").click()
    expect(panel.pictures).to_have_count(3)
