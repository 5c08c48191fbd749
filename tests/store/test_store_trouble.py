"""A store that cannot be used says why, and what is there stays as it is."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rivya_nb.errors import StoreError
from rivya_nb.store import sqlite_database
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import a_job, add, done, open_without_rights
from .limits import no_file_grows_beyond
from .processes import Start, told

pytestmark = pytest.mark.sqlite


def test_a_newer_store_is_refused_and_left_alone(folder: Path) -> None:
    Store.open(folder).close()
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("PRAGMA user_version = 99")
        other.execute("ALTER TABLE runs RENAME COLUMN ask TO question")
        other.commit()
    before = (folder / "rivya.db").read_bytes()
    with pytest.raises(StoreError, match=r"rivya\.db was written by a newer rivya_nb \(version 99"):
        Store.open(folder)
    assert (folder / "rivya.db").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database, but somebody's diary " * 50, b"SQLite format 3\0" + b"\xff" * 9999]
)
def test_a_damaged_database_is_refused_and_never_overwritten(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "rivya.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"rivya\.db: it is damaged"):
        Store.open(folder)
    assert (folder / "rivya.db").read_bytes() == content


def test_a_database_damaged_in_the_middle_says_so_when_it_is_read(folder: Path) -> None:
    store = Store.open(folder)
    for _ in range(30):
        add(store, *[done("a long prompt " * 50) for _ in range(10)])
    store.close()
    path = folder / "rivya.db"
    content = bytearray(path.read_bytes())
    # Behind the pages of the tables' own descriptions.
    content[100 * 4096 : 240 * 4096] = b"\x5a" * (140 * 4096)
    path.write_bytes(content)
    store = Store.open(folder)
    with pytest.raises(StoreError, match="damaged"):
        store.history(Question())
    store.close()
    assert path.read_bytes() == bytes(content)


def test_a_database_with_damaged_descriptions_of_its_tables_is_told_in_a_sentence(folder: Path) -> None:
    Store.open(folder).close()
    path = folder / "rivya.db"
    # SQLite repeats these bytes, which are no text.
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE runs", b"CREATE \xc5ABLE runs"))
    with pytest.raises(StoreError, match=r"rivya\.db: it is damaged"):
        Store.open(folder)


def test_a_text_that_is_damaged_is_told_in_a_sentence(folder: Path) -> None:
    store = Store.open(folder)
    add(store, done("a long prompt"))
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("UPDATE jobs SET prompt = CAST(x'c5c5' AS TEXT)")
        other.commit()
    with pytest.raises(StoreError, match=r"rivya\.db: it is damaged"):
        store.history(Question())
    store.close()


def test_the_database_of_something_else_is_refused(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = (folder / "rivya.db").read_bytes()
    with pytest.raises(StoreError, match="not a database of rivya_nb"):
        Store.open(folder)
    assert (folder / "rivya.db").read_bytes() == before


def test_an_empty_file_of_a_process_that_died_while_creating_it_becomes_a_store(folder: Path) -> None:
    folder.mkdir()
    (folder / "rivya.db").touch()
    with closing(Store.open(folder)) as store:
        job = a_job()
        add(store, job)
        assert [each.id for each in store.unfinished()] == [job.id]


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match="store: there is a file where a folder should be"):
        Store.open(tmp_path / "store")
    with pytest.raises(StoreError, match="there is a file where a folder should be"):
        Store.open(tmp_path / "store" / "below")
    assert (tmp_path / "store").read_text() == "a file"


@pytest.mark.parametrize("name", ["pictures", "incoming", "locks"])
def test_a_file_in_the_place_of_a_folder_of_the_store_is_named(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / name).write_text("a file")
    with pytest.raises(StoreError, match=f"{name}: there is a file where a folder should be"):
        Store.open(folder)


def test_a_folder_in_the_databases_place_is_named(folder: Path) -> None:
    (folder / "rivya.db").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"rivya\.db: it cannot be opened"):
        Store.open(folder)


def test_a_store_that_another_program_keeps_locked_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.1)
    store = Store.open(folder)
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is using it"):
            add(store, a_job())
        assert store.runs.newest() == []
    add(store, a_job())
    store.close()


def test_a_disk_that_takes_no_more_loses_nothing_and_leaves_no_half_run_or_picture(store: Store) -> None:
    kept = done()
    add(store, kept)
    sha256 = store.files.put(b"small", "image/png")
    with no_file_grows_beyond(300_000):
        with pytest.raises(StoreError):
            add(store, *[a_job("a prompt " * 500) for _ in range(100)])
        with pytest.raises(StoreError):
            store.files.put(b"big" * 200_000, "image/png")
    assert [run.id for run in store.runs.newest()] == [1]
    assert store.files.read(sha256, "image/png") == b"small"
    assert len([path for path in store.files.folder.rglob("*") if path.is_file()]) == 1
    add(store, a_job("a prompt " * 500))
    assert len(store.runs.newest()) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such rights")
def test_an_empty_folder_that_may_not_be_written_is_named_and_left_alone(start: Start) -> None:
    # Not below pytest's folder, which nobody else may enter.
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "store")
        folder.mkdir()
        Path(temporary).chmod(0o755)
        folder.chmod(0o555)
        _, pipe = start(open_without_rights, folder)
        said = told(pipe)
        assert str(folder) in said
        assert re.search("may not be written|cannot be opened", said)
        assert list(folder.iterdir()) == []
        folder.chmod(0o755)
