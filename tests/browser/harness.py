"""JupyterLab in a browser: start it, open a notebook, run it, wait for what it shows, save, look again.

A package of its own, so that its fixtures end with it: playwright keeps an event loop in the main thread for
as long as it runs, and `asyncio.run` in the tests that follow would refuse to start.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Locator, Page, ViewportSize

if TYPE_CHECKING:
    from nbformat import NotebookNode

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 120
ANSWER_SECONDS = 60

# Of each image, whether it was really decoded and really has a size on the page.
PICTURES = """images => images.map(image => {
    const box = image.getBoundingClientRect();
    return {
        alt: image.alt,
        natural: [image.naturalWidth, image.naturalHeight],
        shown: [Math.round(box.width), Math.round(box.height)],
    };
})"""
ALL_DECODED = "images => images.every(image => image.complete && image.naturalWidth > 0)"

# Disposed of rather than closed: nobody is there to answer whether to save.
CLOSE_ALL = "() => [...window.jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())"
# A page without a document gets a launcher, which goes when the notebook is there.
OPEN_ALONE = """async path => {
    const { commands, shell } = window.jupyterapp;
    const opened = await commands.execute('docmanager:open', { path });
    [...shell.widgets('main')].filter(widget => widget !== opened).forEach(widget => widget.dispose());
}"""


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def write_notebook(path: Path, sources: Sequence[str]) -> Path:
    """Write a notebook of code cells, with the kernel named (or JupyterLab asks for one in a dialog)."""
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[new_code_cell(source) for source in sources], metadata=metadata)
    nbformat.write(notebook, path)
    return path


def as_received(path: Path, target: Path) -> Path:
    """Copy a notebook as a colleague would get it: same outputs, but nothing here ever trusted it.

    Trust is a signature over the content, so the copy says something more.
    """
    import nbformat
    from nbformat.v4 import new_markdown_cell

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_markdown_cell("Received from a colleague."))
    nbformat.write(notebook, target)
    return target


class OpenNotebook:
    """A notebook, open in JupyterLab. Cells are counted from 0."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path

    def command(self, name: str, **arguments: object) -> None:
        """Run one of JupyterLab's commands and wait for its end."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def run_all(self) -> None:
        """Start *Run All*; returns at once, the cells are queued."""
        self.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def wait_for_kernel(self) -> None:
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        )

    def wait_until_done(self, cell: int, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the cell has been executed to its end: a number stands in its prompt."""
        prompt = self.cell(cell).locator(".jp-InputPrompt")
        self.page.wait_for_function(
            r"element => /\[\d+\]/.test(element.textContent)",
            arg=prompt.element_handle(),
            timeout=seconds * 1000,
        )

    def cell(self, index: int) -> Locator:
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, cell: int) -> Locator:
        """What the cell shows; its source is not in it."""
        return self.cell(cell).locator(".jp-OutputArea-output")

    def wait_for_output(self, cell: int, text: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the output (never the source) of the cell has a text."""
        self.output(cell).filter(has_text=text).first.wait_for(timeout=seconds * 1000)

    def pictures(self, cell: int) -> list[dict[str, object]]:
        """Every image the cell shows, once all are decoded: `alt`, `natural` and `shown` sizes in pixels."""
        images = self.output(cell).locator("img")
        images.first.wait_for(timeout=ANSWER_SECONDS * 1000)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not images.evaluate_all(ALL_DECODED):
            if time.monotonic() > deadline:
                raise AssertionError(f"pictures stay broken: {images.evaluate_all(PICTURES)}")
            self.page.wait_for_timeout(50)
        found: list[dict[str, object]] = images.evaluate_all(PICTURES)
        return found

    def is_trusted(self) -> bool:
        """Whether JupyterLab trusts every code cell, that is, shows its HTML as it was written."""
        trusted: bool = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                .filter(cell => cell.type === 'code').every(cell => cell.trusted)"""
        )
        return trusted

    def set_theme(self, theme: str) -> None:
        """`JupyterLab Light` or `JupyterLab Dark`."""
        self.command("apputils:change-theme", theme=theme)
        light = "true" if theme.endswith("Light") else "false"
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")
        # It covers the page while the theme's styles are loaded.
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def save(self) -> NotebookNode:
        """Save and give what now is on disk."""
        import nbformat

        self.command("docmanager:save")
        return nbformat.read(self.path, as_version=4)

    def screenshot(self, path: Path) -> Path:
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        """Close it without saving; the page stays, for the next notebook of the same sharpness."""
        self.page.evaluate(CLOSE_ALL)
        self.page.context.clear_permissions()


class Lab:
    """A running JupyterLab on a folder of notebooks, with a home and a configuration of its own."""

    def __init__(self, url: str, folder: Path, browser: Browser) -> None:
        self.url = url
        self.folder = folder
        self.browser = browser
        self.pages: dict[float, Page] = {}

    def open(
        self, path: Path, *, width: int = 1200, height: int = 1400, sharpness: float = 1
    ) -> OpenNotebook:
        """Open a notebook of the folder, alone on its page, and wait until it is laid out.

        `width` and `height` are in pixels; a picture of the page has `sharpness` times as many. The page is loaded
        once for each sharpness: what JupyterLab takes to start is most of what a notebook would cost.
        """
        size: ViewportSize = {"width": width, "height": height}
        if page := self.pages.get(sharpness):
            page.set_viewport_size(size)
            page.evaluate(OPEN_ALONE, str(path.relative_to(self.folder)))
        else:
            page = self.browser.new_context(viewport=size, device_scale_factor=sharpness).new_page()
            page.set_default_timeout(ANSWER_SECONDS * 1000)
            page.goto(f"{self.url}/doc/tree/{path.relative_to(self.folder)}")
            self.pages[sharpness] = page
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        notebook = OpenNotebook(page, path)
        notebook.wait_for_kernel()
        return notebook

    def screenshot_all(self, folder: Path, name: str) -> None:
        """A picture of every page that is open."""
        pages = [page for context in self.browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=folder / f"{name}-{number}.png")

    def end_kernels(self) -> None:
        """Shut every kernel down, as closing the laptop's lid for the day does."""
        with urllib.request.urlopen(f"{self.url}/api/sessions") as answer:
            sessions = json.load(answer)
        for session in sessions:
            request = urllib.request.Request(f"{self.url}/api/sessions/{session['id']}", method="DELETE")
            urllib.request.urlopen(request).close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until_up(runtime: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """The url that the JupyterLab says it has in its folder `runtime`, once it answers there."""
    announced = Path(runtime, f"jpserver-{process.pid}.json")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()}")
        try:
            url = f"http://127.0.0.1:{json.loads(announced.read_text())['port']}"
            urllib.request.urlopen(f"{url}/api/status", timeout=5).close()
        except (OSError, ValueError):
            # Not there, half written or not yet listening.
            time.sleep(0.1)
        else:
            return url
    raise RuntimeError(f"JupyterLab did not start within {START_SECONDS} s:\n{log.read_text()}")


def lab_environment(home: Path, runtime: str, extra: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing of this machine's own Jupyter, IPython or Rivya set-up is seen."""
    config = home / "jupyter"
    (config / "labconfig").mkdir(parents=True)
    # The news extension opens a dialog over the first notebook.
    silent = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(silent))
    # A second is all that a kernel has for a completion, which is little on a busy machine.
    patient = config / "lab" / "user-settings" / "@jupyterlab" / "completer-extension"
    patient.mkdir(parents=True)
    (patient / "manager.jupyterlab-settings").write_text(
        json.dumps({"providerTimeout": ANSWER_SECONDS * 1000})
    )
    own = {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": runtime,
        "IPYTHONDIR": str(home / "ipython"),
        # As small as those of the lab's own sandbox, but where their size is seen.
        "SHRINK_PICTURES": "4",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RIVYA_", "JUPYTER_"))}
    return {**inherited, **own, **extra}


@contextmanager
def jupyter_lab(browser: Browser, base: Path, environment: Mapping[str, str]) -> Iterator[Lab]:
    """Run JupyterLab of this interpreter under `base`, until the block ends."""
    folder = base / "work"
    folder.mkdir()
    log = base / "lab.log"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
        # A port that is free now; where it no longer is when JupyterLab gets to it, that takes another.
        "--ip=127.0.0.1", f"--ServerApp.port={free_port()}",
        # The ports of a kernel are chosen before it binds them; sockets in the file system nobody else takes.
        "--KernelManager.transport=ipc",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    # The path of a socket has room for about 100 bytes: the folder for them is not under `base`.
    with log.open("wb") as output, tempfile.TemporaryDirectory(prefix="lab-") as runtime:
        process = subprocess.Popen(
            command, env=lab_environment(base, runtime, environment), stdout=output, stderr=output, cwd=folder
        )
        try:
            yield Lab(wait_until_up(runtime, process, log), folder, browser)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                # It waits for its kernels, and on a busy machine for long; nothing here depends on its end.
                process.kill()
                process.wait()
