"""The control panel where no JupyterLab is around it: in Jupyter Notebook and in Voilà, which bring pages of their
own to the same server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from browser.harness import ANSWER_SECONDS, Lab, write_notebook

OPEN = """import rivya_nb as rv
rv.connect(base_url="sandbox", store="elsewhere")
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


# The two tests share a store: the second one finds the first one's run in its history.


def ask_for_two(page: Page, run: int) -> None:
    """Fill the form in, see the price, generate, and see the pictures, in their run and in the history."""
    first = 2 * run - 1
    expect(page.get_by_text("Generate waits for the prompt")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("A glass bottle")
    page.get_by_label("Seed", exact=True).fill(f"{first}..{first + 1}")
    expect(page.get_by_text("2 pictures")).to_be_visible()
    expect(page.get_by_text("24 credits")).to_be_visible()
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("tab", name=f"Run {run}", selected=True)).to_be_visible()
    expect(page.locator(".rivya-right img:visible")).to_have_count(2)
    page.get_by_role("tab", name="Gallery").click()
    expect(page.get_by_text(f"1–{2 * run} of {2 * run}")).to_be_visible()


def test_the_panel_in_jupyter_notebook(lab: Lab, screenshots: Path) -> None:
    with page_of(lab, "notebooks", "in-notebook") as page:
        page.locator(".jp-Cell .cm-content").first.click()
        page.keyboard.press("Control+Enter")
        ask_for_two(page, 1)
        page.screenshot(path=screenshots / "panel-notebook.png")


def test_the_panel_in_voila(lab: Lab, screenshots: Path) -> None:
    with page_of(lab, "voila/render", "in-voila") as page:
        ask_for_two(page, 2)
        page.screenshot(path=screenshots / "panel-voila.png")
