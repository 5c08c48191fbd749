"""The environment of a row: its packages, the product's wheel, a fresh home and a sandbox to ask."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache" / "rivya-front-ends"
LATENCY = 3
"""Seconds that the sandbox takes for a picture: long enough to look at a run while it works."""
CREDITS = 100_000
COMMON = ("rivya-nb", "ipython", "ipykernel", "ipywidgets", "anywidget")
"""Whose versions every row tells."""

VERSIONS = """import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))"""


def uv(*arguments: str | Path) -> None:
    """Run uv; what it says is shown only where it fails."""
    done = subprocess.run([shutil.which("uv") or "uv", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(map(str, arguments))}\n{done.stderr}")


@cache
def _built() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="wheel-")
    uv("build", "--quiet", "--wheel", "--out-dir", folder.name, ROOT)
    return folder


def wheel() -> Path:
    """The checkout's wheel, built once; it is there until this process ends."""
    return next(Path(_built().name).glob("*.whl"))


@dataclass(frozen=True)
class Environment:
    """An installed Python with a front end and the product."""

    folder: Path
    packages: tuple[str, ...]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def script(self, name: str) -> str:
        """The path of a command that a package has installed."""
        return str(self.folder / "bin" / name)

    def versions(self) -> dict[str, str]:
        """The versions of Python and of what the row is about."""
        names = [re.split(r"[\[<>=!~ ]", each)[0] for each in self.packages]
        done = subprocess.run(
            [self.python, "-c", VERSIONS, *dict.fromkeys([*names, *COMMON])],
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, str] = json.loads(done.stdout)
        return found


def installed(
    key: str, packages: Sequence[str], *, python: str = "3.12", pre: bool = False, extras: str = ""
) -> Environment:
    """The environment of a row, made if it is not there, with the wheel as it is now."""
    folder = CACHE / key
    # What was installed last time may be older than what the index has now.
    shutil.rmtree(folder, ignore_errors=True)
    uv("venv", "--quiet", "--python", python, folder)
    early = ["--prerelease", "allow"] if pre else []
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        folder,
        *early,
        *packages,
        f"rivya-nb{extras} @ file://{wheel()}",
    )
    return Environment(folder, tuple(packages))


@contextmanager
def sandbox(latency: float = LATENCY) -> Iterator[str]:
    """The url of a sandbox of this checkout, for as long as the block. A picture takes `latency` seconds."""
    start = "from rivya_nb.cli import main; main()"
    command = [
        sys.executable,
        "-uc",
        start,
        "sandbox",
        "--port=0",
        f"--latency={latency}",
        f"--credits={CREDITS}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*command, f"--folder={folder}"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://\S+", said)
            if found is None:
                raise RuntimeError(f"the sandbox said {said!r}")
            yield found[0]
        finally:
            process.terminate()
            process.wait()


def variables(environment: Environment, home: Path, url: str) -> dict[str, str]:
    """The environment variables of a row: nothing of this machine's own settings, and the sandbox to ask."""
    foreign = ("RIVYA_", "JUPYTER_", "IPYTHON", "PYTHON", "XDG_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # The news extension opens a dialog over the first notebook.
    silent = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    settings = home / "jupyter" / "labconfig"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "page_config.json").write_text(json.dumps(silent))
    return {
        **kept,
        "PATH": f"{environment.folder / 'bin'}{os.pathsep}{kept['PATH']}",
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "RIVYA_BASE_URL": url,
        "RIVYA_API_KEY": "rvya_sk_sandbox",
        "RIVYA_STORE": str(home / "store"),
    }
