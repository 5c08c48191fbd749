"""Pictures: the right size, the same for the same request, and clearly another for another."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from variants import variants

from rivya_nb.contract.catalogue import bundled
from rivya_nb.sandbox.drawing import draw
from rivya_nb.sandbox.sizes import pixel_size

SMALL = (256, 256)


def picture(prompt: str = "a glass bottle", seed: str = "1", **more: Any) -> Image.Image:
    image = Image.open(io.BytesIO(draw(prompt, seed=seed, **{"size": SMALL, **more})))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of a channel's values, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def mean_colour(image: Image.Image) -> list[float]:
    return ImageStat.Stat(image).mean


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"aspect_ratio": "1:1", "resolution": "1K"}, (1024, 1024)),
        ({"aspect_ratio": "1:1", "resolution": "2K"}, (2048, 2048)),
        ({"aspect_ratio": "16:9", "resolution": "1K"}, (1360, 768)),
        ({"aspect_ratio": "9:16", "resolution": "1K"}, (768, 1360)),
        ({"aspect_ratio": "8:1", "resolution": "1K"}, (2896, 368)),
        ({"aspectRatio": "3:4", "resolution": "2K"}, (1776, 2368)),
        ({"image_size": "square_hd"}, (1024, 1024)),
        ({"image_size": "square"}, (512, 512)),
        ({"image_size": "landscape_16_9"}, (1360, 768)),
        ({"image_size": "portrait_4_3"}, (880, 1184)),
        ({"image_size": "portrait_3_2", "image_resolution": "2K"}, (1680, 2512)),
        ({"imageSize": "auto"}, (1024, 1024)),
        ({"size": "3:2"}, (1248, 832)),
        ({}, (1024, 1024)),
    ],
)
def test_the_size_follows_shape_and_resolution(params: dict[str, str], size: tuple[int, int]) -> None:
    assert pixel_size(params) == size


def test_every_documented_shape_keeps_its_area_and_its_ratio() -> None:
    keys = ("aspect_ratio", "aspectRatio", "imageSize", "image_size", "size")
    shapes = {
        option
        for model in bundled().values()
        if model.category == "image"
        for param in model.params
        if param.key in keys
        for option in param.options or ()
    }
    for shape in shapes - {"square"}:
        width, height = pixel_size({"size": shape})
        assert width % 16 == height % 16 == 0
        assert width * height == pytest.approx(1024 * 1024, rel=0.03)
        numbers = [int(n) for n in shape.replace("_", ":").split(":") if n.isdigit()]
        if numbers:
            assert max(width, height) / min(width, height) == pytest.approx(
                max(numbers) / min(numbers), rel=0.04
            )


@pytest.mark.parametrize("size", [(1360, 768), (368, 2896), (2896, 368), (64, 64)])
def test_a_picture_has_exactly_the_size_asked_for(size: tuple[int, int]) -> None:
    assert picture(size=size).size == size


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG"])
def test_the_same_request_gives_the_same_bytes(picture_format: Any) -> None:
    one, other = (draw("a vase", seed="7", size=SMALL, picture_format=picture_format) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    "prompt",
    variants(
        [
            "a glass bottle",
            "a vase",
            "red cup, dusk",
            "fruit",
            "candle",
            "ball",
            "a cat",
            "mountains",
            "a robot",
        ],
        lambda prompt: prompt in ("a glass bottle", "red cup, dusk", "mountains", "a robot"),
    ),
)
def test_any_two_seeds_differ_visibly(prompt: str) -> None:
    pictures = [picture(prompt, seed=str(seed)) for seed in (0, 1, 2, 3, 8123, 2147483647)]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert difference(one, other) > 10


def test_a_seed_keeps_its_composition_at_another_resolution() -> None:
    large = picture(size=(1024, 1024)).resize(SMALL, Image.Resampling.BICUBIC)
    assert difference(large, picture()) < 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a glass bottle", "a glass bottle at night"),
        ("a glass bottle", "a vase"),
        ("a glass bottle", "two glass bottles"),
        ("a fox in the snow", "a fox in the forest"),
        ("a house", "a house in fog"),
        ("ขวดแก้ว", "แมว"),
        ("静かな朝", "静かな夜"),
        ("一只猫", "一只狐狸"),
    ],
)
def test_a_word_that_is_known_changes_the_picture_in_any_script(one: str, other: str) -> None:
    assert difference(picture(one), picture(other)) > 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A red fox in fresh snow", "A red fox in deep snow"),
        ("a quiet idea", "a LOUD idea"),
        ("тихий вечер", "тихое утро"),
        ("a lion", "portrait of a woman, 35mm, highly detailed"),
        ("ขวดแก้ว", "ขวดแก้วใบเล็ก"),
    ],
)
def test_words_that_are_not_known_change_nothing_but_the_bytes(one: str, other: str) -> None:
    assert difference(picture(one), picture(other)) == 0
    assert draw(one, seed="1", size=SMALL) != draw(other, seed="1", size=SMALL)


def test_another_colour_of_the_thing_leaves_what_is_around_it() -> None:
    red, blue = picture("a red ball in snow"), picture("a blue ball in snow")
    upper = (0, 0, SMALL[0], 40)
    assert difference(red, blue) > 4
    assert difference(red.crop(upper), blue.crop(upper)) == 0


def test_colour_words_colour_the_object() -> None:
    red, blue = (picture(f"a {colour} ball", size=(256, 256)) for colour in ("red", "blue"))
    assert mean_colour(red)[0] > mean_colour(blue)[0] + 5
    assert mean_colour(red)[2] < mean_colour(blue)[2] - 5
    assert difference(picture("ลูกบอลสีแดง"), picture("ลูกบอลสีฟ้า")) > 5


def test_night_is_darker_than_day_in_both_languages() -> None:
    for night, day in (("a cup at night", "a cup at noon"), ("ถ้วย กลางคืน", "ถ้วย กลางวัน")):
        assert sum(mean_colour(picture(night))) + 150 < sum(mean_colour(picture(day)))


def test_references_show_in_the_picture_and_their_order_counts() -> None:
    red, green = (draw(f"{colour} ball", seed="3", size=(64, 64)) for colour in ("red", "green"))
    without, one = picture(), picture(references=[red])
    assert difference(without, one) > 5
    assert difference(one, picture(references=[green])) > 3
    assert difference(picture(references=[red, green]), picture(references=[green, red])) > 3


def test_a_reference_that_only_begins_like_a_picture_does_no_harm() -> None:
    assert picture(references=[b"\x89PNG\r\n\x1a\nnothing"]).size == SMALL


def test_style_and_watermark_change_it() -> None:
    assert difference(picture(), picture(style="QUALITY")) > 3
    assert 0 < difference(picture(), picture(watermark=True)) < 10


def test_every_picture_bears_the_mark_in_its_corner() -> None:
    for prompt in ("a bottle at night", "white bottle at noon"):
        corner = picture(prompt, size=(1024, 1024)).convert("L").crop((840, 970, 1010, 1010))
        darkest, lightest = corner.getextrema()
        assert isinstance(darkest, int)
        assert isinstance(lightest, int)
        assert lightest - darkest > 100


@pytest.mark.parametrize("prompt", ["", "\ud800", "a" * 5000, "{}|<b>", "sandbox"])
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert picture(prompt).size == SMALL
