"""A store that is moved, deleted or replaced while it is open: nothing is written until it is back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from disks import may_mount, read_only_disk, small_disk
from sqlalchemy import func, select

from rivya_nb.errors import StoreError
from rivya_nb.store.questions import Question
from rivya_nb.store.schema import jobs
from rivya_nb.store.sqlite_database import SqliteDatabase
from rivya_nb.store.store import Store

from .filling import a_job, add, done, ids, kept
from .limits import no_file_grows_beyond
from .processes import Start, told

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(os.name != "posix", reason="files that are open cannot be moved here"),
]


@pytest.fixture
def away(tmp_path: Path) -> Path:
    return tmp_path / "away"


def move(folder: Path, away: Path) -> None:
    folder.rename(away)


def move_and_begin_anew(folder: Path, away: Path) -> None:
    folder.rename(away)
    Store.open(folder).close()


def take_database(folder: Path, away: Path) -> None:
    away.mkdir()
    (folder / "rivya.db").rename(away / "rivya.db")


def restore_a_copy(folder: Path, away: Path) -> None:
    away.mkdir()
    (folder / "rivya.db").rename(away / "rivya.db")
    shutil.copyfile(away / "rivya.db", folder / "rivya.db")


def put_back(folder: Path, away: Path) -> None:
    if (away / "pictures").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        away.rename(folder)
    else:
        (away / "rivya.db").replace(folder / "rivya.db")


WAYS = [move, move_and_begin_anew, take_database, restore_a_copy]


@pytest.mark.parametrize("take_away", WAYS)
def test_what_is_not_there_any_more_is_not_written_and_goes_on_once_it_is_back(
    take_away: Callable[[Path, Path], None], folder: Path, away: Path
) -> None:
    with closing(Store.open(folder)) as store:
        first = done(pictures=(kept(store, b"a picture"),))
        add(store, first)
        take_away(folder, away)
        there = sorted(folder.rglob("*"))
        for use in (
            store.make_ready,
            lambda: add(store, a_job()),
            lambda: store.update_job(first.id, reserved_credits=1),
            lambda: store.marks.change([first.id], rating=5),
            lambda: store.history(Question()),
        ):
            with pytest.raises(StoreError, match=r"was (moved or deleted|replaced by another file) while"):
                use()
        # Nothing may stand in the way of what comes back.
        assert sorted(folder.rglob("*")) == there
        assert not store.database.presence.holds
        put_back(folder, away)
        store.make_ready()
        second = done()
        add(store, second)
        assert ids(store.history(Question())) == [second.id, first.id]
    with closing(Store.open(folder)) as store:
        assert ids(store.history(Question())) == [second.id, first.id]


def test_no_connection_is_made_to_the_file_that_has_taken_its_place(folder: Path, away: Path) -> None:
    Store.open(folder).close()
    shutil.copyfile(folder / "rivya.db", folder / "older.db")
    with closing(Store.open(folder)) as store:
        add(store, done())
    with closing(SqliteDatabase(folder / "rivya.db")) as database:
        database.prepare(folder / "opening.lock")
        with database.reading():
            take_database(folder, away)
            (folder / "older.db").rename(folder / "rivya.db")
            with pytest.raises(StoreError, match="was replaced"), database.reading():
                pass
        put_back(folder, away)
        with database.reading() as first, database.reading() as second:
            for connection in (first, second):
                assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 1


def test_closing_a_store_that_was_moved_leaves_its_old_place_free(folder: Path, away: Path) -> None:
    store = Store.open(folder)
    add(store, a_job())
    folder.rename(away)
    with pytest.raises(StoreError):
        store.files.put(b"a picture", "image/png")
    store.files.thumbnails.keep(Path("ab.png"), (204, 204), 6000, b"RIFF")
    with pytest.raises(StoreError):
        store.models.keep("sandbox", [], 1.0)
    store.close()
    assert not folder.exists()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_that_is_deleted_is_noticed_and_nothing_is_lost(folder: Path, suffix: str) -> None:
    store = Store.open(folder)
    store.database.begin_work()
    job = a_job()
    add(store, job)
    (folder / f"rivya.db{suffix}").unlink()
    with pytest.raises(StoreError, match=f"rivya.db{suffix} was moved or deleted .* rv.connect"):
        store.update_job(job.id, reserved_credits=1)
    store.close()
    with closing(Store.open(folder)) as store:
        assert store.job(job.id).reserved_credits is None
        store.claims.claim([job.id])
        store.update_job(job.id, reserved_credits=1)


def test_a_link_that_leads_elsewhere_by_now_is_another_store(tmp_path: Path, folder: Path) -> None:
    for name in ("one", "two"):
        Store.open(tmp_path / name).close()
    folder.symlink_to(tmp_path / "one")
    with closing(Store.open(folder)) as store:
        add(store, a_job())
        folder.unlink()
        folder.symlink_to(tmp_path / "two")
        with pytest.raises(StoreError, match="was replaced by another file"):
            add(store, a_job())


@pytest.mark.parametrize("name", ["pictures", "incoming", "thumbnails", "locks", "models"])
def test_a_folder_that_was_deleted_is_made_anew(name: str, store: Store) -> None:
    (store.folder / name).mkdir(exist_ok=True)
    shutil.rmtree(store.folder / name)
    store.make_ready()
    sha256 = store.files.put(b"a picture", "image/png")
    with store.files.arriving() as part:
        part.write_bytes(b"another")
        store.files.adopt(part, "image/png")
    store.files.thumbnails.keep(store.files.path(sha256, "image/png"), (204, 204), 6000, b"RIFF")
    store.models.keep("sandbox", [], 1.0)
    assert store.files.read(sha256, "image/png") == b"a picture"


@pytest.mark.parametrize("name", ["pictures", "incoming"])
def test_a_folder_that_goes_after_the_check_is_made_anew_for_what_arrives(name: str, store: Store) -> None:
    store.make_ready()
    shutil.rmtree(store.folder / name)
    with store.files.arriving() as part:
        part.write_bytes(b"a picture")
        sha256 = store.files.adopt(part, "image/png")
    assert store.files.read(sha256, "image/png") == b"a picture"


def ask_who_lives(folder: Path, pipe: Connection) -> None:
    """In a process of its own: tell whether the owner that is asked for is alive."""
    store = Store.open(folder)
    while owner := pipe.recv():
        pipe.send(store.owner.is_alive(owner))
    store.close()


def test_a_process_whose_lock_was_deleted_holds_it_again_before_it_submits(
    store: Store, start: Start
) -> None:
    shutil.rmtree(store.folder / "locks")
    _, pipe = start(ask_who_lives, store.place)
    pipe.send(store.owner.id)
    assert not told(pipe)
    store.make_ready()
    pipe.send(store.owner.id)
    assert told(pipe)
    store.close()
    pipe.send(store.owner.id)
    assert not told(pipe)
    pipe.send(None)


def test_threads_that_find_the_lock_deleted_at_once_hold_it_again(store: Store) -> None:
    for _ in range(5):
        shutil.rmtree(store.folder / "locks")
        with ThreadPoolExecutor(8) as pool:
            for made in [pool.submit(store.make_ready) for _ in range(16)]:
                made.result()
        assert store.owner.is_alive(store.owner.id)
        assert (store.folder / "locks" / f"{store.owner.id}.lock").exists()


# What cannot be kept is not bought


def test_a_picture_that_could_not_be_kept_is_not_bought(store: Store, tmp_path: Path) -> None:
    store.make_ready()
    with no_file_grows_beyond(1000), pytest.raises(StoreError, match="File too large"):
        store.make_ready()
    shutil.rmtree(store.folder / "pictures")
    (store.folder / "pictures").write_text("a file")
    with pytest.raises(StoreError, match="pictures: there is a file where a folder should be"):
        store.make_ready()
    assert list((store.folder / "incoming").iterdir()) == []


if may_mount():

    @pytest.fixture
    def small(tmp_path: Path) -> Iterator[Path]:
        with small_disk(tmp_path / "disk") as disk:
            yield disk.folder

    def test_a_disk_without_room_for_a_picture(small: Path) -> None:
        with closing(Store.open(small / "store")) as store:
            store.make_ready()
            room = shutil.disk_usage(small).free - 500_000
            (small / "ballast").write_bytes(bytes(room))
            with pytest.raises(StoreError, match="the disk is full; free some space and try again"):
                store.make_ready()
            (small / "ballast").unlink()
            store.make_ready()

    def test_pictures_on_a_disk_of_their_own(small: Path, store: Store) -> None:
        shutil.rmtree(store.folder / "pictures")
        (store.folder / "pictures").symlink_to(small)
        with pytest.raises(StoreError, match="another disk than the rest of the store"):
            store.make_ready()
        assert list(small.iterdir()) == []

    def test_pictures_on_a_disk_that_may_only_be_read(store: Store) -> None:
        pictures = store.folder / "pictures"
        with (
            read_only_disk(pictures, pictures),
            pytest.raises(StoreError, match=r"pictures: (the disk is read-only|it is on another disk)"),
        ):
            store.make_ready()
        store.make_ready()
