"""The page about places: its table has every variable of the environment that the package reads."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rivya_nb.api import caps
from rivya_nb.jobs.runner import MOST_JOBS
from rivya_nb.sandbox import flags
from rivya_nb.store.picture_cache import DEFAULT_GB

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "places.md").read_text(encoding="utf-8")
TABLE = dict(re.findall(r"^\| `(RIVYA_\w+)` \|.*\| (.*) \|$", PAGE, re.MULTILINE))
"""The variables of the page, and what it says that holds where they are not set."""


def test_every_variable_is_in_the_table_and_no_other() -> None:
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "rivya_nb").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"RIVYA_[A-Z_]*[A-Z]\b(?!_)", text)}
    made = {f"RIVYA_MAX_{medium.upper()}_{unit}" for medium, unit in caps._DEFAULTS}
    assert TABLE.keys() == named | made | _of_the_sandbox().keys()


def _of_the_sandbox() -> dict[str, object]:
    """The sandbox's variables, with what holds where they are not set."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser)
    told = {action.dest: re.search(r"RIVYA_SANDBOX_\w+", action.help or "") for action in parser._actions}
    return {found[0]: parser.get_default(name) for name, found in told.items() if found}


def test_what_holds_without_them_is_what_the_code_has() -> None:
    expected: dict[str, object] = {
        f"RIVYA_MAX_{medium.upper()}_{unit}": most for (medium, unit), most in caps._DEFAULTS.items()
    }
    expected |= {name: value for name, value in _of_the_sandbox().items() if value not in (None, "")}
    expected |= {"RIVYA_MAX_PARALLEL": MOST_JOBS, "RIVYA_PICTURES_CACHE_GB": DEFAULT_GB}
    assert {name: float(TABLE[name].strip("`")) for name in expected} == {
        name: float(str(value)) for name, value in expected.items()
    }
