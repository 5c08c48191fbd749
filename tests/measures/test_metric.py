"""What the two numbers say of two pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from rivya_nb.errors import PictureError
from rivya_nb.measures.comparing import compare_all
from rivya_nb.measures.metric import NONE, compare, sample
from rivya_nb.measures.pairs import Pair
from rivya_nb.store.thumbnails import decode

MODES = ("RGB", "RGBA", "L", "P", "CMYK", "LA")


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    return noise.convert(draw(st.sampled_from(MODES)))


def bottle(colour: str, left: int, size: tuple[int, int] = (300, 300)) -> Image.Image:
    drawn = Image.new("RGB", (300, 300), "#d8d4cc")
    ImageDraw.Draw(drawn).rectangle((left, 60, left + 70, 280), fill=colour)
    return drawn.resize(size)


@settings(max_examples=25)
@given(pictures(), pictures())
def test_it_is_the_same_in_either_order_and_within_its_range(one: Image.Image, other: Image.Image) -> None:
    there, back = compare(sample(one), sample(other)), compare(sample(other), sample(one))
    assert (there.structure, there.colour) == pytest.approx((back.structure, back.colour), abs=1e-5)
    assert 0 <= there.structure <= 2
    assert 0 <= there.colour <= 130


@settings(max_examples=25)
@given(pictures())
def test_a_picture_does_not_differ_from_itself(picture: Image.Image) -> None:
    assert compare(sample(picture), sample(picture.copy())) == NONE


def test_black_and_white_are_as_far_apart_as_colours_are() -> None:
    black, white = (sample(Image.new("RGB", (50, 20), colour)) for colour in ("black", "white"))
    assert compare(black, white).colour == pytest.approx(100, abs=0.01)
    assert compare(black, white).structure == pytest.approx(1, abs=0.01)
    # On the scale of lightness, from 0 to 100, the darkest grey is hardly anything.
    assert compare(black, sample(Image.new("RGB", (9, 9), "#020202"))).structure < 0.3
    clear = Image.new("RGBA", (9, 9), (0, 0, 0, 0))
    assert compare(sample(clear), white) == NONE


def test_another_colour_moves_the_colour_and_another_place_moves_the_structure() -> None:
    plain = sample(bottle("#7a3b2e", 115))
    # Red and green of the same lightness.
    recoloured = compare(plain, sample(bottle("#27552f", 115)))
    moved = compare(plain, sample(bottle("#7a3b2e", 30)))
    assert moved.structure > 5 * recoloured.structure
    assert recoloured.colour > 3


def test_a_shape_is_stretched_to_the_common_frame_and_nothing_is_cut_off() -> None:
    square, wide, high = (bottle("#7a3b2e", 115, size) for size in ((300, 300), (533, 300), (225, 300)))
    for shape in (wide, high):
        difference = compare(sample(square), sample(shape))
        assert difference.structure < 0.02
        assert difference.colour < 0.5


def test_twins_are_no_different_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    red, blue, broken = (tmp_path / name for name in ("red.png", "blue.png", "broken.png"))
    Image.new("RGB", (20, 20), "red").save(red)
    Image.new("RGB", (20, 20), "blue").save(blue)
    broken.write_bytes(b"no picture")
    with pytest.raises(PictureError):
        decode(broken, (9, 9))
    compared = compare_all(
        {(0,): red, (1,): red, (2,): blue, (3,): broken}, 1, lambda path, box: [decode(path, box)]
    )
    assert compared.unread == {(3,)}
    assert compared.found.keys() == {Pair(0, (0,), (1,)), Pair(0, (0,), (2,)), Pair(0, (1,), (2,))}
    assert compared.found[Pair(0, (0,), (1,))] == NONE
    assert compared.found[Pair(0, (0,), (2,))].colour > 40
