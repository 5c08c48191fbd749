"""From pictures of any depth and mode to eight bits: the same brightness, wherever they are seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from imaging.samples import GREYS, grey16, noise, steps
from rivya_nb.imaging.modes import eight_bits, orientation, turned
from rivya_nb.measures.metric import sample
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.thumbnails import decode
from rivya_nb.views.thumbnails import thumbnail


def numbers(mode: str, *values: float) -> Image.Image:
    image = Image.new(mode, (len(values), 1))
    for place, value in enumerate(values):
        image.putpixel((place, 0), value)
    return image


def greys(image: Image.Image) -> list[int]:
    return [int(image.getpixel((place, 0))) for place in range(image.width)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (numbers("I;16", 0, 257, 32_768, 65_535), [0, 1, 128, 255]),
        (numbers("I;16B", 0, 257, 32_768, 65_535), [0, 1, 128, 255]),
        (numbers("I", 0, 32_768, 65_535), [0, 128, 255]),
        (numbers("I", 0, 2**31 - 1), [0, 255]),
        (numbers("I", -100, 100), [0, 255]),
        (numbers("I", 7), [0]),
        (numbers("F", 0, 0.5, 1), [0, 128, 255]),
        (numbers("F", 0, 127, 255), [0, 127, 255]),
        (numbers("F", 0, 65_535), [0, 255]),
        (numbers("F", -1, 0, 1), [0, 128, 255]),
        (numbers("F", 1e9, 1e9), [255, 255]),
        (numbers("1", 0, 255), [0, 255]),
        (numbers("L", 0, 200), [0, 200]),
    ],
)
def test_brightness_is_scaled_and_not_clipped(image: Image.Image, expected: list[int]) -> None:
    grey = eight_bits(image)
    assert grey.mode == "L"
    assert greys(grey) == expected


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"), ("L", "L"), ("LA", "RGBA"), ("P", "RGB"), ("PA", "RGBA"), ("RGB", "RGB"), ("RGBA", "RGBA"),
        ("RGBa", "RGBA"), ("RGBX", "RGB"), ("CMYK", "RGB"), ("YCbCr", "RGB"), ("LAB", "RGB"), ("HSV", "RGB"),
        ("I", "L"), ("F", "L"), ("I;16", "L"), ("I;16B", "L"), ("I;16L", "L"),
    ],
)  # fmt: skip
def test_every_mode_becomes_one_of_three(mode: str, becomes: str) -> None:
    assert eight_bits(Image.new(mode, (3, 2))).mode == becomes


@pytest.mark.parametrize(
    ("mode", "clear", "place"),
    [("L", 7, (0, 0)), ("RGB", (1, 2, 3), (0, 0)), ("1", 0, (0, 0)), ("P", 0, (0, 0))],
)
def test_a_colour_that_means_transparent_is(
    mode: str, clear: object, place: tuple[int, int], tmp_path: Path
) -> None:
    image = Image.new(mode, (8, 8), clear)  # type: ignore[arg-type]
    image.save(tmp_path / "clear.png", transparency=clear)
    with Image.open(tmp_path / "clear.png") as read:
        assert eight_bits(read).getpixel(place)[3] == 0  # type: ignore[index]


def test_of_16_bits_only_the_very_grey_that_means_transparent_is(tmp_path: Path) -> None:
    with Image.open(grey16(tmp_path / "grey.png", transparency=20_000)) as image:
        colours = eight_bits(image)
    assert steps(colours.getchannel("A")) == (255, 0, 255, 255)
    assert steps(colours.getchannel("R")) == GREYS


def test_a_grey_of_16_bits_is_seen_as_it_is_in_small_pictures(tmp_path: Path) -> None:
    path = grey16(tmp_path / "grey.png")
    assert steps(decode(path, (64, 64))) == GREYS
    files = ContentFiles(tmp_path)
    kept = files.path(files.put(path.read_bytes(), "image/png"), "image/png")
    files.thumbnails.prepare(kept)
    shown = steps(files.thumbnails.load(kept, (32, 32)))
    assert all(abs(one - other) < 4 for one, other in zip(shown, GREYS, strict=True))
    assert thumbnail(path, box=(64, 64), max_bytes=9000).width == 64


def test_a_grey_of_16_bits_is_measured_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    with Image.open(grey16(tmp_path / "grey.png")) as image:
        lightness = sample(image).lightness
    assert [round(float(lightness[32, place])) for place in (8, 24, 40, 56)] == [0, 33, 64, 100]


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_it_says(turn: int) -> None:
    image = noise(size=(5, 3))
    image.getexif()[0x0112] = turn
    assert orientation(image) == turn
    upright = turned(image, turn)
    assert upright.size == ((3, 5) if turn >= 5 else (5, 3))
    assert orientation(upright) == (1 if turn > 1 else turn)


def test_damaged_exif_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    noise().save(path, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert decode(path, (40, 40)).size == (40, 30)
    noise().save(path, exif=b"Exif\0\0no EXIF at all")
    assert decode(path, (40, 40)).size == (40, 30)
