"""marimo, whose notebooks are Python files of cells that follow one another's values."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.harness import free_port
from tools.front_ends.browser import SECONDS, chromium, new_page, until
from tools.front_ends.environments import Environment
from tools.front_ends.notebooks import INTERRUPTED, Tried, try_viewer
from tools.front_ends.results import NONE, Outcome

LONG = """import marimo

app = marimo.App()


@app.cell
def _():
    import rivya_nb as rv

    rv.connect(max_parallel=1)
    print("it begins")
    rv.generate("A fox in snow", seed=range(101, 141), resolution="1K").wait()
    return
"""
"""A notebook to edit, whose one cell works for minutes."""


def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """Look at the notebook as an app, and at what is exported of it."""
    notebook = folder / "notebook.py"
    shutil.copy(Path(__file__).with_name("marimo_app.py"), notebook)
    tried = Tried(key)
    with _served(environment, notebook, env, "run") as url, chromium() as browser:
        page = new_page(browser)
        page.goto(url)
        body = page.locator("body")
        tried.feature("wait", lambda: _pictures(page), body)
        tried.feature("Run All", lambda: expect(page.get_by_text("4 and 2 pictures")).to_be_visible())
        viewer = page.get_by_role("application", name="Picture viewer")
        tried.feature("viewer", lambda: try_viewer(viewer), body)
        tried.feature("panel", lambda: _words(page), body)
        tried.feature("saved and converted", lambda: _exported(environment, notebook, env))
    long = folder / "long.py"
    long.write_text(LONG)
    with _served(environment, long, env, "edit") as url, chromium() as browser:
        page = new_page(browser)
        page.goto(url)
        tried.feature("live grid", lambda: _waits(page), page.locator("body"))
        tried.feature("interrupt", lambda: _interrupted(page), page.locator("body"))
    return tried.outcomes | {"cell": Outcome("no", "marimo"), "completion": NONE}


@contextmanager
def _served(environment: Environment, notebook: Path, env: Mapping[str, str], how: str) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        environment.python, "-m", "marimo", how, "--headless", "--no-token", f"--port={port}", str(notebook),
    ]  # fmt: skip
    with (notebook.parent / "marimo.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=notebook.parent, stdout=log, stderr=log)
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("marimo did not start")


def _pictures(page: Page) -> None:
    """Both runs show their pictures."""
    until(lambda: page.locator(".rivya-run img").count() >= 6, "six pictures are there", page, 3 * SECONDS)


def _waits(page: Page) -> Outcome:
    """A cell shows its value when it has ended, and nothing of it before."""
    begun = page.get_by_text("it begins", exact=True)

    def begins() -> bool:
        # A click does nothing before the page has its kernel.
        page.get_by_test_id("run-button").last.click()
        page.wait_for_timeout(10_000)
        return begun.count() > 0

    until(begins, "the cell has begun", page)
    page.wait_for_timeout(5000)
    assert page.locator(".rivya-run").count() == 0, "it shows something already: is it live now?"
    return Outcome("no", "marimo")


def _interrupted(page: Page) -> None:
    """The cell ends with the words that say how to go on, in Python."""
    page.get_by_test_id("interrupt-button").first.click()
    expect(page.get_by_text("WaitInterruptedError").first).to_be_visible(timeout=1000 * INTERRUPTED)
    expect(page.get_by_text("unsent=True").first).to_be_visible()


def _words(page: Page) -> Outcome:
    """There are no Jupyter widgets, and the panel says so."""
    expect(page.get_by_text("Jupyter widgets").first).to_be_visible()
    return Outcome("no", "no-widgets")


def _exported(environment: Environment, notebook: Path, env: Mapping[str, str]) -> Outcome:
    """The exported page holds the pictures; what draws it comes from the network, and so it was not looked at."""
    exported = notebook.with_suffix(".html")
    command = [environment.python, "-m", "marimo", "export", "html", str(notebook), "-o", str(exported)]
    subprocess.run(command, env=env, cwd=notebook.parent, check=True, capture_output=True)
    found = exported.read_text(encoding="utf-8").count("data:image/")
    assert found >= 6, f"the page holds {found} pictures"
    return Outcome("but", "marimo-export")
