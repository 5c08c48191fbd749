"""The rows of the table, in its order: what is installed, and what drives it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.front_ends import browser, converters, kernels, notebooks, reactive, terminals, window
from tools.front_ends.environments import LATENCY, Environment, sandbox, variables
from tools.front_ends.proxy import BASE_URL, TOKEN, behind_proxy
from tools.front_ends.results import Outcome

Drive = Callable[[str, Environment, Path, Mapping[str, str]], dict[str, Outcome]]
"""Gives the outcomes of a row, by its key, its environment, an empty folder and its environment variables."""


@dataclass(frozen=True)
class Row:
    title: str
    packages: tuple[str, ...]
    drive: Drive
    python: str = "3.12"
    pre: bool = False
    extras: str = ""
    latency: float = LATENCY

    def run(self, key: str, environment: Environment) -> dict[str, Outcome]:
        with tempfile.TemporaryDirectory(prefix="front-end-") as base, sandbox(self.latency) as url:
            home, work = Path(base, "home"), Path(base, "work")
            work.mkdir()
            return self.drive(key, environment, work, variables(environment, home, url))


def in_browser(kind: type[browser.LabNotebook], module: str) -> Drive:
    """Drives the notebooks of a Jupyter server that `python -m module` starts."""

    def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
        command = [environment.python, "-m", module, *kind.options]
        with browser.server(command, folder, env) as server, browser.chromium() as chromium:
            return notebooks.try_notebooks(key, environment, server, chromium, kind, env)

    return drive


def as_in_a_hub(
    key: str, environment: Environment, folder: Path, env: Mapping[str, str]
) -> dict[str, Outcome]:
    """Drives JupyterLab under a base URL, with a token, behind a proxy."""
    kind = browser.LabNotebook
    command = [environment.python, "-m", "jupyterlab", *kind.options, f"--ServerApp.base_url={BASE_URL}"]
    with (
        browser.server(command, folder, env, TOKEN) as server,
        behind_proxy(server) as seen,
        browser.chromium() as chromium,
    ):
        return notebooks.try_notebooks(key, environment, seen, chromium, kind, env)


ROWS = {
    "lab-newest": Row("JupyterLab", ("jupyterlab",), in_browser(browser.LabNotebook, "jupyterlab")),
    "lab-4.2": Row("JupyterLab 4.2", ("jupyterlab==4.2.*",), in_browser(browser.LabNotebook, "jupyterlab")),
    "lab-pre": Row(
        "JupyterLab, pre-release", ("jupyterlab",), in_browser(browser.LabNotebook, "jupyterlab"), pre=True
    ),
    "notebook-newest": Row("Notebook", ("notebook",), in_browser(browser.SevenNotebook, "notebook")),
    "notebook-7.2": Row("Notebook 7.2", ("notebook==7.2.*",), in_browser(browser.SevenNotebook, "notebook")),
    "nbclassic": Row("nbclassic", ("nbclassic",), in_browser(browser.ClassicNotebook, "nbclassic")),
    "hub": Row("JupyterLab under a base URL, behind a Hub's proxy", ("jupyterlab",), as_in_a_hub),
    "voila": Row("Voilà", ("voila", "ipykernel"), converters.voila),
    "nbconvert": Row(
        "`nbconvert --execute`",
        ("nbconvert", "ipykernel"),
        converters.executed_by("nbconvert", "--execute", "--to=notebook", "--output=out.ipynb", "in.ipynb"),
    ),
    "nbclient": Row(
        "nbclient (jupyter execute)",
        ("nbclient", "nbconvert", "ipykernel"),
        converters.executed_by("jupyter", "execute", "--output=out", "in.ipynb"),
    ),
    "papermill": Row(
        "papermill",
        ("papermill", "nbconvert", "ipykernel"),
        converters.executed_by("papermill", "in.ipynb", "out.ipynb"),
    ),
    "ipython": Row(
        "IPython in a terminal", ("ipython", "nbformat"), terminals.prompt_of("ipython", "--no-banner")
    ),
    "console": Row(
        "jupyter console", ("jupyter-console", "nbformat"), terminals.prompt_of("jupyter-console")
    ),
    "qtconsole": Row("qtconsole", ("qtconsole", "pyqt6", "nbformat"), window.drive),
    "script": Row("a plain script", ("ipython",), terminals.script),
    "marimo": Row("marimo", ("marimo",), reactive.drive),
}

OLD, NEW = ("numpy==1.26.*", "pandas==2.2.*"), ("numpy>=2.3", "pandas==3.*")
KERNELS = {
    f"python-{python}-ipykernel-{kernel}": Row(
        f"Python {python}, ipykernel {kernel}",
        (f"ipykernel=={kernel}.*", *libraries),
        kernels.drive,
        python=python,
        # The order of the cells matters here, and not how a run looks while it works.
        latency=0.5,
    )
    for python, kernel, libraries in [
        ("3.10", "6.29", OLD), ("3.10", "6.31", ("numpy==2.2.*", "pandas==2.3.*")),
        ("3.10", "7.0", OLD), ("3.10", "7.3", ("numpy==2.2.*", "pandas==2.3.*")),
        ("3.11", "6.29", OLD), ("3.11", "6.31", NEW), ("3.11", "7.0", OLD), ("3.11", "7.4", NEW),
        ("3.12", "6.29", OLD), ("3.12", "6.31", NEW), ("3.12", "7.0", OLD), ("3.12", "7.4", NEW),
        ("3.13", "6.29", ("numpy==2.1.*", "pandas==2.2.*")), ("3.13", "6.31", NEW),
        ("3.13", "7.0", ("numpy==2.1.*", "pandas==2.2.*")), ("3.13", "7.4", NEW),
        ("3.14", "6.31", ("numpy>=2.3", "pandas==2.3.*")), ("3.14", "7.4", NEW),
    ]
}  # fmt: skip
"""The second table: a row for each Python and kernel, with old and new libraries in turn."""
