"""There is one schema: a store of an earlier development state is refused, and nothing of it is touched."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rivya_nb.errors import StoreError
from rivya_nb.store.backup import back_up
from rivya_nb.store.questions import Question
from rivya_nb.store.schema import VERSION
from rivya_nb.store.store import Store

from .filling import a_job, add

pytestmark = pytest.mark.sqlite

EARLIER = """
    CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
    CREATE TABLE jobs (number INTEGER PRIMARY KEY AUTOINCREMENT, id VARCHAR(64) NOT NULL UNIQUE, prompt TEXT);
    CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, axes TEXT NOT NULL);
    CREATE TABLE run_jobs (run_id INTEGER, position INTEGER, job_number INTEGER, coordinates TEXT, reused BOOLEAN);
    INSERT INTO runs VALUES (1, 'cats', '[]');
"""
"""What the tables of every development state had in common."""

REFUSED = (
    r"rivya\.db was written by an unreleased development state of rivya_nb, .* nothing was changed: move the "
    r"folder .* away, or name another one with store=…\.$"
)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(folder: Path, version: int) -> sqlite3.Connection:
    folder.mkdir()
    earlier = sqlite3.connect(folder / "rivya.db")
    earlier.execute("PRAGMA journal_mode = WAL")
    earlier.executescript(EARLIER)
    earlier.execute("INSERT INTO schema_version VALUES (?)", (version,))
    earlier.commit()
    return earlier


@pytest.fixture(params=[1, 2, 3])
def earlier(folder: Path, request: pytest.FixtureRequest) -> Path:
    make(folder, request.param).close()
    return folder


@pytest.fixture
def crashed(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """As a crash leaves a store: what was written last is beside the database's own file."""
    with closing(make(tmp_path / "used", 3)) as used:
        used.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        used.execute("INSERT INTO runs VALUES (2, 'dogs', '[]')")
        used.commit()
        folder.mkdir()
        for name in ("rivya.db", "rivya.db-wal"):
            (folder / name).write_bytes((tmp_path / "used" / name).read_bytes())
        yield folder


def test_a_store_of_a_development_state_is_refused_and_left_as_it_is(earlier: Path) -> None:
    before = content(earlier)
    with pytest.raises(StoreError, match=REFUSED):
        Store.open(earlier)
    assert content(earlier) == before
    assert [path.name for path in earlier.iterdir()] == ["rivya.db"]


def test_what_a_crash_left_beside_it_stays_too(crashed: Path) -> None:
    before = content(crashed)
    assert len(before["rivya.db-wal"]) > 0
    with pytest.raises(StoreError, match=REFUSED):
        Store.open(crashed)
    assert content(crashed) == before


def test_one_that_may_only_be_read_is_refused_too(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(earlier)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(StoreError, match=REFUSED):
        Store.open(earlier)
    assert content(earlier) == before


def test_no_backup_is_made_of_it(earlier: Path, tmp_path: Path) -> None:
    before = content(earlier)
    with pytest.raises(StoreError, match=REFUSED):
        back_up(earlier, tmp_path / "backup", lambda _done, _total: None)
    assert content(earlier) == before
    assert not (tmp_path / "backup").exists()


def test_a_column_that_is_missing_tells_a_development_state_too(folder: Path) -> None:
    Store.open(folder).close()
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("ALTER TABLE runs DROP COLUMN ask")
    before = content(folder)
    with pytest.raises(StoreError, match=REFUSED):
        Store.open(folder)
    assert content(folder) == before


def test_a_database_of_something_else_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("CREATE TABLE runs (id INTEGER)")
    before = content(folder)
    with pytest.raises(StoreError, match=r"rivya\.db is not a database of rivya_nb"):
        Store.open(folder)
    assert content(folder) == before


def test_a_store_says_of_itself_whose_it_is(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "rivya.db")) as other:
        assert other.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"RVYA", "big"),)
        assert other.execute("PRAGMA user_version").fetchone() == (VERSION,) == (1,)


def test_a_kernel_that_began_before_a_change_is_told_to_begin_anew(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "rivya.db")) as newer:
        newer.execute("ALTER TABLE jobs RENAME COLUMN prompt_id TO something_else")
        newer.commit()
    with pytest.raises(StoreError, match="a newer rivya_nb has changed it meanwhile; restart this kernel"):
        add(store, a_job())
    with pytest.raises(StoreError, match="restart this kernel"):
        store.count(Question(prompt="cat"))
