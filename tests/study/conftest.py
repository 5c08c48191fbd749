"""What tests of several parts of a study have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rivya_nb.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store")
    yield store
    store.close()
