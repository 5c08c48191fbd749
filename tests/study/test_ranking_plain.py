"""What a judge sees or hears holds its pixels or tones and nothing else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from media.films import film
from media.samples import FOLDER
from PIL import Image, ImageCms

from rivya_nb.errors import PictureError
from rivya_nb.media.facts import read_facts
from rivya_nb.study.ranking.plain import plain_clip, plain_picture

SECRET = b"made by the secret model"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_only_the_pixels_are_left(tmp_path: Path, kind: str, mode: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    path = tmp_path / "original"
    colour = (200, 30, 60, 128)[: len(mode)]
    picture = Image.new(
        "RGB" if kind == "JPEG" else mode, (3000, 1500), colour[:3] if kind == "JPEG" else colour
    )
    more = {"comment": SECRET} if kind == "JPEG" else {}
    picture.save(path, kind, exif=exif, icc_profile=profile, **more)
    assert SECRET in path.read_bytes() or kind == "PNG"
    mime, data = plain_picture(path, (1024, 1024))
    image = Image.open(BytesIO(data))
    assert image.size == (1024, 512)
    assert Image.MIME[image.format or ""] == mime
    assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)
    assert SECRET not in data
    pixel = image.convert(picture.mode).getpixel((500, 200))
    assert isinstance(pixel, tuple)
    assert all(abs(one - other) < 8 for one, other in zip(pixel, picture.getpixel((0, 0)), strict=True))


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(b"no picture")
    with pytest.raises(PictureError, match="the picture original cannot be read"):
        plain_picture(path, (100, 100))


def test_only_what_is_seen_or_heard_is_left_of_videos_and_sounds(tmp_path: Path) -> None:
    path = tmp_path / "film.webm"
    path.write_bytes(film([9] * 20))
    assert b"a film" in path.read_bytes()
    for original, mime_type, tracks in (
        (path, "video/webm", 1),
        (FOLDER / "film.mp4", "video/webm", 1),
        (FOLDER / "tagged.mp3", "audio/webm", 1),
        (FOLDER / "cover.m4a", "audio/webm", 1),
    ):
        data = plain_clip(original, 100_000)
        copy = tmp_path / "copy"
        copy.write_bytes(data)
        before, after = read_facts(original), read_facts(copy)
        assert before is not None
        assert after is not None
        assert (after.mime_type, after.width, after.height) == (mime_type, before.width, before.height)
        assert data.count(b"V_VP8") + data.count(b"A_OPUS") == tracks
        assert not [secret for secret in (b"a film", b"rivya", b"TITLE", b"ARTIST") if secret in data]
    long = tmp_path / "long.webm"
    long.write_bytes(film(list(range(0, 256, 5)) * 4))
    assert len(plain_clip(long, 20_000)) < 20_000


def test_what_is_no_video_or_sound_is_told(tmp_path: Path) -> None:
    path = tmp_path / "original"
    for data in (b"no video", film([9] * 9)[:150]):
        path.write_bytes(data)
        with pytest.raises(PictureError, match="original"):
            plain_clip(path, 1000)
    with pytest.raises(PictureError, match="cannot be read"):
        plain_clip(tmp_path / "gone", 1000)
