"""Backups: whole, of a store in use, and of one that may only be read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError
from rivya_nb.store.backup import back_up
from rivya_nb.store.questions import Question
from rivya_nb.store.records import planned_job
from rivya_nb.store.store import Store

from .filling import MODEL, a_job, add, done, ids, kept
from .limits import no_file_grows_beyond
from .processes import Start, told

pytestmark = pytest.mark.sqlite


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "a backup ?#%"


def silent(_done: int, _total: int) -> None:
    pass


def test_a_backup_of_a_store_that_is_open_has_all_of_it(store: Store, target: Path) -> None:
    reference = Reference(store.files.put(b"a reference", "image/jpeg"), "image", "image/jpeg", "a.jpg", 11)
    address = Reference("0" * 64, "image", "image/png", "b.png", 0, url="https://example.com/b.png")
    request = Request(MODEL, "a dog", {"seed": 1}, (reference, address), 12)
    cat = done(pictures=(kept(store, b"a cat"),))
    dog = planned_job(request, "sandbox", 1000.0)
    # A kernel at work: all of it is beside the database's own file.
    store.database.begin_work()
    add(store, cat, dog, name="animals")
    store.marks.change([cat.id], rating=5)
    of_no_job = store.files.put(b"of no job", "image/png")
    store.models.keep("sandbox", [{"id": "x"}], 1.0)
    table = store.folder / "tables" / "0f" / "prompts.csv"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"prompt")
    said: list[tuple[int, ...]] = []
    made = back_up(store.folder, target, lambda *counts: said.append(counts))
    assert said == [(1, 2), (2, 2)]
    assert (made.folder, made.runs, made.files, made.missing) == (target, 1, 2, 0)
    assert (target / table.relative_to(store.folder)).read_bytes() == b"prompt"
    assert made.size == sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    with closing(Store.open(target)) as copy:
        assert ids(copy.history(Question(rating=5))) == [cat.id]
        assert copy.runs.get(1).name == "animals"
        assert copy.files.read(cat.pictures[0].sha256, "image/png") == b"a cat"
        assert copy.files.read(reference.sha256, "image/jpeg") == b"a reference"
        assert copy.job(dog.id) == store.job(dog.id)
        assert not list(copy.files.folder.rglob(f"{of_no_job}*"))
        # It goes on by itself; what is done to it is nothing to the store.
        assert copy.claims.claim([dog.id]) == {dog.id}
        copy.delete_pictures([cat.id])
    assert store.files.read(cat.pictures[0].sha256, "image/png") == b"a cat"
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def write_without_end(folder: Path, pipe: Connection) -> None:
    """In a process of its own: deliver picture after picture until told to stop."""
    store = Store.open(folder)
    store.database.begin_work()
    pipe.send("ready")
    number = 0
    while not pipe.poll():
        number += 1
        job = a_job(params={"seed": number}, status="downloading")
        add(store, job)
        picture = kept(store, f"{os.getpid()} {number}".encode() * 1000)
        store.finish_job(job.id, [picture], status="succeeded")
    store.close()


def test_a_backup_while_several_kernels_deliver_opens_and_misses_nothing(
    store: Store, target: Path, start: Start
) -> None:
    pipes = [start(write_without_end, store.place)[1] for _ in range(2)]
    for pipe in pipes:
        told(pipe)
    for number in (1, 2):
        while not store.runs.newest(limit=1) or store.runs.newest(limit=1)[0].id < 5 * number:
            pass
        made = back_up(store.folder, target.with_name(str(number)), silent)
        assert made.missing == 0
        assert made.runs >= 5 * number
        with closing(Store.open(made.folder)) as copy:
            jobs = copy.history(Question())
            assert made.files == len(jobs) > 0
            for job in jobs:
                assert copy.files.has_all(job.pictures)
    for pipe in pipes:
        pipe.send("stop")


@pytest.mark.parametrize("there", ["a file", "a folder", "the store itself"])
def test_what_is_there_is_never_overwritten(store: Store, target: Path, there: str) -> None:
    add(store, done())
    if there == "the store itself":
        target = store.folder
    elif there == "a folder":
        (target / "mine").mkdir(parents=True)
    else:
        target.parent.mkdir()
        target.write_text("mine")
    before = sorted(target.rglob("*"))
    with pytest.raises(StoreError, match="already exists, and was left as it is; name a new folder"):
        back_up(store.folder, target, silent)
    assert sorted(target.rglob("*")) == before


@pytest.mark.parametrize("inside", ["backup", "pictures/backup", "link/backup"])
def test_a_folder_inside_the_store_is_refused(store: Store, tmp_path: Path, inside: str) -> None:
    (tmp_path / "link").symlink_to(store.folder)
    target = (tmp_path if "link" in inside else store.folder) / inside
    there = sorted(store.folder.rglob("*"))
    with pytest.raises(StoreError, match=r"is inside the store itself .*; name a folder outside it"):
        back_up(store.folder, target, silent)
    assert sorted(store.folder.rglob("*")) == there


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that takes none")
def test_a_folder_that_cannot_be_made_is_told(store: Store) -> None:
    with pytest.raises(StoreError, match=r"^/proc/nowhere/backup cannot be made: No such file or directory"):
        back_up(store.folder, Path("/proc/nowhere/backup"), silent)


def test_an_empty_folder_is_filled(store: Store, target: Path) -> None:
    add(store, job := done())
    target.mkdir(parents=True)
    back_up(store.folder, target, silent)
    with closing(Store.open(target)) as copy:
        assert ids(copy.history(Question())) == [job.id]


def test_where_no_store_is_none_is_made(tmp_path: Path, target: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no store in .*nothing here: it has no rivya\.db"):
        back_up(tmp_path / "nothing here", target, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_or_damaged_is_counted(store: Store, target: Path) -> None:
    pictures = [kept(store, data) for data in (b"whole", b"gone", b"damaged")]
    add(store, *[done(params={"seed": place}, pictures=(each,)) for place, each in enumerate(pictures)])
    store.files.path(pictures[1].sha256, "image/png").unlink()
    store.files.path(pictures[2].sha256, "image/png").write_bytes(b"DAMAGED")
    made = back_up(store.folder, target, silent)
    assert (made.files, made.missing) == (1, 2)


def test_a_backup_that_fails_or_is_interrupted_leaves_nothing(store: Store, target: Path) -> None:
    add(store, done(pictures=(kept(store, b"large" * 200_000),)))

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(store.folder, target, interrupt)
    assert list(target.parent.iterdir()) == []
    with no_file_grows_beyond(700_000), pytest.raises(StoreError, match="File too large"):
        back_up(store.folder, target, silent)
    assert list(target.parent.iterdir()) == []


def test_a_newer_store_is_refused_and_left_alone(store: Store, target: Path) -> None:
    store.close()
    with closing(sqlite3.connect(store.folder / "rivya.db")) as other:
        other.execute("PRAGMA user_version = 99")
        other.execute("ALTER TABLE runs RENAME COLUMN ask TO question")
        other.commit()
    with pytest.raises(StoreError, match=r"store.*rivya\.db was written by a newer rivya_nb"):
        back_up(store.folder, target, silent)
    assert not target.exists()
