"""One `%%rivya` cell of sixteen jobs of 3 s each: how long it takes, and how much the notebook grows.

    python benchmarks/sixteen_jobs.py

The cell runs in a real kernel against the sandbox (latency 3 s, 1K pictures). The physical limit is what a
client with the documented pace can reach at best: a task of 3 s is seen as finished at the second poll,
7.5 s after its submission. Time is given as a ratio to that, size in kB of the saved notebook.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from rivya_nb.jobs.pacing import FIRST, SECOND

CELL = "%%rivya seed=1..8 aspect_ratio=1:1,16:9 resolution=1K\nA glass bottle on a soft studio background"


def measure(folder: Path) -> tuple[float, int]:
    """Seconds that the cell took, and bytes that it added to the notebook."""
    os.environ.update(RIVYA_STORE=str(folder / "store"), RIVYA_BASE_URL="sandbox", RIVYA_SANDBOX_LATENCY="3")
    cells = ["%load_ext rivya_nb\n%rivya sandbox", CELL]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path = folder / "sixteen.ipynb"
    nbformat.write(notebook, path)
    before = path.stat().st_size
    client = NotebookClient(notebook, kernel_name="python3", timeout=120)
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        started = time.perf_counter()
        client.execute_cell(notebook.cells[1], 1)
        took = time.perf_counter() - started
    nbformat.write(notebook, path)
    return took, path.stat().st_size - before


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        took, grown = measure(Path(folder))
    limit = FIRST + SECOND
    print(f"done after {took:.1f} s, {took / limit:.2f} of the {limit:.1f} s that the pace allows; aim: 12 s")
    print(f"notebook grew by {grown / 1000:.0f} kB (aim: below 400 kB)")


if __name__ == "__main__":
    main()
