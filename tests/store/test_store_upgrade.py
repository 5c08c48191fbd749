"""A store that version 1 wrote becomes one of today, whole, whoever opens it first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError
from rivya_nb.store.records import Marks, Question
from rivya_nb.store.store import Store

from .filling import PICTURE, a_job, add, done, ids, open_and_tell
from .limits import no_file_grows_beyond
from .processes import Start, told

VERSION_1 = (Path(__file__).parent / "version_1.sql").read_text(encoding="utf-8")
"""What the tables of version 1 were. That version is out, so this never changes."""

JOBS = """
    INSERT INTO jobs (number, id, service, model, prompt, prompt_words, params, "references", identity, seed,
        status, created_at, final_credits)
    VALUES (?, ?, 'sandbox', 'wan', ?, ?, '{"seed":7}', ?, ?, '7', ?, ?, 12)
"""
REFERENCE = '[{"sha256":"ef","kind":"image","mime_type":"image/png","name":"a.png","size":3}]'


@pytest.fixture
def old(folder: Path) -> Path:
    """A database of version 1: a failed job, and two with pictures and the same prompt."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "rivya.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.executescript(VERSION_1)
        other.execute("INSERT INTO schema_version VALUES (1)")
        for number, status in enumerate(("succeeded", "failed", "succeeded"), start=1):
            row = (number, f"job{number}", "Eine KATZE", "eine katze", REFERENCE, f"identity{number}", status)
            other.execute(JOBS, (*row, 1000.0 + number))
            other.execute("INSERT INTO job_params VALUES (?, 'seed', '7')", (number,))
            other.execute("INSERT INTO run_jobs VALUES (1, ?, ?, '[0]', 0)", (number, number))
        other.execute("INSERT INTO runs VALUES (1, 'cats', 'sandbox', 1000.0, '[]')")
        for number in (1, 3):
            picture = (number, PICTURE.sha256, PICTURE.mime_type, PICTURE.width, PICTURE.height, PICTURE.size)
            other.execute("INSERT INTO pictures VALUES (?, 0, ?, ?, ?, ?, ?)", picture)
        other.execute("INSERT INTO uploads VALUES ('sandbox', 'wan', 'ef', 'http://u', 1.0, NULL, NULL)")
        other.commit()
    return folder


@pytest.fixture
def upgraded(old: Path) -> Iterator[Store]:
    store = Store.open(old)
    yield store
    store.close()


def shape(path: Path) -> dict[str, Any]:
    """Tables with their columns, indexes with theirs, and the names of triggers."""
    with closing(sqlite3.connect(path)) as other:
        found = other.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        ).fetchall()
        shapes: dict[str, Any] = {}
        for kind, name, sql in found:
            if kind == "table" and not name.startswith("prompt_index"):
                columns = other.execute(
                    f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')"
                )
                shapes[name] = sorted(columns.fetchall())
                keys = other.execute(f"SELECT * FROM pragma_foreign_key_list('{name}')").fetchall()
                shapes[f"{name} points at"] = sorted(key[2:] for key in keys)
            elif kind == "index":
                columns = other.execute(f"SELECT name FROM pragma_index_info('{name}')")
                shapes[name] = (columns.fetchall(), sql.partition("WHERE")[2].strip())
            else:
                shapes[name] = kind
        return shapes


def test_nothing_of_an_old_store_is_lost_and_all_of_it_is_found(upgraded: Store) -> None:
    first, failed, last = upgraded.jobs(["job1", "job2", "job3"]).values()
    assert (first.prompt, first.params, first.seed, first.credits) == ("Eine KATZE", {"seed": 7}, 7, 12)
    assert (first.pictures, failed.pictures, first.references[0].sha256) == ((PICTURE,), (), "ef")
    assert [cell.job_id for cell in upgraded.run(1).cells] == ["job1", "job2", "job3"]
    assert upgraded.uploads.get("sandbox", "wan", "ef") is not None
    assert upgraded.spent("sandbox").credits == 24
    for question in (Question(prompt="katze"), Question(prompt="KA"), Question(seed=7), Question(run=1)):
        assert upgraded.history(question) == [last, first]
    upgraded.marks.change(["job1"], rating=3)
    assert upgraded.marks.of(["job1", "job3"]) == {"job1": Marks(rating=3), "job3": Marks()}
    new = done("noch eine Katze")
    add(upgraded, new)
    assert ids(upgraded.history(Question(prompt="katze"))) == [new.id, "job3", "job1"]


def test_an_upgraded_database_has_the_shape_of_a_new_one(upgraded: Store, tmp_path: Path) -> None:
    Store.open(tmp_path / "new").close()
    assert shape(upgraded.folder / "rivya.db") == shape(tmp_path / "new" / "rivya.db")


def test_jobs_of_an_old_store_are_found_by_how_their_prompts_look(old: Path) -> None:
    """Also those behind the first thousand, which an upgrade reads apart."""
    with closing(sqlite3.connect(old / "rivya.db")) as other:
        other.execute("UPDATE jobs SET prompt = 'une\u0301 \r\nKATZE', body = 'its exact bytes \r\n'")
        many = [
            (at, f"job{at}", f"cat {at}\r", "cat", "[]", "as it was", "failed", at) for at in range(4, 2503)
        ]
        other.executemany(JOBS, many)
        other.execute("UPDATE jobs SET status = 'unknown' WHERE number IN (1001, 2502)")
        other.commit()
    store = Store.open(old)
    pictured = store.jobs(["job3"])["job3"]
    request = Request("wan", "un\u00e9\nKATZE", {"seed": 7}, pictured.references)
    assert (pictured.identity, pictured.request) == (request.identity, request)
    again = [Request("wan", f"cat {number}", {"seed": 7}).identity for number in (1001, 2502)]
    found = store.find_reusable("sandbox", again)
    assert [found[identity].id for identity in again] == ["job1001", "job2502"]
    assert (pictured.prompt, pictured.body) == ("une\u0301 \r\nKATZE", "its exact bytes \r\n")
    store.close()


@pytest.mark.parametrize("params", ['{"seed":', "[7]", "7", "null"])
def test_an_old_store_with_a_job_that_cannot_be_read_is_left_as_it_was(old: Path, params: str) -> None:
    with closing(sqlite3.connect(old / "rivya.db")) as other:
        other.execute("UPDATE jobs SET params = ? WHERE id = 'job2'", (params,))
        other.commit()
        before = list(other.iterdump())
        with pytest.raises(StoreError, match=r"job job2 .* cannot be read .* Nothing was changed\."):
            Store.open(old)
        assert list(other.iterdump()) == before
        other.execute("UPDATE jobs SET params = '{}' WHERE id = 'job2'")
        other.commit()
    store = Store.open(old)
    assert ids(store.history(Question())) == ["job3", "job1"]
    store.close()


def test_two_processes_may_open_an_old_store_at_once(old: Path, start: Start) -> None:
    others = [start(open_and_tell, old) for _ in range(2)]
    for _, pipe in others:
        assert told(pipe) == "ready"
    for _, pipe in others:
        pipe.send("go")
    assert [told(pipe) for _, pipe in others] == [["job3", "job1"], ["job3", "job1"]]


def test_a_picture_that_an_older_kernel_still_delivers_is_listed(upgraded: Store) -> None:
    with closing(sqlite3.connect(upgraded.folder / "rivya.db")) as older:
        older.execute("INSERT INTO pictures VALUES (2, 0, 'cd', 'image/png', 1, 1, 1)")
        older.commit()
    assert ids(upgraded.history(Question())) == ["job3", "job2", "job1"]
    with closing(sqlite3.connect(upgraded.folder / "rivya.db")) as older:
        older.execute("DELETE FROM pictures WHERE job_number = 2")
        older.commit()
    assert ids(upgraded.history(Question())) == ["job3", "job1"]


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old / "rivya.db")) as other:
        other.execute("CREATE TABLE panel_states (something TEXT)")
        other.commit()
        before = other.execute("SELECT name, sql FROM sqlite_master").fetchall()
        with pytest.raises(StoreError, match="panel_states already exists"):
            Store.open(old)
        assert other.execute("SELECT name, sql FROM sqlite_master").fetchall() == before
        assert other.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
        other.execute("DROP TABLE panel_states")
    store = Store.open(old)
    assert ids(store.history(Question())) == ["job3", "job1"]
    store.close()


def test_an_upgrade_that_the_disk_has_no_room_for_leaves_the_store_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old / "rivya.db")) as other:
        other.execute("UPDATE jobs SET prompt_words = ? || number", ("much " * 50_000,))
        other.commit()
    with no_file_grows_beyond(500_000), pytest.raises(StoreError):
        Store.open(old)
    store = Store.open(old)
    assert ids(store.history(Question(prompt="much"))) == ["job3", "job1"]
    store.close()


def test_a_kernel_that_began_before_an_upgrade_is_told_to_begin_anew(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "rivya.db")) as newer:
        newer.execute("ALTER TABLE jobs RENAME COLUMN prompt_id TO something_else")
        newer.commit()
    with pytest.raises(StoreError, match="a newer rivya_nb has changed it meanwhile; restart this kernel"):
        add(store, a_job())
    with pytest.raises(StoreError, match="restart this kernel"):
        store.count(Question(prompt="cat"))
