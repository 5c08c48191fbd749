"""A real store in a temporary folder, and short ways to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import PostgresqlServer

from rivya_nb.store.store import Store

from .processes import start

__all__ = ["start"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a name that is awkward in a URL."""
    return tmp_path / "a store ?#% ภาพ"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        kinds = ["sqlite"] if metafunc.definition.get_closest_marker("sqlite") else ["sqlite", "postgresql"]
        metafunc.parametrize("store", kinds, indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store, of each kind in turn; with the mark `sqlite`, of that one alone."""
    if request.param == "sqlite":
        store = Store.open(request.getfixturevalue("folder"))
        yield store
        store.close()
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    address = server.new_store()
    store = Store.open(address)
    yield store
    store.close()
    server.drop(address)
