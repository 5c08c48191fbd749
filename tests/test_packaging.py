"""What is promised about the package itself: light to load, typed, and built in rooms that look down only."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
import tomli

import rivya_nb

IMPORT = "import sys, rivya_nb; print(*sys.modules)"

HEAVY = (
    "httpx",
    "PIL",
    "numpy",
    "skimage",
    "ipywidgets",
    "anywidget",
    "sqlalchemy",
    "jinja2",
    "keyring",
    "tomli",
    "tomlkit",
)

LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
before = set(sys.modules)
shell.run_line_magic("load_ext", "rivya_nb")
assert "rivya" in shell.magics_manager.magics["cell"]
print(*(set(sys.modules) - before))
"""

PACKAGE = Path(rivya_nb.__file__).parent

# From the top: a room may use those on later lines, and nothing of its own line but itself.
FLOORS = (
    ("cli",),
    ("asking_commands", "limit_commands", "sandbox_commands", "store_commands"),
    ("demo", "doctor", "magics"),
    ("control_panel",),
    ("calls",),
    ("arguments", "current"),
    ("session",),
    ("study",),
    ("widgets",),
    ("views",),
    ("measures",),
    ("jobs",),
    ("planning",),
    ("store", "api", "sandbox"),
    ("media",),
    ("imaging",),
    ("contract",),
    ("files", "spreadsheets"),
    ("errors", "imports", "printing", "typed", "_version"),
)
FACE = "__init__"


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("code", [IMPORT, LOAD], ids=["import", "load_ext"])
def test_loading_it_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code).intersection(HEAVY)


def test_a_store_in_a_folder_loads_nothing_of_a_server(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from rivya_nb.store.store import Store;"
        " Store.open(pathlib.Path(sys.argv[1])).close(); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    others = ("sqlalchemy.dialects.postgresql", "psycopg", "obstore")
    assert [name for name in done.stdout.split() if name.startswith(others)] == []


LIGHT = ("facts", "formats", "frames", "mpeg", "suffixes", "walking", "words")

PICTURES_ALONE = """
import sys
from pathlib import Path
import rivya_nb.jobs.collecting, rivya_nb.session.job, rivya_nb.views.run_html, rivya_nb.widgets.scene
from rivya_nb.api.inspection import inspect
from rivya_nb.store.thumbnails import BOX, decode
from PIL import Image
path = Path(sys.argv[1])
Image.new("RGB", (8, 8)).save(path)
assert inspect(path, BOX).mime_type == "image/png" and decode(path, BOX)
print(*(name for name in sys.modules if name.startswith("rivya_nb.media.")), *{"wave"} & set(sys.modules))
"""


def test_pictures_need_nothing_of_what_reads_videos_and_sounds(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PICTURES_ALONE, str(tmp_path / "a.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    light = {f"rivya_nb.media.{name}" for name in LIGHT}
    assert set(done.stdout.split()) <= light


def test_it_tells_type_checkers_that_it_is_typed() -> None:
    assert (files("rivya_nb") / "py.typed").is_file()


def test_every_public_name_is_there_and_is_what_type_checkers_are_told() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    told = {}
    for node in stub.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, (
                f"type checkers do not see {alias.name} without `as {alias.name}`"
            )
            told[alias.name] = getattr(import_module(f"rivya_nb.{node.module}"), alias.name)
    assert {name: getattr(rivya_nb, name) for name in dir(rivya_nb)} == told
    assert sorted(rivya_nb.__all__) == sorted(told)


def test_user_code_with_every_public_name_is_checked_by_type_checkers() -> None:
    used = (Path(__file__).parent / "typing" / "usage.py").read_text(encoding="utf-8")
    assert [name for name in rivya_nb.__all__ if f"rv.{name}" not in used] == []


def test_type_checkers_know_the_params_of_every_model() -> None:
    tool = Path(__file__).parent.parent / "tools" / "param_types.py"
    made = runpy.run_path(str(tool))
    assert made["TARGET"].read_text(encoding="utf-8") == made["text"](), f"run python {tool}"


def test_a_release_is_held_to_its_version_changelog_and_tables() -> None:
    found = runpy.run_path(str(Path(__file__).parent.parent / "tools" / "check_release.py"))["obstacles"]
    assert any(said.startswith("the tag is v9.9.9, and") for said in found("v9.9.9"))
    assert not any(said.startswith("the tag") for said in found(f"v{rivya_nb.__version__}"))
    assert any("such as docs/" in said for said in found("v9.9.9")) == ("](docs/" in _text("README.md"))


def test_a_source_distribution_takes_nothing_of_an_environment_in_the_checkout() -> None:
    taken = tomli.loads(_text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [name for name in taken if not name.startswith("/")] == []


def _text(name: str) -> str:
    return (Path(__file__).parent.parent / name).read_text(encoding="utf-8")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else FACE


def imports_of(path: Path) -> Iterator[str]:
    """Every module of the package that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides which room it enters"
            names = [node.module or ""]
            if node.module == "rivya_nb":
                names = [f"rivya_nb.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "rivya_nb")


def test_rooms_look_down_only() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    offences = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == FACE:
            continue
        for module in imports_of(path):
            used = room_of(module)
            assert floor.keys() >= {room, used}, f"give {room} and {used} their places in FLOORS"
            if used != room and floor[used] <= floor[room]:
                offences.append(f"{path.relative_to(PACKAGE)} uses {module}")
    assert offences == []
