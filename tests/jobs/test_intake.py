"""References on their way into the store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.errors import InvalidRequestError
from rivya_nb.jobs.intake import take_references
from rivya_nb.store.files import ContentFiles

WAN = [bundled()[DEFAULT_MODEL]]


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    (tmp_path / "store").mkdir()
    return ContentFiles(tmp_path / "store")


def test_a_file_is_kept_byte_for_byte_under_its_hash(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    Image.new("RGB", (32, 16), "orange").save(path)
    (reference,) = take_references([str(path)], WAN, files)
    assert reference.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (reference.name, reference.mime_type, reference.size) == (
        "cat.jpg",
        "image/jpeg",
        path.stat().st_size,
    )
    path.unlink()
    assert files.path(reference.sha256, reference.mime_type).is_file()


def test_home_bytes_and_pictures_are_taken(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = Image.new("RGB", (8, 8), "teal")
    picture.save(tmp_path / "cat.webp")
    data = (tmp_path / "cat.webp").read_bytes()
    taken = take_references(["~/cat.webp", data, picture, tmp_path / "cat.webp"], WAN, files)
    assert [reference.mime_type for reference in taken] == [
        "image/webp",
        "image/webp",
        "image/png",
        "image/webp",
    ]
    assert taken[0].sha256 == taken[1].sha256 == taken[3].sha256


def test_the_bytes_decide_not_the_name(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "really.png"
    Image.new("RGB", (8, 8)).save(path, "JPEG")
    assert take_references([path], WAN, files)[0].mime_type == "image/jpeg"


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_kept(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("a shopping list")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (8, 8)).save(tmp_path / "old.gif")
    sources = ["gone.png", "text.png", "empty.png", "old.gif", tmp_path, 7, "https://example.org/a.png"]
    with pytest.raises(InvalidRequestError) as refused:
        take_references(sources, WAN, files)
    assert [mistake.where for mistake in refused.value.mistakes] == [
        "gone.png", "text.png", "empty.png", "old.gif", str(tmp_path), "reference 6", "https://example.org/a.png",
    ]  # fmt: skip
    assert f"there is no such file in {tmp_path}" in str(refused.value)
    assert not any(path.is_file() for path in files.folder.rglob("*"))


def test_a_file_above_the_models_limit_is_not_even_read(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(20_000_001)
    with pytest.raises(InvalidRequestError, match=r"20\.0 MB is over the limit of 20 MB"):
        take_references([path], WAN, files)
