"""A place for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rivya_nb.sandbox.config import SandboxConfig

from .place import PATIENT, STEP, Place, place_at
from .proxy import SILENT


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with place_at(tmp_path, step=STEP if _is_silent(request) else PATIENT) as made:
        yield made


@pytest.fixture
def patient_place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place where a fault strikes one call, and the next has more time: a busy machine is slow, too."""
    with place_at(tmp_path, step=3 * STEP if _is_silent(request) else PATIENT) as made:
        yield made


@pytest.fixture
def limited_place(tmp_path: Path) -> Iterator[Callable[[SandboxConfig], Place]]:
    """`limited_place(config)`: a place whose service does as it is configured."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(place_at(tmp_path, config, step=PATIENT))


def _is_silent(request: pytest.FixtureRequest) -> bool:
    params = request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()
    return any(getattr(param, "spoil", param) in SILENT for param in params)
