from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY

WAIT = 60.0


@pytest.fixture(scope="package")
def url() -> Iterator[str]:
    with running_sandbox() as address:
        yield address


@pytest.fixture
def session(url: str, tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as connected:
        yield connected


def until(holds: Callable[[], object]) -> None:
    """Wait for a condition: what a panel does, it does in the background."""
    deadline = monotonic() + WAIT
    while not holds():
        assert monotonic() < deadline, "it never came to be"
        sleep(0.01)
