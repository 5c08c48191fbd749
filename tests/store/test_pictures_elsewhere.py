"""A store in a folder whose pictures are elsewhere: it knows where, whatever the environment says."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from buckets import Buckets, environment

from rivya_nb.errors import StoreError, UsageError
from rivya_nb.store.backup import back_up
from rivya_nb.store.store import Store

from .filling import add, done, kept


@pytest.fixture(params=["bucket", "folder"])
def pictures(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty place for pictures."""
    if request.param == "folder":
        return (tmp_path / "pictures of the lab").as_uri()
    buckets: Buckets = request.getfixturevalue("buckets")
    for name, value in environment(buckets.url, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return f"s3://{buckets.new()}/pictures"


def filled(folder: Path, pictures: str | None) -> str:
    """Put a picture into a store; its hash."""
    with closing(Store.open(folder, pictures)) as store:
        job = done(pictures=(kept(store, b"a picture"),))
        add(store, job)
    return job.pictures[0].sha256


def test_the_pictures_are_found_again_without_being_told(folder: Path, pictures: str) -> None:
    sha256 = filled(folder, pictures)
    for given in (pictures, None, "s3://another/place"):
        with closing(Store.open(folder, given)) as store:
            assert store.files.read(sha256, "image/png") == b"a picture"
            assert store.describe() == f"{folder}, pictures in {store.files.place}"
            assert store.files.place.split("/")[-1] in pictures.replace("%20", " ")
            [job] = store.asking.find_reusable("sandbox", [done().identity]).values()
            assert job.pictures[0].sha256 == sha256
    assert not list((folder / "pictures").glob("*")) if (folder / "pictures").exists() else True


def test_a_store_with_pictures_of_its_own_keeps_them_where_they_are(folder: Path, pictures: str) -> None:
    sha256 = filled(folder, None)
    with closing(Store.open(folder, pictures)) as store:
        assert store.files.read(sha256, "image/png") == b"a picture"
        assert store.describe() == str(folder)


def test_a_backup_has_the_pictures_in_its_folder(folder: Path, pictures: str, tmp_path: Path) -> None:
    sha256 = filled(folder, pictures)
    made = back_up(folder, tmp_path / "backup", lambda *_: None, None)
    assert (made.files, made.missing) == (1, 0)
    with closing(Store.open(tmp_path / "backup", pictures)) as store:
        assert store.files.place == str(tmp_path / "backup")
        assert store.files.read(sha256, "image/png") == b"a picture"


def test_an_address_that_is_wrong_makes_nothing(folder: Path) -> None:
    with pytest.raises(UsageError, match="RIVYA_PICTURES: "):
        Store.open(folder, "ftp://lab/pictures")
    assert not folder.exists()
    with pytest.raises(StoreError, match="it is not there any more"):
        Store.open(folder, "file:///nowhere/at/all")
