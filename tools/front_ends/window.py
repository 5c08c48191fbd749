"""qtconsole: a console in a window, drawn off the screen."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.browser.harness import write_notebook
from tools.front_ends import cells
from tools.front_ends.environments import Environment
from tools.front_ends.notebooks import Tried
from tools.front_ends.results import Outcome, screenshots
from tools.front_ends.terminals import REPORT, report_shows

INPUTS = {
    "load": cells.LOAD,
    "cell": cells.CELL,
    "live grid": cells.LIVE,
    "wait": f"{cells.WAIT}\n",
    "await": cells.AWAIT,
    "panel": cells.PANEL,
    "viewer": cells.VIEW,
    "report": REPORT,
    "Run All": "%run all.ipynb",
    "interrupt": cells.LONG,
}


def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """Give it all inputs, and judge what its window said to each."""
    write_notebook(folder / "all.ipynb", cells.RUN_ALL)
    script = Path(__file__).with_name("inside_qtconsole.py")
    command = [environment.python, str(script), str(screenshots()), json.dumps(INPUTS)]
    done = subprocess.run(
        command, cwd=folder, env={**env, "QT_QPA_PLATFORM": "offscreen"}, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    (screenshots() / f"{key}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False))
    tried = Tried(key)
    tried.feature("cell", lambda: _has(said["cell"], cells.FOUR, note="words"))
    tried.feature("live grid", lambda: _live(said["live grid"]))
    tried.feature("wait", lambda: _waited(said))
    tried.feature("panel", lambda: _words(said["panel"]))
    tried.feature("viewer", lambda: _words(said["viewer"]))
    tried.feature("Run All", lambda: _has(said["Run All"], cells.COUNTED))
    tried.feature("completion", lambda: _has(said["completion"], "resolution="))
    tried.feature("saved and converted", lambda: report_shows(folder / "report.html", 4))
    tried.feature("interrupt", lambda: _interrupted(said["interrupt"]))
    return tried.outcomes


def _has(answer: Mapping[str, Any], *patterns: str, note: str = "") -> Outcome | None:
    for pattern in patterns:
        assert re.search(pattern, answer["said"]), f"it says no {pattern!r}, but {answer['said'][-300:]!r}"
    return Outcome("but", note) if note else None


def _live(answer: Mapping[str, Any]) -> Outcome:
    """A run is announced at once; the console shows its end below, since it updates nothing in place."""
    _has(answer, cells.FOUR)
    assert any("of 4 done" in text for text in answer["during"]), "nothing is said while it works"
    moved = any(f"{number} of 4 done" in text for number in (1, 2, 3) for text in answer["during"])
    return Outcome("but", "words" if moved else "console")


def _waited(said: Mapping[str, Mapping[str, Any]]) -> None:
    _has(said["wait"], cells.TWO)
    _has(said["await"], cells.TWO)


def _words(answer: Mapping[str, Any]) -> Outcome:
    _has(answer, "widgets")
    return Outcome("no", "no-widgets")


def _interrupted(answer: Mapping[str, Any]) -> None:
    assert answer["ended"], "it goes on"
    assert "Traceback" not in answer["said"], "it ends with a traceback"
    _has(answer, "WaitInterruptedError", "%rivya resume")
