"""Deleted pictures: their disk is freed, and nothing that anybody still needs goes with them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rivya_nb.contract.references import Reference
from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store import sqlite_database
from rivya_nb.store.questions import Question
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.store import Store

from .filling import a_job, add, deliver_what_was_deleted, done, ids, kept
from .processes import Start, told


def path_of(store: Store, picture: PictureRecord) -> Path:
    return store.files.path(picture.sha256, picture.mime_type)


def with_picture(store: Store, data: bytes) -> JobRecord:
    return done(prompt=data.decode(), pictures=(kept(store, data),), final_credits=12)


def test_deleting_frees_the_disk_and_keeps_the_record(store: Store) -> None:
    gone, other = with_picture(store, b"x" * 5000), with_picture(store, b"other")
    run = add(store, gone, other)
    small = store.files.thumbnails.folder / gone.pictures[0].sha256[:2]
    small.mkdir(parents=True, exist_ok=True)
    (small / f"{gone.pictures[0].sha256}-512.jpg").write_bytes(b"small")
    (small / "another-512.jpg").write_bytes(b"another")

    assert store.delete_pictures([gone.id]) == 5000 + len(b"small")

    assert not path_of(store, gone.pictures[0]).exists()
    assert [path.name for path in small.iterdir()] == ["another-512.jpg"]
    assert list(store.files.incoming.iterdir()) == []
    deleted = store.job(gone.id)
    assert (deleted.pictures, deleted.status, deleted.deleted_at is not None) == ((), "succeeded", True)
    assert store.runs.get(run.id) == run
    assert store.spent("sandbox").credits == 24
    assert ids(store.history(Question())) == [other.id]
    assert store.asking.find_reusable("sandbox", [gone.identity, other.identity]).keys() == {other.identity}
    assert store.unfinished() == []
    assert store.delete_pictures([gone.id]) == 0
    assert store.job(gone.id) == deleted


def test_a_file_stays_as_long_as_any_job_needs_it(store: Store) -> None:
    picture = kept(store, b"shared")
    reference = Reference(picture.sha256, "image", picture.mime_type, "shared.png", picture.size)
    first, twin = done("first", pictures=(picture,)), done("twin", pictures=(picture,))
    user = a_job("user", references=(reference,), status="queued")
    add(store, first, twin)
    assert store.delete_pictures([first.id]) == 0
    add(store, user)
    assert store.delete_pictures([twin.id]) == 0
    assert path_of(store, picture).read_bytes() == b"shared"


def test_two_jobs_with_one_picture_are_deleted_together(store: Store) -> None:
    picture = kept(store, b"shared")
    jobs = [done(prompt, pictures=(picture,)) for prompt in ("first", "twin")]
    add(store, *jobs)
    assert store.delete_pictures(ids(jobs)) == len(b"shared")
    assert not path_of(store, picture).exists()


def test_nothing_is_deleted_where_one_job_has_not_ended(store: Store) -> None:
    ended, going = with_picture(store, b"ended"), a_job(status="queued")
    add(store, ended, going)
    with pytest.raises(UsageError, match=f"{going.id[:8]} is still queued; nothing was deleted"):
        store.delete_pictures([ended.id, going.id])
    with pytest.raises(StoreError, match="no job nobody"):
        store.delete_pictures([ended.id, "nobody"])
    assert store.history(Question()) == [store.job(ended.id)]
    assert path_of(store, ended.pictures[0]).exists()


def test_a_file_that_somebody_else_removed_keeps_nobody_from_deleting(store: Store) -> None:
    job = with_picture(store, b"gone")
    add(store, job)
    path_of(store, job.pictures[0]).unlink()
    assert store.delete_pictures([job.id]) == 0
    assert store.history(Question()) == []


@pytest.mark.sqlite
def test_a_deletion_that_cannot_be_written_down_brings_the_files_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = with_picture(store, b"kept after all")
    add(store, job)
    # What makes the disk refuse at the very end is a constraint that is checked with the commit.
    with closing(sqlite3.connect(store.folder / "rivya.db")) as other:
        other.execute("CREATE TABLE late (number INTEGER REFERENCES runs (id) DEFERRABLE INITIALLY DEFERRED)")
        other.execute("CREATE TRIGGER late AFTER DELETE ON pictures BEGIN INSERT INTO late VALUES (99); END")
        other.commit()
    with pytest.raises(StoreError):
        store.delete_pictures([job.id])
    assert store.job(job.id).pictures == job.pictures
    assert path_of(store, job.pictures[0]).read_bytes() == b"kept after all"
    assert list(store.files.incoming.iterdir()) == []


@pytest.mark.sqlite
def test_a_busy_store_deletes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.1)
    second = Store.open(store.place)
    job = with_picture(store, b"kept")
    add(store, job)
    with closing(sqlite3.connect(store.folder / "rivya.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is using it"):
            second.delete_pictures([job.id])
    second.close()
    assert path_of(store, job.pictures[0]).exists()


def test_a_delivery_of_the_same_picture_notices_that_it_was_deleted(store: Store, start: Start) -> None:
    mine = with_picture(store, b"the same picture")
    add(store, mine)
    _, pipe = start(deliver_what_was_deleted, store.place)
    assert told(pipe) == "in place"
    assert store.delete_pictures([mine.id]) == len(b"the same picture")
    pipe.send("go on")
    theirs, at_first, again = told(pipe)
    assert (at_first, again) == (False, True)
    [found] = store.history(Question())
    assert found.id == theirs
    assert path_of(store, found.pictures[0]).read_bytes() == b"the same picture"
