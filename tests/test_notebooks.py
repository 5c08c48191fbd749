"""The notebooks, executed from the first cell to the last as a reader's *Run All* does it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kernels import executed

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
SECONDS = 120

TOLD = {
    "02_references": {
        "dry": "phone.jpg: turned upright, as JPEG, without the place where it was taken",
    },
    "04_panel": {
        "panel": "<Panel 'main' with sandbox>",
    },
    "03_what_moves_the_picture": {
        "plan": "144 credits · nothing is sent yet",
        "differences": "Differences of 12 pictures",
        "history": "1 of 1",
    },
}
"""What cells say beside their pictures, by notebook and cell."""


def after_run(path: Path, folder: Path) -> NotebookNode:
    """The notebook with its outputs, after a run in `folder` on a quick sandbox with a store of its own."""
    import nbformat

    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    own = {
        "IPYTHONDIR": str(folder / "ipython"),
        "RIVYA_STORE": str(folder / "store"),
        "RIVYA_SANDBOX_LATENCY": "0",
    }
    return executed(nbformat.read(path, as_version=4), folder, {**inherited, **own}, timeout=SECONDS)


def shown(notebook: NotebookNode, cell_id: str, mime_type: str) -> str:
    """What a cell shows in a MIME type, put together."""
    [cell] = [cell for cell in notebook.cells if cell["id"] == cell_id]
    return "".join(output.data.get(mime_type, "") for output in cell.outputs if "data" in output)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_outputs_and_is_as_editors_save_it(path: Path) -> None:
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert cell["id"]
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_costs_nothing_the_second_time(path: Path, tmp_path: Path) -> None:
    first, second = after_run(path, tmp_path), after_run(path, tmp_path)
    asking = [cell for cell in first.cells if cell.source.startswith("%%rivya")]
    assert asking
    for cell in asking:
        if "--dry-run" not in cell.source:
            assert "<img" in shown(first, cell["id"], "text/html")
            assert "from the history" in shown(second, cell["id"], "text/html")
    for cell_id, words in TOLD.get(path.stem, {}).items():
        assert words in shown(first, cell_id, "text/plain")
