"""The commands of `rivya-nb` that need no key and no network: `demo`, `lab` and `sandbox`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import RivyaError
from rivya_nb.sandbox import flags

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from rivya_nb.demo import DemoResult

FIRST_NOTEBOOK = "01_first_seeds.ipynb"

_SANDBOX_PARTS = ("fastapi", "uvicorn", "python_multipart")
_DEMO_PARTS = (*_SANDBOX_PARTS, "nbclient", "nbformat", "ipykernel")
_LAB_PARTS = (*_SANDBOX_PARTS, "jupyterlab")


class CommandError(RivyaError):
    """A command cannot run on this machine."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add these commands to the parser's."""
    _add_demo(commands)
    _add_lab(commands)
    _add_sandbox(commands)


def _add_demo(commands: _SubParsersAction[ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo",
        help="execute the first notebook and leave its pictures, grid and report in a folder",
        description=f"Executes {FIRST_NOTEBOOK} in a real kernel against the sandbox.",
    )
    demo.add_argument("--folder", type=Path, default=Path("rivya-demo"), help="default: %(default)s")
    demo.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    _require("demo", "lab", _DEMO_PARTS)
    folder = _made(options.folder)
    print(f"{FIRST_NOTEBOOK} on the sandbox, in {folder}: drawn pictures, play money, no key.", flush=True)
    from rivya_nb.demo import run_demo

    result = run_demo(_notebooks() / FIRST_NOTEBOOK, folder, _environment(folder / "store"), sys.stdout)
    print(_summary(result, folder))
    return 0


_LISTS = (".csv", ".json")
"""The suffixes of what `Run.save` writes beside the pictures."""


def _summary(result: DemoResult, folder: Path) -> str:
    copies = sum(1 for path in (folder / "pictures").iterdir() if path.suffix not in _LISTS)
    seeds = ", ".join(str(seed) for seed in result.seeds)
    rows = [
        (result.notebook, "the notebook with its outputs"),
        (folder / "report.html", "pictures, params and prices; opens in any browser"),
        (folder / "grid.png", "the grid as one picture"),
        (folder / "pictures", f"{copies} copies, each with its request inside"),
    ]
    if not result.new_jobs:
        spent = "nothing was spent: every picture came from the history"
    else:
        spent = f"{result.credits} of the sandbox's credits spent"
    width = max(len(str(path)) for path, _ in rows)
    lines = [f"  {path!s:{width}}  {what}" for path, what in rows]
    return "\n".join(["", f"{result.pictures} pictures, seeds {seeds}; {spent}.", *lines])


def _add_lab(commands: _SubParsersAction[ArgumentParser]) -> None:
    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on copies of the notebooks, with the sandbox configured",
        description="Copies the notebooks to a folder, keeps those that are already there, and opens JupyterLab.",
        usage="rivya-nb lab [-h] [--folder FOLDER] [-- JUPYTER_ARGUMENT ...]",
    )
    lab.add_argument("--folder", type=Path, default=Path("rivya-lab"), help="default: %(default)s")
    lab.set_defaults(command=_lab)


def _lab(options: argparse.Namespace) -> int:
    _require("lab", "lab", _LAB_PARTS)
    folder = _made(options.folder)
    # The tables of a notebook lie beside it.
    for pattern in ("*.ipynb", "*.csv"):
        for file in sorted(_notebooks().glob(pattern)):
            if not (folder / file.name).exists():
                shutil.copyfile(file, folder / file.name)
    print(f"JupyterLab on {folder}, with the sandbox configured.", flush=True)
    if find_spec("skimage") is None:
        print("Notebooks 03 and 05 measure pictures: pip install 'rivya-nb[analysis]' for them.", flush=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder / FIRST_NOTEBOOK), *options.rest]
    os.chdir(folder)
    os.execve(sys.executable, command, _environment(folder / "store"))  # noqa: S606 - our own interpreter


def _add_sandbox(commands: _SubParsersAction[ArgumentParser]) -> None:
    sandbox = commands.add_parser(
        "sandbox",
        help="run the sandbox alone, for any client, until Ctrl-C",
        description="Runs the documented API on a loopback port, with drawn pictures.",
    )
    sandbox.add_argument("--port", type=int, default=8765, help="0: any free one; default: %(default)s")
    sandbox.add_argument(
        "--folder", type=Path, help="where tasks, credits and pictures are kept; default: a temporary folder"
    )
    flags.add_flags(sandbox)
    sandbox.set_defaults(command=_sandbox)


def _sandbox(options: argparse.Namespace) -> int:
    _require("sandbox", "sandbox", _SANDBOX_PARTS)
    from rivya_nb.sandbox.server import serve

    folder = options.folder and _made(options.folder)
    try:
        serve(flags.config(options), port=options.port, folder=folder, on_ready=_announce)
    except BrokenPipeError:
        raise
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"The sandbox cannot use port {options.port}: {error}; --port 0 takes any free one"
        ) from None
    return 0


def _announce(url: str) -> None:
    from rivya_nb.sandbox.keys import DEFAULT_KEY

    body = '{"model": "wan-2-7-image-pro", "prompt": "A glass bottle", "params": {"seed": 1}}'
    print(
        f"The sandbox serves {url} until Ctrl-C.\n"
        f"Its key is {DEFAULT_KEY}: public, good for this sandbox and for nothing else.\n\n"
        f"  curl {url}/api/v1/generations \\\n"
        f"    -H 'Authorization: Bearer {DEFAULT_KEY}' -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'\n\n"
        f"Its API is described at {url}/api/v1/openapi.json",
        flush=True,
    )


def _made(folder: Path) -> Path:
    """Create the folder if necessary, and return its absolute path."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not by its rights alone: a disk may be mounted for reading.
        with tempfile.TemporaryFile(dir=folder):
            pass
        return folder.absolute()
    except OSError as error:
        raise CommandError(
            f"The folder {folder} cannot be made or written: {error.strerror}. Name another one with --folder."
        ) from None


def _require(command: str, extra: str, modules: Sequence[str]) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise CommandError(
            f"`rivya-nb {command}` needs packages that are not installed here ({', '.join(missing)}): "
            f"pip install 'rivya-nb[{extra}]'"
        )


def _notebooks() -> Path:
    """The folder of the notebooks: in the installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _environment(store: Path) -> Mapping[str, str]:
    """This process' environment for the sandbox: without the key, and with the given store alone."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("RIVYA_API_KEY", "RIVYA_PICTURES")
    }
    return {**inherited, "RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": str(store)}
