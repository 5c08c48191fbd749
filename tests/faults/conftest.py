"""A place for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import PATIENT, STEP, Place, place_at
from .proxy import SILENT


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    params = request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()
    silent = any(getattr(param, "spoil", param) in SILENT for param in params)
    with place_at(tmp_path, step=STEP if silent else PATIENT) as made:
        yield made
