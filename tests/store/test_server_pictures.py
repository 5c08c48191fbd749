"""Where a store on a server has its pictures: named once, and the same for all its kernels."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from servers import PostgresqlServer

from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store.postgresql import database
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import add, done, kept
from .test_server_ownership import cut


def test_the_first_kernel_names_the_place_of_the_pictures_and_all_others_have_it(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_database()
    with pytest.raises(
        StoreError, match=r"no place for its pictures yet.*PICTURES=s3://.*PICTURES=file:///folder"
    ):
        Store.open(address)
    mine = tmp_path / "the lab's pictures"
    with closing(Store.open(address, mine.as_uri())) as store:
        picture = kept(store, b"a picture")
        add(store, done(pictures=(picture,)))
    for again in (None, mine.as_uri(), f"{mine.as_uri()}/"):
        with closing(Store.open(address, again)) as store:
            (job,) = store.history(Question())
            assert store.files.read(job.pictures[0].sha256, job.pictures[0].mime_type) == b"a picture"
    assert [path.read_bytes() for path in mine.rglob("*.png")] == [b"a picture"]
    with pytest.raises(StoreError) as refused:
        Store.open(address, (tmp_path / "another").as_uri())
    assert f"keeps its pictures in {mine.as_uri()}, and RIVYA_PICTURES names" in str(refused.value)
    assert not (tmp_path / "another").exists()


def test_a_shared_folder_that_is_not_mounted_here_is_named_and_not_made(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    address = postgresql.new_database()
    shared = tmp_path / "shared"
    Store.open(address, shared.as_uri()).close()
    shared.rename(tmp_path / "away")
    for is_there in (False, True):
        if is_there:
            shared.mkdir()
        with pytest.raises(StoreError, match=r"keeps its pictures in file://.*mount the folder"):
            Store.open(address)
        assert not list(shared.glob("*"))
    shared.rmdir()
    (tmp_path / "away").rename(shared)
    Store.open(address).close()


def test_a_place_that_cannot_be_written_is_not_kept(postgresql: PostgresqlServer, tmp_path: Path) -> None:
    address = postgresql.new_database()
    (tmp_path / "file").write_text("no folder")
    for wrong in (tmp_path / "file", tmp_path / "no" / "such"):
        with pytest.raises(StoreError, match=str(wrong)):
            Store.open(address, wrong.as_uri())
    with pytest.raises(UsageError, match="RIVYA_PICTURES"):
        Store.open(address, "ftp://lab/pictures")
    Store.open(address, (tmp_path / "right").as_uri()).close()


def test_the_clock_is_the_servers_however_long_opening_takes(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.store.postgresql.words.prepare_index", lambda _: time.sleep(1.2))
    with closing(Store.open(postgresql.new_store())) as store:
        assert abs(store.database.now() - time.time()) < 1


def test_a_clock_that_is_set_while_a_store_is_open_moves_nothing(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with closing(Store.open(postgresql.new_store())) as store:
        monkeypatch.setattr(time, "time", lambda: real() + 7200)
        assert abs(store.database.now() - real()) < 60


def test_a_new_connection_reads_the_servers_clock_anew(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgresql.new_store()
    with closing(Store.open(address)) as store:
        # A machine whose clocks stood still while it slept.
        steady = database._steady
        monkeypatch.setattr(database, "_steady", lambda: steady() - 7200)
        assert store.database.now() < time.time() - 7000
        cut(postgresql, address)
        assert store.runs.newest() == []
        assert abs(store.database.now() - time.time()) < 60


def test_a_folder_for_caches_that_cannot_be_written_is_named_with_the_way_out(
    postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(
        StoreError, match=r"cache.*make it writable, or let XDG_CACHE_HOME name another folder"
    ):
        Store.open(postgresql.new_store())
