"""WebM and Matroska without lengths, as browsers and broadcasts write them: how long, and whether whole."""

from __future__ import annotations

import struct

import pytest
from sandbox.recorded import _element as element

from rivya_nb.media.formats import MKV
from rivya_nb.media.structure import walk
from rivya_nb.media.walking import Walked

SEGMENT, CLUSTER, INFO, TRACKS, CUES, VOID = 0x18538067, 0x1F43B675, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0xEC
HEAD = element(0x1A45DFA3, element(0x4282, b"matroska"))


def opened(name: int, content: bytes) -> bytes:
    """An element whose size nobody knew."""
    return name.to_bytes(4, "big") + b"\x01" + b"\xff" * 7 + content


def number(name: int, value: int, size: int = 4) -> bytes:
    return element(name, value.to_bytes(size, "big"))


def track(kind: int, frame: int = 0) -> bytes:
    """A track whose number is its kind, with a frame of so many milliseconds."""
    return element(0xAE, number(0xD7, kind, 1) + number(0x83, kind, 1) + number(0x23E383, frame * 1_000_000))


def body(at: int, kind: int = 1) -> bytes:
    return bytes([0x80 | kind]) + struct.pack(">h", at) + bytes(5)


def block(at: int, kind: int = 1) -> bytes:
    return element(0xA3, body(at, kind))


def group(at: int, lasting: int) -> bytes:
    return element(0xA0, element(0xA1, body(at)) + number(0x9B, lasting))


def cluster(time: int, *blocks: bytes) -> bytes:
    return element(CLUSTER, number(0xE7, time) + b"".join(blocks))


def open_cluster(time: int, *blocks: bytes) -> bytes:
    return opened(CLUSTER, number(0xE7, time) + b"".join(blocks))


FILM = element(TRACKS, track(1, 40) + track(2))


def live(*parts: bytes, tracks: bytes = FILM, scale: int = 1_000_000) -> bytes:
    info = element(INFO, number(0x2AD7B1, scale))
    return HEAD + opened(SEGMENT, info + tracks + b"".join(parts))


@pytest.mark.parametrize(
    ("data", "duration"),
    [
        (live(cluster(0, block(0)), cluster(5000, block(0), block(40))), 5.08),
        (live(open_cluster(0, block(0)), open_cluster(5000, block(0), block(40))), 5.08),
        # A frame that is shown earlier may follow; it may be shown before its cluster's own time, too.
        (live(cluster(5000, block(80), block(40))), 5.12),
        (live(cluster(5000, block(-80))), 4.96),
        (live(cluster(5000, group(40, 500))), 5.54),
        (live(cluster(5000, group(40, 500), block(80))), 5.54),
        (live(cluster(5000, block(0), element(VOID, bytes(40)), block(90, kind=2))), 5.09),
        (live(open_cluster(5000, block(0)), element(CUES, bytes(40))), 5.04),
        (live(cluster(5000, block(40)), scale=500_000), 2.56),
        (live(cluster(5000, block(0)), scale=0), 5.04),
        (live(open_cluster(5000, block(0)), FILM, tracks=b""), 5.04),
        (live(cluster(0)), None),
    ],
)
def test_what_has_no_length_lasts_until_its_last_block_ends(data: bytes, duration: float | None) -> None:
    found = walk(data, MKV)
    assert found.duration == (None if duration is None else pytest.approx(duration))
    assert found.medium == "video"


def test_the_length_in_the_head_counts_where_it_is_told() -> None:
    for told in (struct.pack(">f", 2000), struct.pack(">d", 2000)):
        info = element(INFO, element(0x4489, told) + number(0x2AD7B1, 500_000))
        assert walk(live(info, cluster(5000, block(0))), MKV).duration == 1.0
    strange = element(INFO, element(0x4489, bytes(6)))
    assert walk(live(strange, cluster(5000, block(0))), MKV).duration == 5.04


SHAPE = element(0xE0, number(0xB0, 64) + number(0xBA, 48))


@pytest.mark.parametrize(
    ("tracks", "medium", "rate"),
    [
        (FILM, "video", 0),
        (
            element(TRACKS, element(0xAE, number(0x83, 1, 1) + number(0x23E383, 40_000_000) + SHAPE)),
            "video",
            25,
        ),
        (element(TRACKS, element(0xAE, number(0x83, 1, 1) + SHAPE)), "video", 0),
        (element(TRACKS, track(2)), "audio", 0),
        (element(TRACKS, track(17)), None, 0),
        (element(TRACKS, element(VOID, track(1)) + track(2)), "audio", 0),
        # An entry without a size is none.
        (element(TRACKS, track(2) + b"\xae\xff"), "audio", 0),
    ],
)
def test_the_tracks_say_what_it_is(tracks: bytes, medium: str | None, rate: float) -> None:
    found = walk(live(cluster(0, block(0)), tracks=tracks), MKV)
    assert (found.medium, found.rate) == (medium, rate)


A, B = cluster(0, block(0)), open_cluster(40, block(0), block(40))
INDEX = element(CUES, bytes(20))


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (live(A), None),
        (live(B), None),
        (live(A, B, A), None),
        (live(A, INDEX), True),
        (live(B, INDEX), True),
        (live(INDEX, A), None),
        (live(B, INDEX, A), None),
        (live(B, element(INFO, b""), INDEX, element(VOID, bytes(9))), True),
        (live(A, INDEX[:-1]), False),
        (live(B, INDEX[:-1]), False),
        (live(A[:-1]), False),
        (live(B[:-1]), False),
        # The start of what would come next, and what a server adds.
        (live(A, INDEX[:7]), False),
        (live(B, INDEX[:7]), False),
        (live(B, block(0)[:2]), False),
        (live(A, b"\r\n\0"), None),
        (live(B, b"\r\n\0"), None),
        (live(B, INDEX, b"\r\n\0"), True),
        (live(), False),
        (HEAD, False),
        # With a length, it has an end, behind which nothing counts.
        (HEAD + element(SEGMENT, FILM + A), True),
        (HEAD + element(SEGMENT, FILM + B), True),
        (HEAD + element(SEGMENT, FILM + A) + b"<html>", True),
        ((HEAD + element(SEGMENT, FILM + A))[:-1], False),
        (HEAD + element(SEGMENT, FILM), False),
        # Two that were joined.
        (live(A, INDEX) + live(A), True),
        (live(B) + live(A, INDEX), None),
    ],
)
def test_whole_is_what_ends_where_it_says(data: bytes, whole: bool | None) -> None:
    assert walk(data, MKV).whole is whole


def test_more_elements_than_anyone_would_read_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivya_nb.media.walking.MOST_STEPS", 500)
    assert walk(live(open_cluster(0, *[block(0)] * 600)), MKV) == Walked(None)
