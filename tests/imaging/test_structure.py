"""Whole or cut: decided by walking a file's parts, whatever stands behind the picture."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.samples import FILM, HEIC, WHOLE, box, encoded, noise, png_chunk, several, with_chunks
from rivya_nb.imaging.formats import HEADER_BYTES, find_format
from rivya_nb.imaging.structure import is_whole

NAMED = sorted(WHOLE)


def whole(data: bytes) -> bool | None:
    kind = find_format(data[:HEADER_BYTES])
    assert kind is not None
    return is_whole(data, kind)


@pytest.mark.parametrize("name", NAMED)
def test_a_whole_file_is_whole(name: str) -> None:
    assert whole(WHOLE[name]) is True


@pytest.mark.parametrize("name", NAMED)
@given(missing=st.data())
@settings(max_examples=20)
def test_a_file_that_lacks_its_last_bytes_is_never_whole(name: str, missing: st.DataObject) -> None:
    data = WHOLE[name]
    end = missing.draw(st.integers(HEADER_BYTES // 16, len(data) - 1))
    # A file that is cut within its head may not tell; what decodes it then does.
    assert whole(data[:end]) in ((False,) if end >= 64 else (False, None))


def test_a_jpeg_2000_that_is_cut_between_its_boxes_is_not_whole() -> None:
    data = WHOLE["JPEG 2000"]
    assert whole(data[: data.index(b"jp2c") - 4]) is False


@pytest.mark.parametrize("name", [name for name in NAMED if "animated" not in name])
def test_each_single_byte_counts(name: str) -> None:
    data = WHOLE[name]
    assert [end for end in range(len(data) - 300, len(data)) if whole(data[:end])] == []


@pytest.mark.parametrize("name", NAMED)
@given(
    more=st.one_of(
        st.binary(min_size=1, max_size=300), st.sampled_from([b"\r\n", bytes(64), FILM, *WHOLE.values()])
    )
)
@settings(max_examples=20)
def test_what_follows_a_picture_says_nothing_against_it(name: str, more: bytes) -> None:
    assert whole(WHOLE[name] + more) is True


@given(cut=st.integers(0, len(FILM)), seed=st.integers(0, 50))
@settings(max_examples=25)
def test_a_motion_photo_is_whole_however_much_of_its_film_came(cut: int, seed: int) -> None:
    photo = encoded("JPEG", noise(seed=seed))
    assert whole(photo + FILM[:cut]) is True
    assert whole(photo[: len(photo) - 1 - cut % (len(photo) - 64)]) is False


def test_the_first_of_several_pictures_in_a_jpeg_is_what_counts() -> None:
    first = len(encoded("JPEG"))
    assert whole(several("MPO")) is True
    assert whole(several("MPO")[:-500]) is True
    assert whole(several("MPO")[: first - 100]) is False


def test_a_gif_without_its_trailer_is_cut() -> None:
    assert whole(WHOLE["GIF"][:-1]) is False


def test_an_avif_whose_places_lie_past_its_end_is_cut_though_its_boxes_are_whole() -> None:
    data = WHOLE["AVIF"]
    boxes_end = data.index(b"mdat") - 4
    assert whole(data[:boxes_end]) is False
    assert whole(data[:boxes_end] + box(b"free", b"")) is False


def test_a_film_that_began_does_not_cut_the_picture_before_it() -> None:
    assert whole(WHOLE["AVIF"] + FILM[:100]) is True


def test_a_file_that_does_not_tell_where_it_ends_is_neither() -> None:
    assert whole(HEIC) is None
    assert whole(HEIC[:-1]) is False
    assert whole(b"\xff\x0a" + bytes(50)) is None


def test_a_png_that_names_its_end_inside_a_chunk_is_not_whole() -> None:
    end = png_chunk(b"IEND", b"")
    data = with_chunks(png_chunk(b"tEXt", b"comment\0" + end))
    assert whole(data) is True
    assert whole(data[: data.index(end) + 12]) is False


@pytest.mark.parametrize("name", ["TIFF", "BigTIFF", "AVIF", "GIF", "BMP", "ICO", "WebP", "JPEG 2000"])
@given(garbage=st.data())
@settings(max_examples=25)
def test_hostile_bytes_end_the_walk(name: str, garbage: st.DataObject) -> None:
    data = bytearray(WHOLE[name])
    for _ in range(6):
        data[garbage.draw(st.integers(12, min(400, len(data) - 1)))] = garbage.draw(st.integers(0, 255))
    whole(bytes(data))
