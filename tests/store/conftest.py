"""A real store in a temporary folder, and short ways to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rivya_nb.store.store import Store

from .processes import start

__all__ = ["start"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a name that is awkward in a URL."""
    return tmp_path / "a store ?#% ภาพ"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    store = Store.open(folder)
    yield store
    store.close()
