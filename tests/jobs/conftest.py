"""What several tests of the jobs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from rivya_nb.store.store import Store


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that stays empty: other programs' pictures are unknown to it."""
    with closing(Store.open(tmp_path_factory.mktemp("empty") / "store")) as opened:
        yield opened
