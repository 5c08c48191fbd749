"""A notebook page in a browser, driven by what each front end offers: JupyterLab and Notebook 7, or nbclassic."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.harness import ALL_DECODED, CHROMIUM_ARGUMENTS, find_chromium

SECONDS = 120
"""How long a condition is waited for; much longer than it takes, since a machine may be busy."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("no Chromium found")
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 1300, "height": 1500}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    return page


def decoded(images: Locator, count: int) -> None:
    """Wait until there are so many pictures, and the browser could read each."""
    expect(images).to_have_count(count)
    until(lambda: images.evaluate_all(ALL_DECODED), "all pictures can be read", images.page)


def until(condition: Any, what: str, page: Page, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain until {what}")
        page.wait_for_timeout(100)


@dataclass(frozen=True)
class Server:
    """A running Jupyter server: where it is for a browser, the folder it shows, and a token if it wants one."""

    url: str
    folder: Path
    token: str = ""

    def address(self, path: str) -> str:
        return f"{self.url}/{path}" + (f"?token={self.token}" if self.token else "")


@contextmanager
def server(command: Sequence[str], folder: Path, env: Mapping[str, str], token: str = "") -> Iterator[Server]:
    """A Jupyter server, started with its own command, on the notebooks of a folder."""
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port_retries=50",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    runtime = Path(env["JUPYTER_RUNTIME_DIR"])
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, *options], env=env, cwd=folder, stdout=log, stderr=log)
        try:
            yield Server(_announced(runtime / f"jpserver-{process.pid}.json", process, token), folder, token)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _announced(file: Path, process: subprocess.Popen[bytes], token: str) -> str:
    """The url that a server says it has, once it answers there."""
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            url = str(json.loads(file.read_text())["url"]).rstrip("/")
            urllib.request.urlopen(f"{url}/api/status?token={token}", timeout=5).close()
        except (OSError, ValueError):
            time.sleep(0.1)
        else:
            return url
    raise RuntimeError(f"the server did not start: {file.name}")


class LabNotebook:
    """A notebook in JupyterLab or in Notebook 7, which is made of the same parts. Cells are counted from 0."""

    pages = "doc/tree"
    options = ("--expose-app-in-browser",)
    outputs = ".jp-OutputArea-output"
    listed = ".jp-Completer-item"
    state = ".jp-InputPrompt"

    def __init__(self, page: Page, server: Server, path: Path) -> None:
        self.page = page
        self.path = path
        page.goto(server.address(f"{self.pages}/{path.relative_to(server.folder)}"))
        self.loaded()

    def loaded(self) -> None:
        """Wait until the page is there and its kernel answers."""
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )

    def command(self, name: str) -> None:
        """Run a command as a menu does. What it starts is not waited for."""
        self.page.evaluate("name => void window.jupyterapp.commands.execute(name)", name)

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run(self, index: int) -> None:
        self.page.evaluate(
            """index => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                void window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )

    def interrupt(self) -> None:
        self.command("notebook:interrupt-kernel")

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def reload(self) -> None:
        """Load the page anew, as it is saved, with the kernel that goes on."""
        self.save()
        self.page.reload()
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()

    def cell(self, index: int) -> Locator:
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(self.outputs)

    def pictures(self, index: int) -> Locator:
        return self.output(index).locator("img")

    def prompt(self, index: int) -> str:
        """`[*]:` while the cell works or is queued, `[3]:` when it has ended."""
        return self.cell(index).locator(self.state).inner_text()

    def is_running(self, index: int) -> bool:
        return "*" in self.prompt(index)

    def ended(self, index: int, seconds: float = SECONDS) -> None:
        until(
            lambda: re.search(r"\[\d+\]", self.prompt(index)), f"cell {index} has ended", self.page, seconds
        )

    def write(self, index: int, text: str) -> None:
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)


class SevenNotebook(LabNotebook):
    """The same in Notebook 7."""

    pages = "notebooks"


class ClassicNotebook(LabNotebook):
    """The same in nbclassic, the interface of Notebook 6."""

    pages = "notebooks"
    options = ()
    outputs = ".output_subarea"
    listed = ".completions option"
    state = ".input_prompt"

    def loaded(self) -> None:
        self.page.locator("div.cell").first.wait_for()
        self.page.wait_for_function("() => window.Jupyter?.notebook?.kernel?.is_connected()")

    def run_all(self) -> None:
        self.page.evaluate("() => Jupyter.notebook.execute_all_cells()")

    def run(self, index: int) -> None:
        self.page.evaluate("index => Jupyter.notebook.execute_cells([index])", index)

    def interrupt(self) -> None:
        self.page.evaluate("() => void Jupyter.notebook.kernel.interrupt()")

    def save(self) -> None:
        self.page.evaluate("() => Jupyter.notebook.save_checkpoint()")
        self.page.wait_for_function("() => !Jupyter.notebook.dirty")

    def reload(self) -> None:
        self.save()
        self.page.reload()
        self.page.locator("div.cell").first.wait_for()

    def cell(self, index: int) -> Locator:
        return self.page.locator("div.cell").nth(index)

    def write(self, index: int, text: str) -> None:
        self.cell(index).locator(".CodeMirror").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
