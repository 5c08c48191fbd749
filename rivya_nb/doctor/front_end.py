"""The kernel, and the widgets of the Jupyter that shows it, which may live in another environment."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from rivya_nb.doctor.installed import unmet_by
from rivya_nb.doctor.verdicts import Verdict, Verdicts, note, ok, wrong

OLDEST_KERNEL = (6, 29)

_PROGRAMS = ("jupyter-lab", "jupyter-notebook")
_EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "ipywidgets", "anywidget": "anywidget"}
"""The parts of a front end without which widgets are not shown, by the package that brings each."""

_INSTALL = f"{sys.executable} -m ipykernel install --sys-prefix"


def kernel() -> Verdicts:
    """Whether a notebook's kernel starts this very Python."""
    try:
        version = metadata.version("ipykernel")
    except metadata.PackageNotFoundError:
        yield note(
            "ipykernel is not installed here, so that no notebook can use this Python: pip install ipykernel"
        )
        return
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_KERNEL:
        yield wrong(f"ipykernel {version} is older than what is tested: pip install 'ipykernel>=6.29'")
    else:
        yield ok(f"ipykernel {version}")
    yield _kernel_spec()


def _kernel_spec() -> Verdict:
    """Whether an installed kernel is this Python; notebooks ask for `python3` if they ask for none."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    starting = {}
    for name, folder in manager.find_kernel_specs().items():
        try:
            starting[name] = manager.get_kernel_spec(name).argv
        except Exception as error:  # whatever is wrong with somebody's file
            if name == "python3":
                return wrong(f"the kernel python3 in {folder} cannot be read ({error}): {_INSTALL}")
    here = [name for name, argv in starting.items() if _is_here(argv)]
    argv = starting.get("python3", [])
    program = argv[0] if argv else ""
    if "python3" in here or (here and shutil.which(program)):
        others = (
            ""
            if "python3" in here
            else f"; python3 starts {program}, so choose the first one in the notebook"
        )
        return ok(f"the kernel {here[0] if 'python3' not in here else 'python3'} starts this Python{others}")
    if not argv:
        return wrong(f"no kernel starts this Python: {_INSTALL}")
    folder = manager.find_kernel_specs()["python3"]
    if not shutil.which(program):
        return wrong(
            f"the kernel python3 in {folder} starts {program}, which is not there: {_INSTALL} --name here"
        )
    return wrong(
        f"the kernel python3 in {folder} starts {program}, and no kernel starts this Python: {_INSTALL} "
        "--name here, and choose it in the notebook"
    )


def _is_here(argv: list[str]) -> bool:
    """Whether a kernel's command starts this Python. Jupyter takes a bare name for its own."""
    if not argv or "ipykernel" not in " ".join(argv):
        return False
    program = Path(argv[0])
    return program.parent == Path() or program.parent == Path(sys.executable).parent


def widgets() -> Verdicts:
    """Whether widgets fit each other, and are known to the Jupyter that is here or on the PATH."""
    versions = []
    for name in ("ipywidgets", "anywidget", "jupyterlab_widgets"):
        try:
            versions.append(f"{name} {metadata.version(name)}")
            unmet = unmet_by(name)
        except metadata.PackageNotFoundError:
            unmet = [f"{name} is not installed: pip install {name}"]
        yield from map(wrong, unmet)
    if len(versions) == 3:
        yield ok(", ".join(versions))
    yield from _shown_by()


def _shown_by() -> Iterator[Verdict]:
    programs = {found for name in _PROGRAMS if (found := _front_end(name)) is not None}
    environments = {program.parent.parent: program for program in programs}
    if not environments:
        yield note("no JupyterLab or Notebook is here or on the PATH: pip install 'rivya-nb[lab]'")
    for environment, program in environments.items():
        lacking = sorted(
            package
            for extension, package in _EXTENSIONS.items()
            if not any(
                (folder / extension / "package.json").is_file() for folder in _extension_folders(environment)
            )
        )
        is_here = environment == Path(sys.prefix)
        where = "here" if is_here else f"at {program}, in another environment than this Python"
        if lacking:
            names = " ".join(lacking)
            python = sys.executable if is_here else environment / Path(sys.executable).relative_to(sys.prefix)
            yield wrong(
                f"Jupyter {where} cannot show widgets, as it has no {' and '.join(lacking)}: "
                f"{python} -m pip install {names}, and load the page anew"
            )
        else:
            yield ok(f"Jupyter {where} can show them")


def _front_end(name: str) -> Path | None:
    """The program of a front end: this environment's, else that of the PATH."""
    beside = Path(sys.executable).parent / (f"{name}.exe" if os.name == "nt" else name)
    if beside.is_file():
        return beside
    found = shutil.which(name)
    return None if found is None else Path(os.path.realpath(found))


def _extension_folders(environment: Path) -> list[Path]:
    from jupyter_core.paths import ENV_JUPYTER_PATH, jupyter_path

    own = [str(Path(each)) for each in ENV_JUPYTER_PATH]
    shared = [Path(each) / "labextensions" for each in jupyter_path() if each not in own]
    return [environment / "share" / "jupyter" / "labextensions", *shared]
