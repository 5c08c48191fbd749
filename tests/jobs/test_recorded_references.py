"""Video and audio as references: known by their bytes and kept as they are, or refused in one line."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sandbox.recorded import matroska, mp3, mp4, ogg, wav

from rivya_nb.contract.catalogue import Model, ReferenceRules, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.errors import InvalidRequestError
from rivya_nb.jobs.intake import take_references
from rivya_nb.sandbox.own_models import CLIP, TUNE
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.records import PictureRecord

PICTURES = bundled()["wan-2-7-image-pro"]
FILMS = bundled()["wan-2-6"]


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    (tmp_path / "store").mkdir()
    return ContentFiles(tmp_path / "store")


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def with_cover() -> bytes:
    """An MP3 whose tag has a picture in it."""
    picture = b"\0image/png\0\3\0" + png()
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = len(frame)
    tag = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3\3\0\0" + tag + frame + mp3(2)[10:]


def taken(source: object, files: ContentFiles, *models: Model, shrink: bool = False) -> Reference:
    (reference,) = take_references([source], models or [CLIP], files, shrink=shrink)
    return reference


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "kind", "mime_type", "seconds"),
    [
        (mp4(3), "video", "video/mp4", 3),
        (mp4(2, brand=b"qt  "), "video", "video/quicktime", 2),
        (matroska(2.5), "video", "video/webm", 2.5),
        (matroska(2.5, doc_type=b"matroska"), "video", "video/x-matroska", 2.5),
        (mp4(2, handler=b"soun"), "audio", "audio/mp4", 2),
        (wav(1.25), "audio", "audio/wav", 1.25),
        (mp3(2), "audio", "audio/mpeg", 2),
        (ogg(2), "audio", "audio/ogg", 2),
        (with_cover(), "audio", "audio/mpeg", 2),
    ],
    ids=["mp4", "mov", "webm", "mkv", "m4a", "wav", "mp3", "ogg", "mp3 with a cover"],
)
@pytest.mark.parametrize("shrink", [False, True])
def test_a_recording_is_known_by_its_bytes_measured_and_kept_as_it_is(
    files: ContentFiles, tmp_path: Path, data: bytes, kind: str, mime_type: str, seconds: float, shrink: bool
) -> None:
    # Its name claims something else.
    path = written(tmp_path, "clip.png", data)
    reference = taken(path, files, shrink=shrink)
    assert (reference.kind, reference.mime_type, reference.name) == (kind, mime_type, "clip.png")
    assert reference.duration == pytest.approx(seconds, abs=0.02)
    assert files.read(reference.sha256, mime_type) == data
    assert not reference.note


def test_every_source_of_bytes_gives_the_same_recording(files: ContentFiles, tmp_path: Path) -> None:
    data = mp4(3)
    path = written(tmp_path, "clip.mp4", data)
    with path.open("rb") as opened:
        sources: Sequence[object] = (path, str(path), data, bytearray(data), io.BytesIO(data), opened)
        assert len({taken(source, files).sha256 for source in sources}) == 1


def test_a_result_is_the_next_reference_with_its_kind_and_duration(files: ContentFiles) -> None:
    first = taken(mp4(3), files)
    result = PictureRecord(first.sha256, "video/mp4", 640, 360, first.size, 3.0)
    again = taken(result, files, FILMS)
    assert (again.kind, again.duration, again.sha256) == ("video", 3.0, first.sha256)


def test_a_picture_beside_films_is_still_made_smaller(files: ContentFiles) -> None:
    noise = Image.effect_noise((1900, 1900), 90)
    buffer = io.BytesIO()
    Image.merge("RGB", [noise] * 3).save(buffer, "BMP")
    reference = taken(buffer.getvalue(), files, FILMS, shrink=True)
    assert reference.kind == "image"
    assert "converted to" in reference.note


def large(folder: Path) -> Path:
    return written(folder, "clip.mp4", mp4(3) + b"\0\0\0\x08free" * 1_400_000)


BAD: dict[str, tuple[Callable[[Path], object], Model, str]] = {
    "a video for a model of pictures": (
        lambda folder: written(folder, "clip.mp4", mp4(3)),
        PICTURES,
        "clip.mp4: a reference of kind video is not accepted; accepted: image",
    ),
    "a video for a model that takes nothing": (
        lambda folder: written(folder, "clip.mp4", mp4(3)),
        bundled()["seedance-2"],
        "references: seedance-2 takes none",
    ),
    "one that is too long by a frame": (
        lambda folder: written(folder, "clip.mp4", mp4(10.042)),
        CLIP,
        "clip.mp4: it is 10.042 s long, and has to be from 0.5 s to 10 s",
    ),
    "one that is too short": (
        lambda folder: written(folder, "clip.webm", matroska(0.4)),
        CLIP,
        "clip.webm: it is 0.4 s long, and has to be from 0.5 s to 10 s",
    ),
    "text that is named .mp4": (
        lambda folder: written(folder, "notes.mp4", b"a shopping list\n"),
        FILMS,
        "notes.mp4: this is not a picture or a video but text; accepted are jpeg, png, webp, mp4, quicktime, "
        "matroska",
    ),
    "text that is named .mp4, for a model of pictures": (
        lambda folder: written(folder, "notes.mp4", b"a shopping list\n"),
        PICTURES,
        "notes.mp4: this is not a picture but text; accepted are jpeg, png and webp",
    ),
    "text for a model of audio": (
        lambda folder: written(folder, "notes.mp3", b"a shopping list\n"),
        TUNE,
        "notes.mp3: this is not audio but text; accepted are mpeg, wav, mp4, ogg, flac",
    ),
    "audio with a picture inside, for a model of pictures": (
        lambda folder: written(folder, "song.mp3", with_cover()),
        PICTURES,
        "song.mp3: a reference of kind audio is not accepted; accepted: image",
    ),
    "audio in an MP4, for a model of films": (
        lambda folder: written(folder, "clip.mp4", mp4(3, handler=b"soun")),
        FILMS,
        "clip.mp4: a reference of kind audio is not accepted; accepted: image, video",
    ),
    "a picture for a model of audio": (
        lambda folder: written(folder, "cat.png", png()),
        TUNE,
        "cat.png: a reference of kind image is not accepted; accepted: audio",
    ),
    "a picture of another format for a model of audio": (
        lambda folder: written(folder, "cat.gif", b"GIF89a" + bytes(64)),
        TUNE,
        "cat.gif: a reference of kind image is not accepted; accepted: audio",
    ),
    "a format that the model does not take": (
        lambda folder: written(folder, "clip.webm", matroska(3)),
        FILMS,
        "clip.webm: its bytes are video/webm; accepted are mp4, quicktime, matroska; a program such as ffmpeg "
        "converts it",
    ),
    "a video of a format that is not known": (
        lambda folder: written(folder, "clip.avi", b"RIFF\x20\0\0\0AVI LIST\0\1" + bytes(400)),
        FILMS,
        "clip.avi: its format is not known here; accepted are jpeg, png, webp, mp4, quicktime, matroska; a "
        "program such as ffmpeg converts videos and sounds",
    ),
    "what is of no format, for a model of pictures": (
        lambda folder: written(folder, "clip.avi", b"RIFF\x20\0\0\0AVI LIST\0\1" + bytes(400)),
        PICTURES,
        "clip.avi: its format is not known here; accepted are jpeg, png and webp",
    ),
    "a file that is cut": (
        lambda folder: written(folder, "clip.mp4", mp4(3)[:-40]),
        FILMS,
        "clip.mp4: it is cut or damaged: not all of it is there",
    ),
    "the start of a file alone": (
        lambda folder: written(folder, "clip.mp4", mp4(3)[:40]),
        FILMS,
        "clip.mp4: it is cut or damaged: not all of it is there",
    ),
    "one that is too large": (large, FILMS, "clip.mp4: 11.2 MB is over the limit of 10 MB"),
    "an empty file": (lambda folder: written(folder, "clip.mp4", b""), FILMS, "clip.mp4: the file is empty"),
    "a folder": (lambda folder: folder, FILMS, "is a folder"),
    "bytes without an end of the first box": (
        lambda _: b"\xff\xff\xff\xffftypisom",
        FILMS,
        "reference 1: it is cut",
    ),
}


@pytest.mark.parametrize("shrink", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_what_a_model_does_not_take_is_refused_in_one_line_and_not_kept(
    files: ContentFiles, tmp_path: Path, name: str, shrink: bool
) -> None:
    make, model, message = BAD[name]
    source = make(tmp_path)
    with pytest.raises(InvalidRequestError) as caught:
        take_references([source], [model], files, shrink=shrink)
    (mistake,) = caught.value.mistakes
    assert message in str(mistake)
    assert "\n" not in str(mistake)
    assert not any(path.is_file() for path in files.folder.parent.rglob("*"))


def test_a_duration_that_cannot_be_read_is_refused_only_where_it_matters(files: ContentFiles) -> None:
    head, _, _ = mp4(3).partition(b"moov")
    unknown = head[:-4] + b"\0\0\0\x08moov"
    free = replace(FILMS, references=ReferenceRules(1, ("video",), ()))
    assert taken(unknown, files, free).duration is None
    with pytest.raises(InvalidRequestError, match=r"cannot be read, and has to be from 0\.5 s to 10 s"):
        taken(unknown, files, CLIP)


@pytest.mark.parametrize(
    ("address", "model", "kind"),
    [
        ("https://example.org/a/clip.mp4?x=1", CLIP, "video"),
        ("https://example.org/clip.MOV", CLIP, "video"),
        ("https://example.org/song.mp3#t=3", CLIP, "audio"),
        ("https://example.org/cat.webp", CLIP, "image"),
        ("https://example.org/anything", CLIP, "image"),
        ("https://example.org/anything", TUNE, "audio"),
    ],
)
def test_the_kind_of_a_web_address_is_what_its_name_says(
    files: ContentFiles, address: str, model: Model, kind: str
) -> None:
    reference = taken(address, files, replace(model, takes_urls=True))
    assert (reference.kind, reference.url) == (kind, address)


def test_a_web_address_of_a_kind_that_is_not_taken_is_refused(files: ContentFiles) -> None:
    with pytest.raises(
        InvalidRequestError, match="a reference of kind video is not accepted; accepted: image"
    ):
        taken("https://example.org/clip.mp4", files, replace(PICTURES, takes_urls=True))
    with pytest.raises(InvalidRequestError, match="download the video and give the file"):
        taken("https://example.org/clip.mp4", files, CLIP)
