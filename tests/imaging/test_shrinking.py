"""Small pictures: made of the pixels that were decoded for the check, and like those that are made later."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from imaging.samples import GREYS, WHOLE, encoded, grey16, noise, steps
from rivya_nb.api.inspection import inspect
from rivya_nb.imaging import decoding
from rivya_nb.imaging.modes import ORIENTATION
from rivya_nb.store.thumbnails import decode

BOX = (100, 60)


def put(folder: Path, data: bytes) -> Path:
    path = folder / "picture"
    path.write_bytes(data)
    return path


def checked(path: Path) -> Image.Image:
    """The small picture that comes with the check."""
    small = inspect(path, BOX).small
    assert small is not None
    return small


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, from 0 to 255."""
    assert (one.mode, one.size) == (other.mode, other.size)
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def scene(mode: str, size: tuple[int, int]) -> Image.Image:
    """Soft shapes with some detail."""
    picture = noise("RGB", (5, 4)).resize(size, Image.Resampling.BICUBIC)
    return Image.blend(picture, noise("RGB", size), 0.1).convert(mode)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_check_gives_the_small_picture_that_decoding_again_would_give(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, WHOLE[name])
    assert apart(checked(path), decode(path, BOX)) == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(400, 240), (457, 331), (120, 400)])
def test_a_small_picture_is_like_one_that_is_shrunk_with_the_best_filter(
    tmp_path: Path, kind: str, size: tuple[int, int]
) -> None:
    path = put(tmp_path, encoded(kind, scene("RGB", size), quality=95))
    small, later = checked(path), decode(path, BOX)
    with Image.open(path) as image:
        best = image.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
    assert apart(small, best) < 4
    assert apart(later, best) < 4


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_small_picture_is_upright_however_it_is_stored(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    path = put(tmp_path, encoded("JPEG", scene("RGB", (400, 240)), exif=exif, quality=95))
    small = checked(path)
    assert small.size == ((100, 60) if turn < 5 else (36, 60))
    assert apart(small, decode(path, BOX)) < 4


def test_what_is_transparent_stays_so(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (400, 240), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 200, 240))
    small = checked(put(tmp_path, encoded("PNG", picture)))
    assert small.getpixel((20, 30)) == (0, 0, 0, 0)
    assert small.getpixel((80, 30)) == (255, 0, 0, 255)


def test_a_grey_of_sixteen_bits_keeps_its_steps(tmp_path: Path) -> None:
    assert steps(checked(grey16(tmp_path / "grey.png"))) == GREYS


def test_a_large_jpeg_is_decoded_no_larger_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, int]] = []
    really = decoding._load_all

    def noting(*asked: object) -> object:
        image = really(*asked)  # type: ignore[arg-type]
        drawn.append(image.size)
        return image

    monkeypatch.setattr(decoding, "_load_all", noting)
    assert decode(put(tmp_path, encoded("JPEG", scene("RGB", (320, 320)))), BOX).size == (60, 60)
    assert drawn == [(80, 80)]


def test_a_picture_is_kept_although_no_small_one_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.imaging.shrinking.eight_bits", lambda _: 1 / 0)
    found = inspect(put(tmp_path, WHOLE["PNG"]), BOX)
    assert (found.small, found.mime_type, found.width) == (None, "image/png", 40)
