"""What the bytes of a video or sound tell: its format, its duration and its size, whatever its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from imaging.samples import WHOLE

from media.samples import FOLDER, SAMPLES, box, sample
from rivya_nb.imaging.formats import AVIF, find_format
from rivya_nb.media.facts import frame_rate, read_facts
from rivya_nb.media.formats import EXTENSIONS, HEADER_BYTES, find_medium, format_name


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_known_with_its_duration_and_its_size(name: str) -> None:
    facts, known = read_facts(FOLDER / name), SAMPLES[name]
    assert facts is not None
    assert (facts.medium, facts.mime_type) == known[:2]
    assert facts.duration == pytest.approx(known.duration, abs=0.01)
    assert (facts.width, facts.height) == known.size


@pytest.mark.parametrize("name", SAMPLES)
def test_the_frames_of_a_second_are_counted(name: str) -> None:
    is_counted = SAMPLES[name].medium == "video" and SAMPLES[name].mime_type != "video/ogg"
    assert frame_rate(FOLDER / name) == pytest.approx(10 if is_counted else 0)


def test_a_header_that_tells_of_a_million_frames_a_second_is_not_believed(tmp_path: Path) -> None:
    data = sample("film.webm")
    time = b"\x23\xe3\x83"
    at = data.index(time) + 4
    size = data[at - 1] & 0x7F
    (tmp_path / "a.webm").write_bytes(data[:at] + (1000).to_bytes(size, "big") + data[at + size :])
    assert frame_rate(tmp_path / "a.webm") == 0


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_bytes_tell_the_medium_whatever_the_name_is(tmp_path: Path, name: str) -> None:
    data = sample(name)
    found = find_medium(data[:HEADER_BYTES])
    assert found is not None
    # Whether there is a film in an EBML stands behind its first bytes.
    assert found[0] == SAMPLES[name].medium or name == "sound.weba"
    (tmp_path / "clip.txt").write_bytes(data)
    facts = read_facts(tmp_path / "clip.txt")
    assert facts is not None
    assert facts.mime_type == SAMPLES[name].mime_type


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_picture_stays_a_picture(name: str) -> None:
    found = find_medium(WHOLE[name][:HEADER_BYTES])
    assert found is not None
    assert found[0] == "image"


def test_a_long_first_box_is_no_icon() -> None:
    brands = b"avif" + bytes(4) + b"avif" * 60
    assert find_format(box(b"ftyp", brands)[:HEADER_BYTES]) is AVIF
    found = find_medium(box(b"ftyp", b"isom" * 62))
    assert found == ("video", "video/mp4")


def test_sound_in_an_mp4_is_sound_though_its_brand_is_a_films(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(sample("sound.m4a").replace(b"ftypM4A ", b"ftypisom", 1))
    facts = read_facts(path)
    assert facts is not None
    assert (facts.medium, facts.mime_type) == ("audio", "audio/mp4")


def test_a_film_is_a_film_though_its_brand_is_that_of_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(sample("film.mp4").replace(b"ftypisom", b"ftypM4A ", 1))
    facts = read_facts(path)
    assert facts is not None
    assert (facts.medium, facts.mime_type) == ("video", "video/mp4")


@pytest.mark.parametrize("stills", [b"jpeg", b"png "])
@pytest.mark.parametrize(("brand", "medium"), [(b"M4A ", "audio"), (b"M4B ", "audio"), (b"isom", "video")])
def test_stills_beside_sound_are_the_covers_of_its_chapters(
    tmp_path: Path, brand: bytes, medium: str, stills: bytes
) -> None:
    data = sample("film.mp4").replace(b"ftypisom", b"ftyp" + brand, 1)
    at = data.rindex(b"avc1")
    (tmp_path / "a.m4a").write_bytes(data[:at] + stills + data[at + 4 :])
    facts = read_facts(tmp_path / "a.m4a")
    assert facts is not None
    assert facts.medium == medium


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"A text that somebody has named clip.mp4.\n" * 20,
        b"<!doctype html><p>sign in",
        b'{"error": {}}',
        b"\xff\xfe" + "A text of Windows".encode("utf-16-le") * 9,
        b"ftypmp42" + bytes(40),
        b"RIFF\x20\0\0\0AVI LIST" + bytes(40),
        b"\x1a\x45\xdf\xa3" + bytes(60),
        b"ID",
        b"ID3 is how a decision tree is grown, and a text may begin with it.\n" * 9,
        b"TAG: what a text may begin with.\n" * 99,
        bytes(300),
        b"\xff\xfb",
        b"\xff\xfb\xf0\x64" * 99,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_none_of_the_kinds_has_no_facts(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(data)
    assert read_facts(tmp_path / "clip.mp4") is None


def test_every_format_has_a_name_and_an_extension_of_its_own() -> None:
    assert len(set(EXTENSIONS.values())) == len(EXTENSIONS)
    assert format_name("video/mp4") == "MP4"
    assert format_name("image/avif") == "AVIF"
    assert format_name("video/unheard-of") == "video/unheard-of"
