"""The notebooks, executed from the first cell to the last as a reader's *Run All* does it, with small pictures."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kernels import executed
from PIL import Image, ImageChops, ImageStat
from views.reading import read

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
SECONDS = 120


def surroundings(folder: Path) -> dict[str, str]:
    """An environment with a quick sandbox and a store of its own in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    own = {
        "IPYTHONDIR": str(folder / "ipython"),
        "RIVYA_STORE": str(folder / "store"),
        "RIVYA_SANDBOX_LATENCY": "0",
        # How much a picture moves is measured in some of them.
        "SHRINK_PICTURES": "4",
    }
    return {**inherited, **own}


def after_run(path: Path, folder: Path) -> NotebookNode:
    """The notebook with its outputs, after a run in `folder`, beside the tables that come with the notebooks."""
    import nbformat

    for table in path.parent.glob("*.csv"):
        shutil.copy(table, folder)
    return executed(nbformat.read(path, as_version=4), folder, surroundings(folder), timeout=SECONDS)


def asked_again(path: Path, folder: Path) -> NotebookNode:
    """The notebook up to its last question, after one more run in `folder`; what asks for seeds 1 to 4 asks for a
    fifth one at the end, in a cell that is called wider."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    asking = [number for number, cell in enumerate(notebook.cells) if cell.source.startswith("%%rivya")]
    notebook.cells = notebook.cells[: asking[-1] + 1]
    for cell in [notebook.cells[number] for number in asking]:
        if "seed=1..4" in cell.source:
            source = cell.source.replace("seed=1..4", "seed=1..5")
            notebook.cells.append(nbformat.v4.new_code_cell(source, id="wider"))
    return executed(notebook, folder, surroundings(folder), timeout=SECONDS)


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


def headings(notebook: NotebookNode, cell_id: str) -> tuple[list[str], list[str]]:
    """The headings of a cell's grids: of their rows, and of their columns."""
    tree = read(shown(notebook, cell_id, "text/html"))
    rows, columns = ([element.text for element in tree.all("th", scope=scope)] for scope in ("row", "col"))
    return rows, columns


def printed(notebook: NotebookNode, cell_id: str) -> str:
    [cell] = [cell for cell in notebook.cells if cell["id"] == cell_id]
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def pictures(notebook: NotebookNode, cell_id: str) -> list[Image.Image]:
    sources = [image.attributes["src"] for image in read(shown(notebook, cell_id, "text/html")).all("img")]
    data = (base64.b64decode(source.partition("base64,")[2]) for source in sources)
    return [Image.open(io.BytesIO(each)).convert("RGB").resize((64, 64)) for each in data]


def first_seeds(notebook: NotebookNode, folder: Path) -> None:
    rows, columns = headings(notebook, "bottles")
    assert headings(notebook, "turn") == (columns, rows)
    assert len(headings(notebook, "history")[0]) == 3
    dawn, dusk, *_ = pictures(notebook, "light")
    assert ImageStat.Stat(ImageChops.difference(dawn, dusk)).mean[0] > 10
    copies = [path.name for path in (folder / "pictures").glob("*.png")]
    assert printed(notebook, "save").startswith(f"{len(copies)} copies, the first of them ")
    assert {"grid.png", "report.html"} <= {path.name for path in folder.iterdir()}


def references(notebook: NotebookNode, folder: Path) -> None:
    choices = headings(notebook, "moods")[1]
    assert [text.removeprefix("references: ") for text in choices] == ["sketch", "with warm", "with cool"]
    _, warm, cool, *_ = pictures(notebook, "moods")
    assert ImageStat.Stat(ImageChops.difference(warm, cool)).mean[0] > 3
    without_place = "phone.jpg: turned upright, as JPEG, without the place where it was taken"
    assert without_place in shown(notebook, "dry", "text/plain")


def what_moves(notebook: NotebookNode, folder: Path) -> None:
    assert "144 credits · nothing is sent yet" in shown(notebook, "plan", "text/plain")
    assert len(headings(notebook, "study")[1]) == 2 * len(["1:1", "16:9"]), "one grid for each light"
    assert "Differences of 12 pictures" in shown(notebook, "differences", "text/plain")
    words = [line.split() for line in printed(notebook, "medians").splitlines()]
    structure = {name: float(number) for name, _, number, _, _ in words}
    colour = {name: float(number) for name, _, _, _, number in words}
    # The light turns the colours, the shape does the opposite, and a new seed does both.
    assert structure["light"] < structure["aspect_ratio"] < structure["seed"]
    assert colour["aspect_ratio"] < colour["seed"] < colour["light"]
    assert "1 of 1" in shown(notebook, "history", "text/plain")
    assert len(pictures(notebook, "vary")) == 2
    assert (folder / "what-moves-the-picture.html").is_file()


def panel(notebook: NotebookNode, folder: Path) -> None:
    rows, columns = headings(notebook, "bottles")
    assert headings(notebook, "grid") == (columns, rows)
    assert "1 of 1" in shown(notebook, "history", "text/plain")
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    view = "application/vnd.jupyter.widget-view+json"
    [model] = [output.data[view]["model_id"] for output in last.outputs if view in output.get("data", {})]
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    within, waiting = "", [model]
    while waiting:
        known = json.dumps(state[waiting.pop()]["state"])
        within += known
        waiting += re.findall(r'"IPY_MODEL_(\w+)"', known)
    assert "Generate" in within, "the notebook ends with a panel that is open"


def a_study(notebook: NotebookNode, folder: Path) -> None:
    plan = shown(notebook, "plan", "text/plain")
    assert "720 credits · nothing is sent yet" in plan
    assert "facts (not sent): id, category" in plan
    assert "the very same request" in shown(notebook, "floor", "text/plain")
    assert "lightness, sharpness: 144 pictures" in shown(notebook, "measure", "text/plain")
    # The sandbox was told to make seed 4 lighter, and the votes are for what is lighter.
    order = [
        line.split()[0] for line in shown(notebook, "rank", "text/plain").splitlines() if line[:1].isdigit()
    ]
    assert order[0] == "4"
    rows = [line.split() for line in shown(notebook, "effects", "text/plain").splitlines()]
    share = {
        row[0]: int(row[row.index("%") - 1]) for row in rows if "%" in row[1:6] and row[0] in ("the", "seed")
    }
    assert share["seed"] > 2 * share["the"], "the noise floor"
    whole, *categories = printed(notebook, "difference").splitlines()
    assert 0.04 < float(whole.split()[1]) < 0.08, "the sandbox was told 0.06"
    assert [line.split()[0] for line in categories] == ["animals", "things", "places"]
    assert "p =" in shown(notebook, "votes", "text/plain")
    assert "in 8 of 10 studies" in shown(notebook, "power", "text/plain")
    assert len(list((folder / "study").rglob("*.png"))) == 144
    assert "4 animals, 4 things, 4 places" in printed(notebook, "methods")


def moving(notebook: NotebookNode, folder: Path) -> None:
    assert "8 videos · 152 credits · nothing is sent yet" in shown(notebook, "price", "text/plain")
    rows, columns = headings(notebook, "moving")
    assert rows == ["veo3-1-lite", "happyhorse-1-0"]
    assert columns == [f"seed: {seed}" for seed in range(10001, 10005)]
    grid = read(shown(notebook, "moving", "text/html"))
    assert len(grid.all("img")) == len(grid.all("video")) == 8, "the grid plays"
    # A video's poster is near its beginning, where it is still the first frame.
    first = pictures(notebook, "first")[0]
    others = [
        ImageStat.Stat(ImageChops.difference(first, each)).mean for each in pictures(notebook, "stills")
    ]
    near = [ImageStat.Stat(ImageChops.difference(first, each)).mean for each in pictures(notebook, "moving")]
    assert max(map(sum, near)) < sorted(map(sum, others))[1]
    assert printed(notebook, "media").count(" s, ") == 8
    names = [path.name for path in (folder / "videos").iterdir()]
    copies = [name for name in names if f"{name}.json" in names]
    assert len(copies) == 8
    assert "veo3-1-lite, The flame flickers" in printed(notebook, "save")
    assert (folder / "moving.png").is_file()


CLAIMS: dict[str, Callable[[NotebookNode, Path], None]] = {
    "01_first_seeds": first_seeds,
    "02_references": references,
    "03_what_moves_the_picture": what_moves,
    "04_panel": panel,
    "05_a_study": a_study,
    "06_moving": moving,
}
"""What each notebook tells its reader, checked on the notebook as executed and on the folder it ran in."""


ASKED_AGAIN = ("01_first_seeds", "06_moving")
"""Plain seeds, and videos of a reference: what is asked for again costs nothing. All others with `--thorough`."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_does_what_it_says_and_costs_nothing_the_second_time(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first = after_run(path, tmp_path)
    asking = [
        cell for cell in first.cells if cell.source.startswith("%%rivya") and "--dry-run" not in cell.source
    ]
    assert asking
    for cell in asking:
        assert "<img" in shown(first, cell["id"], "text/html")
    CLAIMS[path.stem](first, tmp_path)
    if path.stem in ASKED_AGAIN or request.config.getoption("--thorough"):
        second = asked_again(path, tmp_path)
        for cell in asking:
            assert "from the history" in shown(second, cell["id"], "text/html")
        if path.stem == "01_first_seeds":
            assert "24 credits (8 from the history at no cost)" in shown(second, "wider", "text/plain")
