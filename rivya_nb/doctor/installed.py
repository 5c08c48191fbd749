"""Python, the package itself, and the packages that it and its extras need."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb._version import __version__
from rivya_nb.doctor.verdicts import Verdicts, note, ok, wrong

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OLDEST = (3, 10)
_NAME = "rivya-nb"
_OF_DEVELOPERS = ("dev", "test", "docs")


def python() -> Verdicts:
    """Whether this Python is new enough."""
    where = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST:
        yield wrong(
            f"{where} is too old; rivya_nb needs Python 3.10 or newer: make a new environment with it"
        )
    else:
        yield ok(where)


def package() -> Verdicts:
    """Whether the package is installed once, with what it needs."""
    folder = Path(__file__).parents[1]
    try:
        installed = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError:
        yield note(
            f"rivya_nb {__version__} is used from {folder}, and is not installed here: pip install rivya-nb"
        )
        return
    if installed.version != __version__:
        yield wrong(
            f"rivya_nb {__version__} is imported from {folder}, but pip has installed {installed.version}: remove "
            "one of them, and restart the kernel"
        )
    needed = _requirements(installed)
    unmet = [words for each in needed if (words := _unmet(each)) is not None]
    for words in unmet:
        yield wrong(words)
    if not unmet:
        yield ok(f"rivya_nb {__version__} in {folder}, and the {len(needed)} packages that it needs")


def extras() -> Verdicts:
    """Which extras are whole; a package of one that is too old is wrong, as it would be used all the same."""
    try:
        installed = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError:
        yield note("not known: rivya_nb is not installed here")
        return
    whole: list[str] = []
    missing: list[str] = []
    unfit: dict[str, None] = {}
    for extra in installed.metadata.get_all("Provides-Extra") or ():
        if extra in _OF_DEVELOPERS:
            continue
        unmet = {each.name: words for each in _requirements(installed, extra) if (words := _unmet(each))}
        unfit.update(dict.fromkeys(words for name, words in unmet.items() if _version(name) is not None))
        (missing if unmet else whole).append(extra)
    yield from map(wrong, unfit)
    others = f"; not installed: {', '.join(missing)} (pip install '{_NAME}[NAME]')" if missing else ""
    yield ok(f"{', '.join(whole) or 'none'}{others}")


def unmet_by(name: str) -> list[str]:
    """What does not fit of the packages that an installed package needs, in words with the way to mend it."""
    return [words for each in _requirements(metadata.distribution(name)) if (words := _unmet(each))]


def _requirements(installed: metadata.Distribution, extra: str = "") -> list[Requirement]:
    """What a package needs on this machine; or what its extra needs besides."""
    from packaging.requirements import Requirement

    def holds(requirement: Requirement, extra: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({"extra": extra})

    found = map(Requirement, installed.requires or ())
    return [each for each in found if holds(each, extra) and not (extra and holds(each, ""))]


def _unmet(requirement: Requirement) -> str | None:
    """What is wrong with a needed package, and how to mend it; None if it fits."""
    version = _version(requirement.name)
    if version is not None and requirement.specifier.contains(version, prereleases=True):
        return None
    asked = f"{requirement.name}{requirement.specifier}"
    there = (
        f"{requirement.name} is not installed" if version is None else f"{requirement.name} {version} is here"
    )
    return f"{there}, and {asked} is needed: pip install '{asked}'"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
