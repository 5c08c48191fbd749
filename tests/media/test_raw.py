"""Sound without a head, which only its request tells: kept as a WAV of the same samples, and nothing else is."""

from __future__ import annotations

import asyncio
import random
import struct
import wave
from collections.abc import Mapping
from pathlib import Path

import pytest
from api.scripted import answer, fetcher_of, scripted

from media.samples import sample
from rivya_nb.api.results import FetchedFile
from rivya_nb.contract.raw_sound import RawSound, asked_raw
from rivya_nb.errors import PictureError

PCM, ULAW, ALAW = RawSound("pcm", 16_000), RawSound("ulaw", 8000), RawSound("alaw", 8000)
NOISE = random.Random(1).randbytes(16_000)


def fetch(folder: Path, body: bytes, raw: RawSound | None) -> FetchedFile:
    async def main() -> FetchedFile:
        async with scripted(answer(200, body)) as service:
            fetcher = fetcher_of(service)
            try:
                return await fetcher.fetch(f"{service.origin}/s", folder, expected="audio", raw=raw)
            finally:
                await fetcher.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"output_format": "pcm_44100", "duration_seconds": 3}, RawSound("pcm", 44_100)),
        ({"outputFormat": "ulaw_8000"}, ULAW),
        ({"output_format": "alaw_8000"}, ALAW),
        ({"output_format": "mp3_44100_128"}, None),
        ({"output_format": "opus_48000_32"}, None),
        ({"output_format": "png"}, None),
        ({"style": "pcm_8000"}, None),
        ({"output_format": None}, None),
        ({}, None),
    ],
)
def test_the_request_tells_what_has_no_head(params: Mapping[str, object], asked: RawSound | None) -> None:
    assert asked_raw(params) == asked


@pytest.mark.parametrize(("raw", "seconds"), [(PCM, 0.5), (ULAW, 2), (ALAW, 2)])
def test_bare_samples_become_a_wav_of_the_same_bytes(tmp_path: Path, raw: RawSound, seconds: float) -> None:
    got = fetch(tmp_path, NOISE, raw)
    found = got.inspected
    assert (found.mime_type, found.duration) == ("audio/wav", seconds)
    assert got.path.read_bytes().endswith(NOISE)
    assert list(tmp_path.iterdir()) == [got.path]
    assert found.size == got.path.stat().st_size
    # The hash is that of the file that is kept: a store that checks itself would find it damaged otherwise.
    assert found == fetch(tmp_path, got.path.read_bytes(), None).inspected


def test_plain_samples_are_read_by_the_standard_library(tmp_path: Path) -> None:
    with wave.open(str(fetch(tmp_path, NOISE, PCM).path)) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 8000)
        assert file.readframes(9000) == NOISE


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\1\0",
        b"\xff\x0a",
        b"BM\0\0\0\0\0\0\0\0",
        (b"\xff\xfb\x90\0" + bytes(413)) * 2,
        b"\xff\xf1\x50\x83\0\0\xfc",
        b"{\n\0",
    ],
    ids=["an icon", "a JPEG XL", "a bitmap", "an MP3", "an AAC", "JSON"],
)
def test_samples_that_begin_like_something_else_are_samples(tmp_path: Path, start: bytes) -> None:
    data = start + NOISE[len(start) :]
    assert fetch(tmp_path, data, PCM).path.read_bytes().endswith(data)
    # Silence, which has no byte of its own.
    for silence in (bytes(8000), b"\xff" * 8000, b"\xd5" * 8000):
        assert fetch(tmp_path, silence, ULAW).inspected.duration == 1


@pytest.mark.parametrize(
    "name", ["sound.mp3", "plain.mp3", "sound.wav", "sound.ogg", "sound.aac", "film.mp4"]
)
def test_what_has_a_head_is_kept_as_it_came(tmp_path: Path, name: str) -> None:
    assert fetch(tmp_path, sample(name), PCM).path.read_bytes() == sample(name)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Nothing came"),
        (b"OK", "What came is no picture, video or sound"),
        (b'{"error": {"code": "not_found"}}', "JSON came; an MP3, WAV or Ogg was expected"),
        (b"<!doctype html><p>sign in\n" + "ขออภัย ".encode() * 999, "A web page"),
        ("<html>later</html>".encode("utf-16"), "What came is no picture, video or sound"),
        ("<HTML lang=th>ขออภัย</HTML>".encode("tis-620"), "A web page"),
        (sample("sound.mp3")[:-9], "is cut short after"),
        (sample("sound.wav")[:-9], "is cut short after"),
        (NOISE[:-1], "The sound is cut short after 15,999 bytes: each sample has 2"),
    ],
    ids=[
        "nothing",
        "a word",
        "JSON",
        "a page",
        "another page",
        "an old page",
        "half an MP3",
        "half a WAV",
        "half a sample",
    ],
)
def test_what_came_in_its_place_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        fetch(tmp_path, body, PCM)
    assert list(tmp_path.iterdir()) == []


def test_who_asked_for_something_else_gets_no_noise(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no picture, video or sound"):
        fetch(tmp_path, NOISE, None)


def test_an_odd_number_of_short_samples_is_filled_up(tmp_path: Path) -> None:
    got = fetch(tmp_path, NOISE[:-1], ULAW)
    data = got.path.read_bytes()
    assert len(data) % 2 == 0
    assert struct.unpack("<I", data[4:8])[0] + 8 == len(data)
    assert got.inspected.duration == pytest.approx(15_999 / 8000)
