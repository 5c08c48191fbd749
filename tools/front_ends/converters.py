"""What executes a notebook with nobody before it: nbconvert, nbclient, papermill, and Voilà, which shows it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.harness import write_notebook
from tools.front_ends import cells
from tools.front_ends.browser import SECONDS, chromium, decoded, new_page, server, until
from tools.front_ends.environments import Environment
from tools.front_ends.notebooks import Tried, try_panel, try_viewer
from tools.front_ends.results import NONE, WORKS, Outcome, screenshots

LATE, JOINED, LEFT, PANEL, VIEW = range(5, 10)
SOURCES = (*cells.RUN_ALL, cells.LATE, cells.JOIN, cells.LEFT, cells.PANEL, "bottles.view()")


def executed_by(*command: str) -> Callable[..., dict[str, Outcome]]:
    """Drives a command that executes `in.ipynb` to `out.ipynb`; the first of it is a module of Python's."""

    def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
        write_notebook(folder / "in.ipynb", SOURCES)
        subprocess.run(
            [environment.python, "-m", *command], cwd=folder, env=env, check=True, capture_output=True
        )
        return _judged(key, folder / "out.ipynb", environment, env)

    return drive


def _judged(key: str, path: Path, environment: Environment, env: Mapping[str, str]) -> dict[str, Outcome]:
    """The outcomes of a notebook that was executed."""
    import nbformat

    outputs = [cell.outputs for cell in nbformat.read(path, as_version=4).cells]
    tried = Tried(key)
    tried.feature("cell", lambda: _has(outputs, 1))
    tried.feature("Run All", lambda: _said(outputs[4], cells.COUNTED))
    tried.feature("wait", lambda: _waited(outputs))
    tried.feature("panel", lambda: _kept(outputs[PANEL], "panel"))
    tried.feature("viewer", lambda: _kept(outputs[VIEW], "viewer"))
    tried.feature("saved and converted", lambda: _converted(key, path, environment, env))
    return tried.outcomes | {"live grid": NONE, "interrupt": NONE, "completion": NONE}


def _html(outputs: Sequence[Any]) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in outputs)


def _has(outputs: Sequence[Sequence[Any]], *indexes: int) -> None:
    for index in indexes:
        found = _html(outputs[index]).count("<img")
        assert found == cells.PICTURES[index], f"cell {index} has {found} pictures"


def _said(outputs: Sequence[Any], text: str) -> None:
    said = "".join(output.get("text", "") for output in outputs)
    assert text in said, f"it says {said!r}"


def _waited(outputs: Sequence[Sequence[Any]]) -> Outcome:
    """Runs that a cell waits for are shown; of one that nobody waits for, the pictures come too late."""
    _has(outputs, 2, 3)
    late = _html(outputs[LATE] + outputs[JOINED]).count("<img")
    assert late >= 2, f"a background run that is waited for later has {late} pictures"
    return WORKS if "<img" in _html(outputs[LEFT]) else Outcome("but", "background")


def _kept(outputs: Sequence[Any], what: str) -> Outcome:
    """A widget leaves pictures and a line in its cell."""
    html = _html(outputs)
    assert "<img" in html, f"nothing is left of the {what}"
    assert "Run this cell again" in html or "opens with" in html, "nothing says how it is opened"
    return Outcome("but", "no-kernel")


def _converted(key: str, path: Path, environment: Environment, env: Mapping[str, str]) -> None:
    """As an HTML page, the executed notebook shows all pictures of its runs."""
    command = [environment.python, "-m", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, env=env, check=True, capture_output=True)
    with chromium() as browser:
        page = new_page(browser)
        page.goto(path.with_suffix(".html").as_uri())
        pictures = page.locator(".jp-Cell").nth(1).locator("img")
        decoded(pictures, 4)
        page.screenshot(path=screenshots() / f"{key}-converted.png", full_page=True)


def voila(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """Voilà executes the notebook for each visitor, and shows it when it has ended."""
    tried = Tried(key)
    write_notebook(folder / "all.ipynb", cells.RUN_ALL)
    write_notebook(folder / "apart.ipynb", [cells.LOAD, cells.LIVE, cells.PANEL, cells.VIEW])
    extension = "--ServerApp.jpserver_extensions={'voila.server_extension': True}"
    command = [environment.python, "-m", "jupyter_server", extension]
    with server(command, folder, env) as running, chromium() as browser:
        page = new_page(browser)
        body = page.locator("body")
        page.goto(running.address("voila/render/all.ipynb"), timeout=3 * SECONDS * 1000)
        tried.feature("Run All", lambda: _text(page, cells.COUNTED), body)
        tried.feature("cell", lambda: _voila_pictures(page))
        tried.feature("wait", lambda: tried.outcomes["cell"])
        page.goto(running.address("voila/render/apart.ipynb"), wait_until="commit")
        tried.feature("live grid", lambda: _voila_live(page))
        viewer = page.get_by_role("application", name="Picture viewer")
        tried.feature("viewer", lambda: try_viewer(viewer), body)
        tried.feature("panel", lambda: try_panel(body), body)
    return tried.outcomes | {"interrupt": NONE, "completion": NONE, "saved and converted": NONE}


def _text(page: Any, text: str) -> None:
    expect(page.get_by_text(text, exact=True)).to_be_visible()


def _voila_pictures(page: Any) -> None:
    decoded(page.locator("img"), sum(cells.PICTURES.values()))


def _voila_live(page: Any) -> Outcome:
    """Whether the page tells how far its run is; if not, whether the pictures are there at the end."""
    seen: list[str] = []

    def is_there() -> bool:
        seen.append(page.locator("body").inner_text())
        return bool(page.locator("img").count() >= 4)

    until(is_there, "the pictures are there", page)
    return WORKS if any("of 4 done" in text for text in seen) else Outcome("no", "voila-live")
