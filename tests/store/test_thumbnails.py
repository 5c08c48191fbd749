"""Small pictures kept beside the originals."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from media.samples import FOLDER
from PIL import Image
from views.making import gradient, make_job, make_run, noise

from rivya_nb.api.inspection import inspect
from rivya_nb.errors import PictureError
from rivya_nb.media import ffmpeg
from rivya_nb.store import thumbnails
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.thumbnails import BOX
from rivya_nb.views.layout import arrange
from rivya_nb.views.thumbnails import _cached, collect, thumbnail


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    return ContentFiles(tmp_path)


def put(files: ContentFiles, picture: Path, mime_type: str = "image/png") -> Path:
    return files.path(files.put(picture.read_bytes(), mime_type), mime_type)


def kept(files: ContentFiles, name: str = "*-512.*") -> list[Path]:
    return sorted(path for path in files.thumbnails.folder.rglob(name) if path.is_file())


def test_an_original_is_decoded_once_whatever_sizes_are_asked_for(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = put(files, gradient(tmp_path / "a.png", (1600, 900)))
    files.thumbnails.prepare(original)
    (small,) = kept(files)
    assert small.name.startswith(original.stem)
    assert small.parent.name == original.stem[:2]
    decoded: list[Path] = []
    really = thumbnails.decode

    def noting(path: Path, box: tuple[int, int]) -> Image.Image:
        decoded.append(path)
        return really(path, box)

    monkeypatch.setattr(thumbnails, "decode", noting)
    sizes = [files.thumbnails.load(original, box).size for box in ((320, 320), (1126, 512), (200, 100))]
    assert sizes == [(320, 180), (910, 512), (178, 100)]
    assert decoded == [small] * 3


def test_more_pixels_than_are_kept_come_from_the_original(files: ContentFiles, tmp_path: Path) -> None:
    original = put(files, noise(tmp_path / "a.png", (1024, 1024)))
    assert files.thumbnails.load(original, (1024, 800)).size == (800, 800)
    assert not kept(files)


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_a_damaged_small_picture_is_made_anew(
    files: ContentFiles, tmp_path: Path, damage: bytes | None
) -> None:
    original = put(files, gradient(tmp_path / "a.png", (800, 600)))
    files.thumbnails.prepare(original)
    (small,) = kept(files)
    whole = small.read_bytes()
    small.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert files.thumbnails.load(original, (100, 100)).size == (100, 75)
    assert kept(files) == [small]
    assert small.read_bytes() == whole


def test_transparency_is_kept(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(path)
    original = put(files, path)
    files.thumbnails.prepare(original)
    assert files.thumbnails.load(original, (50, 50)).getpixel((9, 9))[3] == 0  # type: ignore[index]


def test_a_lost_or_broken_original_is_told_though_a_small_picture_is_there(
    files: ContentFiles, tmp_path: Path
) -> None:
    original = put(files, gradient(tmp_path / "a.png", (80, 60)))
    files.thumbnails.prepare(original)
    original.unlink()
    with pytest.raises(PictureError, match="its file is gone"):
        files.thumbnails.load(original, (50, 50))
    original.with_name("broken.png").write_bytes(b"broken")
    files.thumbnails.prepare(original.with_name("broken.png"))
    with pytest.raises(PictureError, match="cannot be read"):
        files.thumbnails.load(original.with_name("broken.png"), (50, 50))


def test_a_disk_that_takes_nothing_costs_only_time(files: ContentFiles, tmp_path: Path) -> None:
    original = put(files, gradient(tmp_path / "a.png", (80, 60)))
    files.thumbnails.folder.write_bytes(b"a file where the folder should be")
    files.thumbnails.prepare(original)
    assert files.thumbnails.load(original, (40, 40)).size == (40, 30)
    assert not list(files.incoming.iterdir())


def test_several_at_once_make_one_whole_file(files: ContentFiles, tmp_path: Path) -> None:
    original = put(files, noise(tmp_path / "a.png", (300, 300)))
    sizes: list[tuple[int, int]] = []

    def look() -> None:
        sizes.append(files.thumbnails.load(original, (150, 150)).size)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [(150, 150)] * 6
    assert len(kept(files)) == 1
    assert not list(files.incoming.iterdir())


@pytest.mark.parametrize("damage", [None, b"", b"RIFF\x00\x01\x00\x00WEBP"])
def test_what_an_output_showed_is_shown_again_by_another_kernel(
    files: ContentFiles, tmp_path: Path, damage: bytes | None
) -> None:
    original = put(files, gradient(tmp_path / "a.png", (300, 200)))

    def show() -> tuple[int, int, bytes]:
        _cached.cache_clear()
        shelf = files.thumbnails
        small = thumbnail(original, box=(60, 60), max_bytes=3000, load=shelf.load, shelf=shelf)
        return small.width, small.height, small.data

    files.thumbnails.prepare(original)
    first = show()
    (shown,) = kept(files, f"{original.stem}-60x60-3000.webp")
    if damage is None:
        # Nothing is decoded: the other small picture is not there any more.
        next(iter(kept(files))).unlink()
    else:
        shown.write_bytes(damage)
    assert show() == first
    assert shown.read_bytes() == first[2]
    assert len(kept(files)) == (0 if damage is None else 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_delivered_picture_is_not_decoded_again_for_any_grid_of_many(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    path = tmp_path / "a.png"
    Image.open(gradient(path, (1600, 900))).convert(mode).save(path)
    original = put(files, path)
    files.thumbnails.prepare(original, inspect(original, BOX).small)
    monkeypatch.setattr("rivya_nb.imaging.decoding.find_format", lambda _: pytest.fail("it is decoded"))
    jobs = [make_job(f"j{number}", size=(1600, 900)) for number in range(36)]
    for axes in ({"x": "123456", "y": "123456"}, {"x": "1234", "y": "123456789"}):
        _cached.cache_clear()
        layout = arrange(*make_run(axes, jobs))
        shelf = files.thumbnails
        shown = collect(layout, lambda _: original, load=shelf.load, shelf=shelf)
        sizes = {None if small is None else (small.width, small.height) for small in shown.values()}
        assert sizes == {(455, 256)}


@pytest.mark.parametrize(("name", "mime_type"), [("film.mp4", "video/mp4"), ("sound.mp3", "audio/mpeg")])
def test_a_poster_is_kept_and_a_card_is_not(
    files: ContentFiles, monkeypatch: pytest.MonkeyPatch, name: str, mime_type: str
) -> None:
    original = put(files, FOLDER / name, mime_type)

    def show() -> bytes:
        _cached.cache_clear()
        shelf = files.thumbnails
        shelf.prepare(original)
        return thumbnail(original, box=(40, 30), max_bytes=3000, load=shelf.load, shelf=shelf).data

    with monkeypatch.context() as patch:
        patch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
        card = show()
    assert kept(files, "*.*") == []
    poster = show()
    assert poster != card
    assert [path.suffix for path in kept(files)] == [".jpg"]
    # What is kept is shown also where there is no ffmpeg any more.
    with monkeypatch.context() as patch:
        patch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
        assert show() == poster
