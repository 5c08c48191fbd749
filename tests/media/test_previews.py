"""Small videos and sounds that play in an output, with ffmpeg and without."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from media.samples import FOLDER, sample
from rivya_nb.media import ffmpeg
from rivya_nb.media.facts import read_facts
from rivya_nb.media.previews import make_preview
from rivya_nb.media.words import PREVIEW_BYTES


@pytest.fixture
def without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)


def silence(path: Path, size: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes([128]) * size)
    return path


def padded(path: Path, size: int) -> Path:
    """A film that is larger than it need be."""
    data = sample("film.mp4")
    path.write_bytes(data + (size - len(data)).to_bytes(4, "big") + b"free" + bytes(size - len(data) - 8))
    return path


@pytest.mark.usefixtures("without_ffmpeg")
def test_a_small_original_plays_itself() -> None:
    path = FOLDER / "film.webm"
    assert make_preview(path) == ("video/webm", path.read_bytes())


@pytest.mark.skipif(ffmpeg.find_ffmpeg() is None, reason="no ffmpeg")
def test_a_large_film_becomes_a_small_one_of_the_same_length(tmp_path: Path) -> None:
    made = make_preview(padded(tmp_path / "film.mp4", 3 * PREVIEW_BYTES))
    assert made is not None
    mime_type, data = made
    assert len(data) <= PREVIEW_BYTES
    small = tmp_path / "small.webm"
    small.write_bytes(data)
    facts = read_facts(small)
    assert facts is not None
    assert facts.mime_type == mime_type == "video/webm"
    assert facts.duration == pytest.approx(0.5, abs=0.1)
    # It has a list of its places, so that a player can go to each of them.
    assert b"\x1c\x53\xbb\x6b" in data


@pytest.mark.skipif(ffmpeg.find_ffmpeg() is None, reason="no ffmpeg")
def test_a_large_sound_becomes_a_small_one(tmp_path: Path) -> None:
    made = make_preview(silence(tmp_path / "sound.wav", 2 * PREVIEW_BYTES))
    assert made is not None
    assert made[0] == "audio/webm"
    assert len(made[1]) <= PREVIEW_BYTES


@pytest.mark.skipif(ffmpeg.find_ffmpeg() is None, reason="no ffmpeg")
def test_what_is_too_long_to_be_small_does_not_play(tmp_path: Path) -> None:
    assert make_preview(silence(tmp_path / "sound.wav", 3600 * 8000)) is None


@pytest.mark.usefixtures("without_ffmpeg")
@pytest.mark.parametrize(("size", "plays"), [(PREVIEW_BYTES - 10_000, True), (PREVIEW_BYTES + 1, False)])
def test_without_ffmpeg_the_original_plays_if_it_fits(tmp_path: Path, size: int, plays: bool) -> None:
    path = silence(tmp_path / "sound.wav", size)
    assert make_preview(path) == (("audio/wav", path.read_bytes()) if plays else None)


@pytest.mark.parametrize("data", [b"", b"no film", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_video_or_sound_does_not_play(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    assert make_preview(path) is None
    assert make_preview(tmp_path / "gone.mp4") is None
