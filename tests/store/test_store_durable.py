"""What is durable is in the file that is called the store: a plain copy of it has everything."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import add, done, ids, kept

pytestmark = pytest.mark.sqlite


def plain_copy(folder: Path) -> Path:
    """What somebody copies who knows of no third file."""
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copyfile(folder / "rivya.db", copy / "rivya.db")
    shutil.copytree(folder / "pictures", copy / "pictures")
    return copy


def history(folder: Path) -> list[str]:
    with closing(Store.open(folder)) as store:
        return ids(store.history(Question()))


def test_a_new_store_is_in_its_file_at_once(store: Store) -> None:
    copy = plain_copy(store.folder)
    with closing(sqlite3.connect(copy / "rivya.db")) as database:
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_each_thing_that_is_written_is_in_the_file_while_nothing_works(store: Store) -> None:
    job = done(pictures=(kept(store, b"a picture"),))
    add(store, job)
    store.marks.change([job.id], rating=4)
    store.panel_states.put("main", {"prompt": "a cat"})
    with closing(Store.open(plain_copy(store.folder))) as copy:
        assert ids(copy.history(Question(rating=4))) == [job.id]
        assert copy.panel_states.get("main") == {"prompt": "a cat"}
        [picture] = copy.job(job.id).pictures
        assert copy.files.read(picture.sha256, picture.mime_type) == b"a picture"


def test_what_work_writes_is_in_the_file_once_all_of_it_has_ended(store: Store) -> None:
    store.database.begin_work()
    store.database.begin_work()
    add(store, job := done())
    store.database.end_work()
    store.marks.change([job.id], favourite=True)
    assert history(plain_copy(store.folder)) == []
    store.database.end_work()
    assert history(plain_copy(store.folder)) == [job.id]


def test_a_store_that_is_closed_while_others_use_it_is_in_its_file(store: Store, folder: Path) -> None:
    with closing(Store.open(folder)) as other:
        other.database.begin_work()
        add(other, job := done())
    assert history(plain_copy(folder)) == [job.id]


def test_whoever_reads_or_writes_meanwhile_is_neither_kept_nor_hurt(store: Store, folder: Path) -> None:
    add(store, first := done())
    with closing(sqlite3.connect(folder / "rivya.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        store.database.begin_work()
        add(store, second := done())
        store.database.end_work()
        # What it sees stays as it is until it looks anew.
        assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        reader.execute("ROLLBACK")
        reader.execute("BEGIN IMMEDIATE")
        store.database.begin_work()
        store.database.end_work()
        reader.execute("ROLLBACK")
    store.database.begin_work()
    store.database.end_work()
    assert history(plain_copy(folder)) == [second.id, first.id]
