"""The bundled measures on pictures of which the numbers are known."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from rivya_nb.errors import UsageError
from rivya_nb.measures.bundled import BUNDLED


def of(name: str, *images: Image.Image) -> float:
    measure = BUNDLED[name]
    made: list[Any] = [measure.prepare(image) for image in images] if measure.prepare else list(images)
    return float(measure.function(*made))


def plain(colour: Any) -> Image.Image:
    return Image.new("RGB", (64, 48), colour)


@pytest.fixture
def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def halves() -> Image.Image:
    """Half black, half white."""
    image = plain("black")
    image.paste("white", (0, 0, 32, 48))
    return image


def test_brightness_is_from_black_to_white() -> None:
    assert [of("brightness", plain(colour)) for colour in ("black", "white")] == [0, 1]
    assert of("brightness", plain((128, 128, 128))) == pytest.approx(128 / 255)


def test_contrast_is_the_deviation_of_the_luma(halves: Image.Image) -> None:
    assert of("contrast", plain("red")) == 0
    assert of("contrast", halves) == pytest.approx(0.5)


def test_colourfulness_is_that_of_hasler_and_suesstrunk(noise: Image.Image) -> None:
    assert of("colourfulness", plain((90, 90, 90))) == 0
    # Of one colour only the mean is left: 0.3 × √(255² + 127.5²).
    assert of("colourfulness", plain("red")) == pytest.approx(0.3 * math.hypot(255, 127.5))
    pixels = np.asarray(noise, float)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    one, other = red - green, (red + green) / 2 - blue
    expected = math.hypot(one.std(), other.std()) + 0.3 * math.hypot(one.mean(), other.mean())
    assert of("colourfulness", noise) == pytest.approx(expected)


def test_sharpness_falls_with_blur_and_does_not_know_the_size(noise: Image.Image) -> None:
    assert of("sharpness", plain("red")) == 0
    assert of("sharpness", noise) > 10 * of("sharpness", noise.filter(ImageFilter.GaussianBlur(2)))
    large = noise.resize((512, 512), Image.Resampling.NEAREST)
    larger = noise.resize((2048, 2048), Image.Resampling.NEAREST)
    assert of("sharpness", larger) == pytest.approx(of("sharpness", large), rel=0.01)


def test_entropy_is_in_bits(halves: Image.Image) -> None:
    assert of("entropy", plain("red")) == 0
    assert of("entropy", halves) == pytest.approx(1)


@pytest.mark.parametrize(("name", "same"), [("ssim", 1), ("ciede2000", 0), ("phash", 0)])
def test_a_picture_does_not_differ_from_itself(name: str, same: float, noise: Image.Image) -> None:
    assert of(name, noise, noise) == same
    assert of(name, noise, plain("red")) == of(name, plain("red"), noise) != same


def test_black_and_white_are_as_far_apart_as_colours_can_be() -> None:
    assert of("ciede2000", plain("black"), plain("white")) == pytest.approx(100, abs=0.01)


def test_what_is_alike_to_the_eye_has_the_same_hash_and_what_is_not_has_another(noise: Image.Image) -> None:
    blurred = noise.filter(ImageFilter.GaussianBlur(20))
    brighter = blurred.point(lambda value: min(255, value + 5))
    assert of("phash", blurred, brighter) <= 4
    assert of("phash", blurred, blurred.transpose(Image.Transpose.FLIP_TOP_BOTTOM)) > 16


def test_each_is_described_with_its_unit() -> None:
    assert all(each.about and each.unit and each.version for each in BUNDLED.values())


@pytest.mark.parametrize(("name", "module"), [("sharpness", "scipy.ndimage"), ("phash", "imagehash")])
def test_without_its_package_it_says_what_to_install(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    require = BUNDLED[name].require
    assert require is not None
    with pytest.raises(UsageError, match=r"pip install 'rivya-nb\[analysis\]'"):
        require()
