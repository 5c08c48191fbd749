"""Picture files: by content, whole or not there; in a folder, and in a bucket with a cache."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from buckets import Buckets, environment

from rivya_nb.errors import StoreError
from rivya_nb.store.files import STALE, ContentFiles
from rivya_nb.store.opening_files import open_files
from rivya_nb.store.picture_places import read_pictures


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContentFiles:
    if request.param == "folder":
        return ContentFiles(tmp_path)
    buckets: Buckets = request.getfixturevalue("buckets")
    for name, value in environment(buckets.url, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return open_files(read_pictures(f"s3://{buckets.new()}/pictures"), None, lambda _: None)


def every_file(files: ContentFiles) -> list[Path]:
    return [path for path in files.folder.parent.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("mime_type", "extension"),
    [("image/png", "png"), ("image/jpeg", "jpg"), ("image/webp", "webp"), ("image/x-new", "bin")],
)
def test_a_file_is_named_by_its_content_and_type(files: ContentFiles, mime_type: str, extension: str) -> None:
    sha256 = files.put(b"some bytes", mime_type)
    assert sha256 == hashlib.sha256(b"some bytes").hexdigest()
    path = files.path(sha256, mime_type)
    assert path == files.folder / sha256[:2] / f"{sha256}.{extension}"
    assert path.is_absolute()
    assert path.read_bytes() == files.read(sha256, mime_type) == b"some bytes"


def test_the_same_content_is_one_file(files: ContentFiles) -> None:
    first = files.put(b"same", "image/png")
    before = files.path(first, "image/png").stat().st_mtime_ns
    assert files.put(b"same", "image/png") == first
    part = files.incoming / "download"
    part.write_bytes(b"same")
    assert files.adopt(part, "image/png") == first
    assert every_file(files) == [files.path(first, "image/png")]
    assert files.path(first, "image/png").stat().st_mtime_ns == before


def test_a_download_is_moved_into_place(files: ContentFiles) -> None:
    data = bytes(range(256)) * 20_000
    part = files.incoming / "download"
    part.write_bytes(data)
    sha256 = files.adopt(part, "image/jpeg")
    assert files.read(sha256, "image/jpeg") == data
    assert every_file(files) == [files.path(sha256, "image/jpeg")]


def test_a_truncated_file_is_mended_by_putting_it_again(files: ContentFiles) -> None:
    sha256 = files.put(b"whole picture", "image/png")
    files.path(sha256, "image/png").write_bytes(b"whole")
    files.put(b"whole picture", "image/png")
    assert files.read(sha256, "image/png") == b"whole picture"


@pytest.mark.parametrize("files", ["folder"], indirect=True)
def test_a_missing_file_is_named(files: ContentFiles) -> None:
    sha256 = files.put(b"gone", "image/png")
    files.path(sha256, "image/png").unlink()
    with pytest.raises(StoreError, match=f"{sha256}.png: this result's file is gone"):
        files.read(sha256, "image/png")
    with pytest.raises(StoreError, match="it is not there any more"):
        files.adopt(files.incoming / "absent", "image/png")


def test_threads_putting_the_same_content_do_not_disturb_each_other(files: ContentFiles) -> None:
    data = b"x" * 3_000_000
    threads = [threading.Thread(target=files.put, args=(data, "image/png")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == data for path in every_file(files)] == [True]


def test_what_a_dead_process_left_half_written_is_swept_away(tmp_path: Path) -> None:
    incoming = ContentFiles(tmp_path).incoming
    left, arriving = incoming / "picture-left.part", incoming / "picture-arriving.part"
    for part in (left, arriving):
        part.write_bytes(b"half")
    before = time.time() - STALE - 60
    os.utime(left, (before, before))
    kept = ContentFiles(tmp_path).put(b"whole", "image/png")
    assert not left.exists()
    assert arriving.exists()
    os.utime(arriving, (before, before))
    files = ContentFiles(tmp_path)
    assert every_file(files) == [files.path(kept, "image/png")]
