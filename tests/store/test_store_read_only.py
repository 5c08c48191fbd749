"""A store that one may only read: by its permissions, by its disk, closed, in use or left behind by a crash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from disks import may_mount, read_only_disk

from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import MODEL, add, done, kept, read_without_rights, refusals
from .processes import Start, told

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such rights"),
]


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Not below pytest's folder, which nobody else may enter."""
    with TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        yield Path(temporary, "store")
        for path in Path(temporary).rglob("*"):
            path.chmod(0o755)


def fill(store: Store) -> str:
    job = done(pictures=(kept(store, b"a picture"),))
    add(store, job, name="cats")
    return job.id


def may_only_be_read(folder: Path) -> dict[Path, tuple[int, int]]:
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return state(folder)


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_what_is_there_is_read_and_what_writes_says_why_it_cannot(open_place: Path, start: Start) -> None:
    with closing(Store.open(open_place)) as store:
        job_id = fill(store)
    before = may_only_be_read(open_place)
    _, pipe = start(read_without_rights, open_place)
    pipe.send("go on")
    found, runs, said = told(pipe)
    assert (found, runs) == ([(job_id, [b"a picture"])], ["cats"])
    for each in said:
        assert "This store may only be read" in each
        assert f"{open_place}: it may not be written by this user" in each
        assert "\n" not in each
    pipe.send("end")
    assert state(open_place) == before


def test_a_database_of_another_user_in_an_open_folder_is_read_and_nothing_is_put_beside_it(
    open_place: Path, start: Start
) -> None:
    with closing(Store.open(open_place)) as store:
        job_id = fill(store)
    may_only_be_read(open_place)
    for path in (open_place, open_place / "locks", open_place / "pictures", open_place / "incoming"):
        path.chmod(0o777)
    before = state(open_place)
    _, pipe = start(read_without_rights, open_place)
    pipe.send("go on")
    found, _, said = told(pipe)
    assert found == [(job_id, [b"a picture"])]
    assert all(f"{open_place / 'rivya.db'}: it may not be written by this user" in each for each in said)
    pipe.send("end")
    assert state(open_place) == before


def test_what_another_user_writes_meanwhile_is_seen(open_place: Path, start: Start) -> None:
    with closing(Store.open(open_place)) as store:
        first = fill(store)
        # The other user's kernel is at work: nothing of this is in the database's own file.
        store.database.begin_work()
        second = fill(store)
        for path in (*open_place.rglob("*"), open_place):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if os.geteuid() != 0:
            may_only_be_read(open_place)
        _, pipe = start(read_without_rights, open_place)
        pipe.send("go on")
        assert [job_id for job_id, _ in told(pipe)[0]] == [second, first]
        third = fill(store)
        pipe.send("go on")
        assert [job_id for job_id, _ in told(pipe)[0]] == [third, second, first]
        store.database.end_work()
    # Closed, and with that in one file; and open again.
    pipe.send("go on")
    assert [job_id for job_id, _ in told(pipe)[0]] == [third, second, first]
    with closing(Store.open(open_place)) as store:
        fourth = fill(store)
        pipe.send("go on")
        assert [job_id for job_id, _ in told(pipe)[0]] == [fourth, third, second, first]
    pipe.send("end")


@pytest.mark.parametrize("with_index", [True, False], ids=["all files", "without -shm"])
def test_what_a_crash_left_beside_the_database_is_read(
    open_place: Path, start: Start, tmp_path: Path, with_index: bool
) -> None:
    with closing(Store.open(tmp_path / "used")) as store:
        store.database.begin_work()
        job_id = fill(store)
        shutil.copytree(tmp_path / "used", open_place)
    if not with_index:
        (open_place / "rivya.db-shm").unlink()
    before = may_only_be_read(open_place)
    _, pipe = start(read_without_rights, open_place)
    pipe.send("go on")
    assert told(pipe)[0] == [(job_id, [b"a picture"])]
    pipe.send("end")
    assert state(open_place) == before


if may_mount():

    @pytest.fixture
    def mounted(folder: Path, tmp_path: Path) -> Iterator[Path]:
        with closing(Store.open(folder)) as store:
            fill(store)
        with read_only_disk(folder, tmp_path / "disk") as disk:
            yield disk

    def test_a_store_on_a_disk_that_may_only_be_read(mounted: Path, folder: Path) -> None:
        with closing(Store.open(mounted)) as store:
            assert [job.model for job in store.history(Question(prompt="cat"))] == [MODEL]
            assert store.count(Question()) == 1
            for said in refusals(store):
                assert f"This store may only be read ({mounted}: the disk is read-only)" in said
            # Through the other way to the same files, somebody writes.
            with closing(Store.open(folder)) as other:
                job_id = fill(other)
                assert store.job(job_id).is_there
