"""The README's examples, executed as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kernels import executed

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import is_seed

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SECONDS = 120


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    return {
        **inherited,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "RIVYA_STORE": str(tmp_path / "store"),
        "RIVYA_SANDBOX_LATENCY": "0",
    }


def test_the_cells_show_what_is_said(tmp_path: Path, environ: dict[str, str]) -> None:
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[new_code_cell(source) for source in blocks("ipython")])
    executed(notebook, tmp_path, environ, timeout=SECONDS, allow_errors=True)
    connected, asked, mistaken = notebook.cells
    assert "Service   sandbox" in connected.outputs[0].text
    assert asked.outputs[-1].data["text/html"].count("<img") == 9
    [error] = mistaken.outputs
    [said] = blocks("text")
    assert "\n".join(error.traceback) == said


def test_the_python_examples_run_as_a_script(tmp_path: Path, environ: dict[str, str]) -> None:
    command = [sys.executable, "-c", "\n".join(blocks("python"))]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert {"grid.png", "report.html"} <= {path.name for path in tmp_path.iterdir()}


def test_it_says_how_many_models_have_no_seed() -> None:
    models = [model for model in map(bundled().__getitem__, bundled()) if model.category == "image"]
    without = [model for model in models if not any(is_seed(param.key) for param in model.params)]
    assert f"**{len(without)} of the {len(models)} documented image models take no seed" in " ".join(
        README.split()
    )
