"""The control panel where no JupyterLab is around it: in Jupyter Notebook and in Voilà, which bring pages of their
own to the same server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from browser.harness import ANSWER_SECONDS, Lab, write_notebook

OPEN = """import rivya_nb as rv
rv.connect(store="{name}")
rv.panel("{name}")"""


@contextmanager
def page_of(lab: Lab, address: str, notebook: str) -> Iterator[Page]:
    """A page of the server with a notebook that opens a panel."""
    write_notebook(lab.folder / f"{notebook}.ipynb", [OPEN.format(name=notebook)])
    page = lab.browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
    page.set_default_timeout(ANSWER_SECONDS * 1000)
    page.goto(f"{lab.url}/{address}/{notebook}.ipynb")
    yield page
    page.context.close()


def execute(page: Page) -> None:
    """Execute the chosen cell: before its kernel is there, that is asked for in vain."""
    started = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[(\*|\d+)\]")).first
    deadline = time.monotonic() + ANSWER_SECONDS
    while not started.is_visible():
        assert time.monotonic() < deadline, "the cell is never executed"
        page.keyboard.press("Control+Enter")
        with suppress(Error):
            started.wait_for(timeout=3000)


def ask_for_two(page: Page) -> None:
    """Fill the form in, see the price, generate, and see the pictures, in their run and in the history."""
    expect(page.get_by_text("Generate waits for the prompt")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("A glass bottle")
    page.get_by_label("Seed", exact=True).fill("1..2")
    expect(page.get_by_text("2 pictures")).to_be_visible()
    expect(page.get_by_text("24 credits")).to_be_visible()
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("tab", name="Run 1", selected=True)).to_be_visible()
    expect(page.locator(".rivya-right img:visible")).to_have_count(2)
    page.get_by_role("tab", name="Gallery").click()
    expect(page.get_by_text("1–2 of 2")).to_be_visible()


def test_the_panel_in_jupyter_notebook(lab: Lab, screenshots: Path) -> None:
    with page_of(lab, "notebooks", "in-notebook") as page:
        page.locator(".jp-Cell .cm-content").first.click()
        execute(page)
        ask_for_two(page)
        page.screenshot(path=screenshots / "panel-notebook.png")


def test_the_panel_in_voila(lab: Lab, screenshots: Path) -> None:
    with page_of(lab, "voila/render", "in-voila") as page:
        ask_for_two(page)
        page.screenshot(path=screenshots / "panel-voila.png")
