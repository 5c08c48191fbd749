"""One picture that stands for a video or a sound, with ffmpeg and without."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from media.samples import FOLDER, SAMPLES
from rivya_nb.errors import PictureError
from rivya_nb.imaging.formats import Format
from rivya_nb.media import ffmpeg
from rivya_nb.media.formats import MP4
from rivya_nb.media.frames import Frames, read_frames
from rivya_nb.media.posters import make_poster
from rivya_nb.media.words import length_words

FILMS = [name for name, known in SAMPLES.items() if known.medium == "video"]
SOUNDS = [name for name, known in SAMPLES.items() if known.medium == "audio"]
BOX = (1152, 512)


@pytest.fixture
def without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`program(text)`: a shell script stands in ffmpeg's place."""

    def program(text: str) -> None:
        path = tmp_path / "ffmpeg"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: str(path))

    return program


@pytest.mark.parametrize("name", FILMS)
def test_the_poster_of_a_video_is_one_of_its_frames(name: str) -> None:
    image, is_true = make_poster(FOLDER / name, BOX, sign=False)
    assert is_true
    assert (image.mode, image.size) == ("RGB", SAMPLES[name].size)
    # The test picture has many colours; a card has few.
    assert len(image.resize((24, 16)).getcolors(1 << 16) or ()) > 40


@pytest.mark.parametrize("name", ["film_deep.mp4", "film_flat.mp4", "film_flat.webm", "turned.mp4"])
def test_frames_are_as_the_video_is_shown(name: str) -> None:
    read = read_frames(FOLDER / name, Frames(0.25, 2))
    assert {(image.mode, image.size) for image in read} == {("RGB", SAMPLES[name].size)}
    assert [image.size for image in read_frames(FOLDER / name, Frames(), box=(24, 24))] == [
        (24, round(24 * image.height / image.width)) if image.width > image.height else (16, 24)
        for image in read[:1]
    ]


def test_a_poster_has_a_play_sign_and_fits_into_its_box() -> None:
    plain, signed = (make_poster(FOLDER / "film.mp4", (24, 24), sign=sign).image for sign in (False, True))
    assert plain.size == signed.size == (24, 16)
    corner = (0, 8, 8, 16)
    assert plain.crop(corner).tobytes() != signed.crop(corner).tobytes()
    assert plain.crop((16, 0, 24, 8)).tobytes() == signed.crop((16, 0, 24, 8)).tobytes()


@pytest.mark.parametrize("name", SOUNDS)
def test_the_poster_of_a_sound_is_its_waveform(name: str) -> None:
    image, is_true = make_poster(FOLDER / name, BOX, sign=False)
    assert is_true
    assert image.width == 2 * image.height
    middle, ground = image.getpixel((image.width // 4, image.height // 2)), image.getpixel((2, 2))
    assert middle != ground


@pytest.mark.parametrize("claimed", [0, 20, 4000])
def test_a_wav_whose_parts_are_longer_than_the_whole_has_a_poster(
    tmp_path: Path, claimed: int, without_ffmpeg: None
) -> None:
    data = (FOLDER / "sound.wav").read_bytes()
    note = b"LIST" + (3000).to_bytes(4, "little") + bytes(3000)
    (tmp_path / "a.wav").write_bytes(data[:4] + claimed.to_bytes(4, "little") + data[8:12] + note + data[12:])
    assert make_poster(tmp_path / "a.wav", BOX).image.size == (720, 360)


def test_a_count_that_nobody_knew_changes_no_waveform() -> None:
    known, piped = (make_poster(FOLDER / name, BOX).image for name in ("sound.wav", "piped.wav"))
    assert known.tobytes() == piped.tobytes()


def sound(folder: Path, wide: int, loud: float, channels: int = 1) -> Path:
    """A WAV with a loud second half."""
    path = folder / f"{wide}-{channels}.wav"
    top = int(loud * (2 ** (8 * wide - 1) - 1))
    rest = 128 if wide == 1 else 0
    quiet, high = ((value + rest).to_bytes(wide, "little", signed=wide > 1) * channels for value in (0, top))
    low = (rest - top).to_bytes(wide, "little", signed=wide > 1) * channels
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(wide)
        file.setframerate(8000)
        file.writeframes(quiet * 4000 + (high + low) * 2000)
    return path


@pytest.mark.usefixtures("without_ffmpeg")
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("wide", [1, 2, 3, 4])
def test_a_plain_wav_needs_no_ffmpeg(tmp_path: Path, wide: int, channels: int) -> None:
    image, is_true = make_poster(sound(tmp_path, wide, 0.9, channels), BOX, sign=False)
    assert is_true
    columns = [image.crop((at, 0, at + 1, image.height)) for at in (image.width // 4, image.width * 3 // 4)]
    ground = image.getpixel((2, 2))
    quiet, loud = (
        image.height - dict(map(reversed, column.getcolors())).get(ground, 0) for column in columns
    )
    assert quiet < 0.05 * image.height
    assert loud > 0.8 * image.height


@pytest.mark.usefixtures("without_ffmpeg")
@pytest.mark.parametrize("name", ["film.mp4", "turned.mp4", "live.webm", "sound.mp3", "sound.ogg"])
def test_without_ffmpeg_a_card_stands_there(name: str) -> None:
    image, is_true = make_poster(FOLDER / name, BOX)
    assert not is_true
    assert image.size == (SAMPLES[name].size if SAMPLES[name].medium == "video" else (720, 360))
    # It is seen on a light page and on a dark one.
    brightness = [sum(colour) / 765 for _, colour in image.getcolors(1 << 16)]
    assert max(brightness) > 0.5
    assert min(brightness) < 0.2
    assert 0.05 < sum(image.getpixel((image.width // 2, 2))) / 765 < 0.6  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["exit 1", "echo 'no picture'", "kill -9 $$", "exec sleep 30", "head -c 100000 /dev/zero"]
)
def test_a_program_that_fails_leaves_a_card(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    program(text)
    monkeypatch.setattr(ffmpeg, "TIMEOUT", 0.3 if "sleep" in text else 20.0)
    assert not make_poster(FOLDER / "film.mp4", BOX).is_true


def test_the_program_gets_the_file_alone_and_no_key(
    program: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", "rvya_sk_test-" + "not-a-real-key")
    odd = tmp_path / "-y; rm -rf 'x' | http:.mp4"
    odd.write_bytes((FOLDER / "film.mp4").read_bytes())
    program(f"env > {tmp_path}/env; printf '%s\\n' \"$@\" > {tmp_path}/args")
    assert ffmpeg.frame(odd, MP4) is None
    assert "rvya" not in (tmp_path / "env").read_text()
    arguments = (tmp_path / "args").read_text().splitlines()
    assert f"file:{odd}" in arguments
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file,pipe"
    assert arguments[arguments.index("-f") + 1] == "mov"


def test_a_strange_name_is_no_argument(tmp_path: Path) -> None:
    odd = tmp_path / "-i http:%03d.mp4"
    odd.write_bytes((FOLDER / "film.mp4").read_bytes())
    assert make_poster(odd, BOX).is_true


def test_only_formats_that_are_known_reach_ffmpeg(tmp_path: Path) -> None:
    assert ffmpeg.frame(FOLDER / "film.mp4", Format("HLS", "application/x-mpegurl", ".m3u8")) is None


@pytest.mark.parametrize("data", [b"", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", b"text" * 100])
def test_what_is_no_video_has_no_poster(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(data)
    with pytest.raises(PictureError, match=r"clip\.mp4 is no video or sound"):
        make_poster(tmp_path / "clip.mp4")
    with pytest.raises(PictureError, match="cannot be read: No such file"):
        make_poster(tmp_path / "gone.mp4")


@pytest.mark.parametrize("spoiled", [slice(2000, 2400), slice(3000, 3010)])
def test_a_damaged_film_has_a_poster_or_a_card(tmp_path: Path, spoiled: slice) -> None:
    data = bytearray((FOLDER / "film.mp4").read_bytes())
    data[spoiled] = os.urandom(spoiled.stop - spoiled.start)
    (tmp_path / "a.mp4").write_bytes(data)
    out = io.BytesIO()
    make_poster(tmp_path / "a.mp4", BOX).image.save(out, "PNG")
    assert out.tell()


@pytest.mark.parametrize(
    ("duration", "words"),
    [(None, ""), (0.02, "0:01"), (5.04, "0:05"), (59.6, "1:00"), (605, "10:05"), (3723, "1:02:03")],
)
def test_a_length_is_told_as_players_do(duration: float | None, words: str) -> None:
    assert length_words(duration) == words
