"""A place for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import Place, place_at


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_at(tmp_path) as made:
        yield made
