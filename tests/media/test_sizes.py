"""The size of a video is the one in which players show it: upright, and with the shape of its pixels."""

from __future__ import annotations

import struct

import pytest
from sandbox.recorded import _element as element

from media.samples import box, sample
from rivya_nb.media.formats import MKV, MP4, OGV
from rivya_nb.media.structure import walk

UPRIGHT, LEFT, RIGHT, OVER = (1, 0, 0, 1), (0, 1, -1, 0), (0, -1, 1, 0), (-1, 0, 0, -1)


def film(
    frames: tuple[int, int] | None,
    head: tuple[int, int],
    pixels: bytes = b"",
    turned: tuple[int, ...] = UPRIGHT,
) -> bytes:
    """An MP4 whose track's head and whose samples tell these sizes."""
    a, b, c, d = (each << 16 for each in turned)
    place = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + struct.pack(">II", *(s << 16 for s in head))
    entry = (
        b"" if frames is None else box(b"avc1", bytes(24) + struct.pack(">HH", *frames) + bytes(50) + pixels)
    )
    tables = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1) + entry))
    media = box(b"mdia", box(b"hdlr", bytes(8) + b"vide" + bytes(13)) + box(b"minf", tables))
    return box(b"ftyp", b"isom" + bytes(4)) + box(
        b"moov", box(b"trak", box(b"tkhd", bytes(40) + place) + media)
    )


def pasp(across: int, down: int) -> bytes:
    return box(b"pasp", struct.pack(">II", across, down))


CLAP = box(b"clap", struct.pack(">8I", 32, 1, 24, 1, 0, 1, 0, 1))


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (film((64, 48), (64, 48)), (64, 48)),
        (film((64, 48), (64, 48), turned=LEFT), (48, 64)),
        (film((64, 48), (64, 48), turned=RIGHT), (48, 64)),
        (film((64, 48), (64, 48), turned=OVER), (64, 48)),
        (film((64, 48), (64, 48), turned=(0, 0, 0, 0)), (64, 48)),
        # The head of the track tells the shape, not how many pixels there are.
        (film((64, 48), (128, 48)), (128, 48)),
        (film((64, 48), (32, 48), turned=LEFT), (48, 32)),
        (film((64, 48), (128, 96)), (64, 48)),
        (film((64, 48), (0, 0)), (64, 48)),
        (film((0, 0), (64, 48)), (64, 48)),
        (film((0, 48), (64, 48)), (64, 48)),
        (film(None, (64, 48), turned=LEFT), (48, 64)),
        # The shape of the pixels tells more.
        (film((720, 480), (720, 480), pasp(10, 11)), (655, 480)),
        (film((720, 480), (720, 480), CLAP + pasp(10, 11), LEFT), (480, 655)),
        (film((64, 48), (128, 48), pasp(1, 1)), (64, 48)),
        (film((64, 48), (64, 48), pasp(0, 1)), (64, 48)),
        (film((64, 48), (64, 48), pasp(1, 0)), (64, 48)),
        # No video is so wide.
        (film((64, 48), (64, 48), pasp(1 << 30, 1)), (0, 0)),
    ],
)
def test_an_mp4_has_the_size_that_players_show(data: bytes, size: tuple[int, int]) -> None:
    found = walk(data, MP4)
    assert (found.medium, found.width, found.height) == ("video", *size)


def matroska(**told: int | float) -> bytes:
    names = {"width": 0xB0, "height": 0xBA, "shown_width": 0x54B0, "shown_height": 0x54BA, "unit": 0x54B2}
    names |= {"bottom": 0x54AA, "top": 0x54BB, "left": 0x54CC, "right": 0x54DD}
    video = b"".join(
        element(names[name], value.to_bytes(4, "big")) for name, value in told.items() if name != "roll"
    )
    if "roll" in told:
        video += element(0x7670, element(0x7671, b"\0") + element(0x7675, struct.pack(">f", told["roll"])))
    track = element(0xAE, element(0x83, b"\1") + element(0xE0, video))
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + element(0x18538067, element(0x1654AE6B, track))


PIXELS = {"width": 64, "height": 48}


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ({}, (64, 48)),
        ({"shown_width": 128}, (128, 48)),
        ({"shown_height": 24}, (128, 48)),
        ({"shown_width": 128, "shown_height": 96}, (64, 48)),
        # Centimetres, inches, a ratio, and what nobody knows.
        ({"shown_width": 16, "shown_height": 9, "unit": 1}, (85, 48)),
        ({"shown_width": 16, "shown_height": 9, "unit": 3}, (85, 48)),
        ({"shown_width": 16, "shown_height": 9, "unit": 4}, (64, 48)),
        ({"left": 4, "right": 8, "top": 2, "bottom": 6}, (52, 40)),
        ({"left": 4, "right": 8, "top": 2, "bottom": 6, "shown_width": 104, "shown_height": 40}, (104, 40)),
        ({"left": 64}, (0, 0)),
        ({"top": 1000}, (0, 0)),
        ({"shown_width": 1 << 31}, (0, 0)),
        ({"roll": 90.0}, (48, 64)),
        ({"roll": -90.0}, (48, 64)),
        ({"roll": 180.0}, (64, 48)),
        ({"roll": float("nan")}, (64, 48)),
        ({"roll": float("inf")}, (64, 48)),
    ],
)
def test_a_matroska_has_the_size_that_players_show(told: dict[str, int], size: tuple[int, int]) -> None:
    found = walk(matroska(**PIXELS, **told), MKV)
    assert (found.medium, found.width, found.height) == ("video", *size)


@pytest.mark.parametrize(("name", "shape"), [("film.ogv", (58, 3)), ("film_vp8.ogv", (40, 3))])
def test_an_ogg_has_the_size_that_players_show(name: str, shape: tuple[int, int]) -> None:
    at, wide = shape
    data = sample(name)
    for across, down, size in ((2, 1, (96, 32)), (1, 2, (24, 32)), (0, 0, (48, 32))):
        told = across.to_bytes(wide, "big") + down.to_bytes(wide, "big")
        found = walk(data[:at] + told + data[at + 2 * wide :], OGV)
        assert (found.width, found.height) == size
