"""The features of a notebook page, each tried as a user would, and each decided by a condition."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Locator, expect

from tests.browser.harness import write_notebook
from tools.front_ends import cells
from tools.front_ends.browser import SECONDS, LabNotebook, Server, decoded, new_page, until
from tools.front_ends.environments import Environment
from tools.front_ends.results import WORKS, Outcome, screenshots

LIVE, RELOADED, LONG, PANEL, VIEW, COMPLETED = range(1, 7)
APART = (cells.LOAD, cells.LIVE, cells.RELOADED, cells.LONG, cells.PANEL, cells.VIEW, "")
ENLARGED = """cells => cells.filter(cell =>
    new DOMMatrix(getComputedStyle(cell.querySelector('img')).transform).a > 1).length"""
INTERRUPTED = 30
"""Seconds within which an interrupted cell has to end."""


class Tried:
    """The outcomes of a row so far. A feature that fails is noted, and the next one tried all the same."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.outcomes: dict[str, Outcome] = {}

    def feature(self, name: str, act: Callable[[], Outcome | None], seen: Locator | None = None) -> None:
        """Try a feature, which works if nothing else is said, and keep what the page of `seen` shows."""
        try:
            self.outcomes[name] = act() or WORKS
        except Exception as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            self.outcomes[name] = Outcome("no", said[0][:200])
        outcome = self.outcomes[name]
        print(f"  {name}: {outcome.how} {outcome.note}", flush=True)
        if seen is not None:
            seen.page.screenshot(path=screenshots() / f"{self.key}-{name.replace(' ', '-')}.png")


def try_notebooks(
    key: str,
    environment: Environment,
    server: Server,
    browser: Browser,
    kind: type[LabNotebook],
    env: Mapping[str, str],
) -> dict[str, Outcome]:
    """Try every feature in two notebooks of a server."""
    tried = Tried(key)
    notebook = kind(new_page(browser), server, write_notebook(server.folder / "all.ipynb", cells.RUN_ALL))
    body = notebook.page.locator("body")
    notebook.run_all()
    tried.feature("Run All", lambda: _run_all(notebook), body)
    tried.feature("cell", lambda: _shown(notebook, 1))
    tried.feature("wait", lambda: _shown(notebook, 2, 3))
    tried.feature("saved and converted", lambda: _saved(notebook, kind, server, environment, env, tried.key))
    notebook.page.context.close()

    notebook = kind(new_page(browser), server, write_notebook(server.folder / "apart.ipynb", APART))
    body = notebook.page.locator("body")
    notebook.run(0)
    notebook.ended(0)
    tried.feature("live grid", lambda: _live(notebook), body)
    tried.feature("viewer", lambda: _viewer(notebook), body)
    tried.feature("panel", lambda: _panel(notebook), body)
    tried.feature("completion", lambda: _completion(notebook), body)
    tried.feature("interrupt", lambda: _interrupted(notebook), body)
    if tried.outcomes["live grid"] == WORKS:
        tried.feature("live grid", lambda: _reloaded(notebook))
    notebook.page.context.close()
    return tried.outcomes


def _run_all(notebook: LabNotebook) -> None:
    """All cells end, in their order, and the last one finds all pictures."""
    last = len(cells.RUN_ALL) - 1
    notebook.ended(last, 3 * SECONDS)
    expect(notebook.output(last).first).to_have_text(cells.COUNTED)
    numbers = [notebook.prompt(index).strip("In []:\xa0") for index in range(last + 1)]
    assert numbers == [str(number + 1) for number in range(last + 1)], f"executed in the order {numbers}"


def _shown(notebook: LabNotebook, *indexes: int) -> None:
    """Each cell shows its pictures, once."""
    for index in indexes:
        decoded(notebook.pictures(index), cells.PICTURES[index])


def _saved(
    notebook: LabNotebook,
    kind: type[LabNotebook],
    server: Server,
    environment: Environment,
    env: Mapping[str, str],
    key: str,
) -> None:
    """The pictures are there when the notebook is opened again, when a stranger opens it, and as HTML."""
    notebook.save()
    received = server.folder / "received.ipynb"
    import nbformat

    # Trust is a signature over the content: a copy that says something more has none.
    copy = nbformat.read(notebook.path, as_version=4)
    copy.cells.append(nbformat.v4.new_markdown_cell("Received from a colleague."))
    nbformat.write(copy, received)
    notebook.reload()
    _shown(notebook, *cells.PICTURES)
    foreign = kind(new_page(notebook.page.context.browser), server, received)
    _shown(foreign, *cells.PICTURES)
    foreign.page.screenshot(path=screenshots() / f"{key}-received.png")
    foreign.page.goto(convert(notebook.path, environment, env).as_uri())
    decoded(foreign.page.locator("img"), sum(cells.PICTURES.values()))
    foreign.page.screenshot(path=screenshots() / f"{key}-converted.png")
    foreign.page.context.close()


def convert(notebook: Path, environment: Environment, env: Mapping[str, str]) -> Path:
    """The notebook as an HTML page, by nbconvert."""
    command = [environment.python, "-m", "nbconvert", "--to", "html", str(notebook)]
    subprocess.run(command, env=env, check=True, capture_output=True)
    return notebook.with_suffix(".html")


def _live(notebook: LabNotebook) -> None:
    """While its cell works, a run tells how far it is and shows what is there."""
    notebook.run(LIVE)
    expect(notebook.output(LIVE).first).to_contain_text("of 4 done")
    notebook.pictures(LIVE).first.wait_for()
    assert notebook.is_running(LIVE), "the first picture came after the cell's end"
    assert notebook.pictures(LIVE).count() < 4
    notebook.ended(LIVE)
    decoded(notebook.pictures(LIVE), 4)


def _reloaded(notebook: LabNotebook) -> Outcome:
    """What becomes of a run whose page is loaded anew while it works."""
    # So high that all cells are on the page: JupyterLab draws no others.
    notebook.page.set_viewport_size({"width": 1300, "height": 6000})
    notebook.run(RELOADED)
    notebook.pictures(RELOADED).first.wait_for()
    notebook.reload()
    notebook.loaded()
    try:
        # The run needs some seconds more.
        expect(notebook.pictures(RELOADED)).to_have_count(4, timeout=20_000)
    except AssertionError:
        # What the page says to do.
        notebook.write(COMPLETED, "boats")
        notebook.run(COMPLETED)
        decoded(notebook.pictures(COMPLETED), 4)
        return Outcome("but", "reload")
    return WORKS


def _interrupted(notebook: LabNotebook) -> None:
    """An interrupted cell ends soon, as an error of one line that says how to go on."""
    notebook.run(LONG)
    notebook.pictures(LONG).first.wait_for()
    notebook.interrupt()
    notebook.ended(LONG, INTERRUPTED)
    said = notebook.output(LONG).filter(has_text="WaitInterruptedError")
    expect(said).to_contain_text("%rivya resume")
    assert "Traceback" not in said.inner_text()


def _panel(notebook: LabNotebook) -> None:
    """The panel opens, plans what is typed, and shows the pictures of a click."""
    notebook.run(PANEL)
    try_panel(notebook.cell(PANEL))
    stands_alone(notebook.cell(PANEL))


def try_panel(root: Locator) -> None:
    """Ask for two pictures in a panel, and find them in its run and in its gallery."""
    root.get_by_label("Prompt", exact=True).fill("A glass bottle")
    root.get_by_label("Seed", exact=True).fill("41..42")
    expect(root.get_by_text("24 credits").first).to_be_visible()
    root.get_by_role("button", name="Generate", exact=True).click()
    expect(root.get_by_role("tab", name="Run ", selected=True)).to_be_visible()
    pictures = root.locator(".rivya-right img").filter(visible=True)
    decoded(pictures, 2)
    root.get_by_role("tab", name="Gallery").click()
    expect(root.locator(".rivya-main img").filter(visible=True).first).to_be_visible()
    # A page's own styles may show what the panel hides.
    expect(root.locator("input[type=file]")).to_be_hidden()


def _viewer(notebook: LabNotebook) -> None:
    notebook.run(VIEW)
    try_viewer(notebook.cell(VIEW).get_by_role("application", name="Picture viewer"))
    stands_alone(notebook.cell(VIEW))


def stands_alone(root: Locator) -> None:
    """What a cell keeps for a page without a kernel is not seen beside the widget."""
    expect(root.locator(".rivya-kept")).to_be_hidden()


def try_viewer(root: Locator) -> None:
    """The viewer shows four pictures, and they become larger together."""
    expect(root.get_by_role("gridcell")).to_have_count(4)
    decoded(root.locator("img:not([alt=''])"), 4)
    root.get_by_role("gridcell").first.click()
    root.page.keyboard.press("+")
    shown = root.get_by_role("gridcell")
    until(lambda: shown.evaluate_all(ENLARGED) == 4, "all pictures are enlarged", root.page)


def _completion(notebook: LabNotebook) -> None:
    """TAB behind a part of a name offers it, or puts it in where nothing else fits."""
    notebook.write(COMPLETED, cells.COMPLETED)
    notebook.page.keyboard.press("Tab")
    with suppress(Exception):
        notebook.page.locator(notebook.listed).first.wait_for(timeout=10_000)
        notebook.page.keyboard.press("Enter")
    expect(notebook.cell(COMPLETED).first).to_contain_text("resolution=")
    notebook.page.keyboard.press("Escape")
