"""Says what stands in the way of a release, before anything is built; the workflow of releases begins with it:

    python tools/check_release.py v0.1.0

It prints a line for each thing, and ends with 1 if there is any. CONTRIBUTING.md tells the steps.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tomli

ROOT = Path(__file__).parent.parent
SOURCE = "Source"
"""The project URL that has to name the repository: the published page links to nothing else."""


def obstacles(tag: str) -> Iterator[str]:
    """What has to be done before this tag can be released."""
    version = _found(r'__version__ = "(.+)"', "rivya_nb/_version.py")
    if tag != f"v{version}":
        yield f"the tag is {tag}, and rivya_nb/_version.py says {version}: tag v{version}, or change the version"
    if not re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", _text("CHANGELOG.md"), re.MULTILINE
    ):
        yield f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`"
    tables = _found(r"^VERSION = (\d+)$", "rivya_nb/store/schema.py")
    if not (ROOT / "tests" / "store" / "released" / f"{tables}.sqlite.sql").exists():
        yield f"the tables of version {tables} are not written down: python tests/store/released.py"
    urls = tomli.loads(_text("pyproject.toml"))["project"].get("urls", {})
    if SOURCE not in urls:
        yield f'pyproject.toml has no {SOURCE} = "https://…" in [project.urls]: the address of the repository'
    relative = re.findall(r"\]\((?!https://|#)([^)]+)\)", _text("README.md"))
    if relative:
        yield (
            f"README.md has {len(relative)} relative links and pictures, such as {relative[0]}: on the index's "
            "page they lead nowhere; give them whole addresses"
        )


def _found(pattern: str, file: str) -> str:
    found = re.search(pattern, _text(file), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{file} has nothing like {pattern}")
    return found[1]


def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


if __name__ == "__main__":
    found = list(obstacles(sys.argv[1]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
